/**
 * What several pieces cost, by the rules of app/domain/pricing.py: decimals stay text, or whole numbers of any size, and never
 * become floats. `money-cases.json` is what both sides are tested against.
 */
import MINOR_UNITS from "./minor-units.json";
import type { PriceTier } from "./types.ts";

/** A price is exact to so many decimals. */
const SCALE = 6;

const decimalsOf = new Map(Object.entries(MINOR_UNITS).flatMap(([decimals, currencies]) => currencies.map((one) => [one, Number(decimals)])));

/** @returns the decimals of a currency's coins by ISO 4217, which Intl does not follow everywhere. */
export function minorUnit(currency: string): number {
  return decimalsOf.get(currency) ?? 2;
}

/** @returns the tier that holds for so many pieces, or null if so few are not sold. */
export function tierFor<Tier extends PriceTier>(tiers: readonly Tier[], quantity: number): Tier | null {
  return tiers.reduce<Tier | null>((best, tier) => (tier.min_quantity <= quantity && tier.min_quantity >= (best?.min_quantity ?? 0) ? tier : best), null);
}

/** @returns what so many pieces cost, rounded once, half up, to the currency's coins. */
export function totalOf(amount: string, quantity: number, currency: string): string {
  const decimals = minorUnit(currency);
  const unit = 10n ** BigInt(SCALE - decimals);
  return written((parsed(amount) * BigInt(quantity) + unit / 2n) / unit, decimals);
}

/** @returns the sum of amounts in one currency, with the decimals of its coins. */
export function sumOf(amounts: readonly string[], currency: string): string {
  const decimals = minorUnit(currency);
  const sum = amounts.reduce((total, amount) => total + parsed(amount), 0n);
  return written(sum / 10n ** BigInt(SCALE - decimals), decimals);
}

/** An amount as a whole number of millionths. */
function parsed(amount: string): bigint {
  const [whole = "", fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.padEnd(SCALE, "0"));
}

function written(units: bigint, decimals: number): string {
  const digits = String(units).padStart(decimals + 1, "0");
  return decimals === 0 ? digits : `${digits.slice(0, -decimals)}.${digits.slice(-decimals)}`;
}

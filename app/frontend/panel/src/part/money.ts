/** Amounts as text, exactly: compared and set in relation as whole numbers of the smallest step, never as floats. */
const DECIMALS = 6;
const AMOUNT = /^\d{1,10}(\.\d{1,6})?$/;
/** A change of more than this many percent is asked about twice. */
export const GUARD_PERCENT = 50;

/** @returns an amount as the API takes it, from what was typed with a point or a comma; null if it is none. */
export function parseAmount(typed: string): string | null {
  const text = typed.trim().replace(/^(\d+),(\d+)$/, "$1.$2");
  return AMOUNT.test(text) ? text : null;
}

function steps(amount: string): bigint {
  const [whole = "0", fraction = ""] = amount.split(".");
  return BigInt(whole + fraction.padEnd(DECIMALS, "0"));
}

export function sameMoney(a: string, b: string): boolean {
  return steps(a) === steps(b);
}

/** @returns by how many percent an amount changes, to one decimal; null if it was nothing before. */
export function percentChange(from: string, to: string): number | null {
  const [before, after] = [steps(from), steps(to)];
  if (before === 0n) return null;
  const half = after < before ? -before : before;
  return Number(((after - before) * 2_000n + half) / (2n * before)) / 10;
}

/** Whether a change must be confirmed: exactly, not by its rounded percentage. */
export function isLarge(from: string, to: string): boolean {
  const [before, after] = [steps(from), steps(to)];
  const difference = after > before ? after - before : before - after;
  return difference * 100n > before * BigInt(GUARD_PERCENT);
}

/** Numbers, money and times as people read them. Money stays text until it is shown. */

/** The first language asked for that Intl understands: a browser may name one such as "en-US@posix". */
export function usableLocale(languages: readonly string[]): string {
  for (const language of languages) {
    try {
      const [locale] = Intl.getCanonicalLocales(language);
      if (locale) return locale;
    } catch {
      // Not a language tag.
    }
  }
  return "en";
}

/** The price of one piece is exact to so many decimals, in every currency. */
const MAX_DECIMALS = 6;
/** Rounding a price may hide so much of it, and no more. */
const MAX_HIDDEN = 0.01;

let locale = usableLocale(typeof navigator === "undefined" ? [] : navigator.languages);
let formats = formatsOf(locale);

function formatsOf(locale: string) {
  return {
    numbers: new Intl.NumberFormat(locale),
    signed: new Intl.NumberFormat(locale, { signDisplay: "exceptZero" }),
    amounts: new Intl.NumberFormat(locale, { minimumFractionDigits: 2, maximumFractionDigits: MAX_DECIMALS, useGrouping: false }),
    absolute: new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "medium" }),
    clock: new Intl.DateTimeFormat(locale, { timeStyle: "short" }),
    age: new Intl.RelativeTimeFormat(locale, { numeric: "always", style: "narrow" }),
    relative: new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" }),
    exact: new Map<string, Intl.NumberFormat>(),
    rounded: new Map<string, Intl.NumberFormat>(),
  };
}

/** Formats in this language from now on: as in the first of `regions` that speaks it ("de-AT" for "de"), if there is one. */
export function setLocale(language: string, regions: readonly string[]): void {
  locale = usableLocale([...regions.filter((region) => region.split("-")[0] === language), language]);
  formats = formatsOf(locale);
}

export function formatNumber(value: number): string {
  return formats.numbers.format(value);
}

export function formatSigned(value: number): string {
  return formats.signed.format(value);
}

/**
 * The price of one piece, exactly: with the decimals of the currency's coins at least, and more where it has more (0.0042).
 * @param amount a decimal number as text: Intl formats it without a float in between.
 */
export function formatMoney(amount: string, currency: string): string {
  return formatIn(formats.exact, currency, { maximumFractionDigits: MAX_DECIMALS }).format(amount as unknown as number);
}

/** What one piece costs: rounded to the currency's coins, as a till does; exactly where little would be left of it. */
export function formatPrice(amount: string, currency: string): string {
  const format = formatIn(formats.rounded, currency, {});
  const coins = 10 ** (format.resolvedOptions().maximumFractionDigits ?? 0);
  const hidden = Math.abs(Math.round(Number(amount) * coins) / coins - Number(amount));
  return hidden > Number(amount) * MAX_HIDDEN ? formatMoney(amount, currency) : format.format(amount as unknown as number);
}

function formatIn(known: Map<string, Intl.NumberFormat>, currency: string, options: Intl.NumberFormatOptions): Intl.NumberFormat {
  let format = known.get(currency);
  if (!format) {
    format = new Intl.NumberFormat(locale, { style: "currency", currency, ...options });
    known.set(currency, format);
  }
  return format;
}

/** An amount without its currency and ungrouped, as it is typed into a field. */
export function formatAmount(amount: string): string {
  return formats.amounts.format(amount as unknown as number);
}

/** Compares amounts by value: "12.5" is "12.50". */
export function sameAmount(a: string, b: string): boolean {
  const canonical = (text: string): string => {
    const [whole = "0", fraction = ""] = text.split(".");
    return `${whole.replace(/^(-?)0+(?=\d)/, "$1")}.${fraction.replace(/0+$/, "")}`;
  };
  return canonical(a) === canonical(b);
}

export function formatDateTime(iso: string): string {
  return formats.absolute.format(new Date(iso));
}

export function formatClock(time: number | Date): string {
  return formats.clock.format(time);
}

/** "2s ago", of less than a minute. */
export function formatAge(seconds: number): string {
  return formats.age.format(-Math.max(1, Math.floor(seconds)), "second");
}

const STEPS: [limit: number, seconds: number, unit: Intl.RelativeTimeFormatUnit][] = [
  [60, 1, "second"],
  [3_600, 60, "minute"],
  [86_400, 3_600, "hour"],
  [604_800, 86_400, "day"],
  [2_629_800, 604_800, "week"],
  [31_557_600, 2_629_800, "month"],
  [Infinity, 31_557_600, "year"],
];

/** "3 min. ago". A clock that is a little ahead of ours still says "now". */
export function formatRelative(iso: string, now: number): string {
  const seconds = Math.max(0, Math.round((now - Date.parse(iso)) / 1000));
  if (seconds < 10) return formats.relative.format(0, "second");
  for (const [limit, size, unit] of STEPS) {
    if (seconds < limit) return formats.relative.format(-Math.floor(seconds / size), unit);
  }
  return formatDateTime(iso);
}

/** Amounts as people type them: with a comma or a point, and no more digits than a price has. */

/** @returns the amount as the API takes it, or null if it is none. */
export function amountOf(typed: string): string | null {
  const text = typed.trim().replace(",", ".");
  return /^\d{1,12}(\.\d{1,6})?$/.test(text) ? text : null;
}

/** @returns a whole number of pieces, or null. */
export function piecesOf(typed: string): number | null {
  const text = typed.trim();
  return /^\d{1,10}$/.test(text) && Number(text) <= 2_147_483_647 ? Number(text) : null;
}

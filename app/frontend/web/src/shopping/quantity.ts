/** Quantities as people write them. */

/** Of a line, as the API takes it. */
export const MAX_QUANTITY = 2_147_483_647;

/** What may stand behind a number of pieces, as the source of a regular expression. */
export const UNIT = "(?:pcs?|pieces?|pc|ea|each|units?|st|stk|stck|stück|stueck|x)\\.?";

const QUANTITY = new RegExp(`^(?:[x×*]\\s*)?(\\d{1,3}(?:[.,'’ \\u00a0\\u202f]\\d{3})+|\\d+)(?:[.,]0{1,2})?(?:\\s*(?:${UNIT}|[×*]))?$`, "i");

/** @returns a quantity as cells and fields have it ("1,000", "3 pcs"); null if it is none. */
export function quantityOf(text: string): number | null {
  const digits = QUANTITY.exec(text.trim())?.[1]?.replace(/\D/g, "");
  const quantity = Number(digits);
  return digits !== undefined && quantity <= MAX_QUANTITY ? quantity : null;
}

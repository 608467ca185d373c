/**
 * What a customer saw, as a code that can be read out on the telephone: the part, and the moment by the server's clock. Staff open by
 * it what the page showed (`GET /admin/parts/{id}/as-of`).
 */

/** @param at in milliseconds; what happened within the second was seen, too. */
export function seenCode(partId: number, at: number): string {
  const moment = new Date(Math.ceil(at / 1000) * 1000).toISOString();
  return `LS-${partId}-${moment.replace(/[-:]|\.000/g, "")}`;
}

/** @returns the part and the moment of a code, in whatever case and with whatever around it; null if there is none. */
export function readSeenCode(text: string): { partId: number; at: string } | null {
  const found = /^\s*LS\s*-\s*([1-9]\d{0,9})\s*-\s*(\d{4})(\d\d)(\d\d)\s*T\s*(\d\d)(\d\d)(\d\d)\s*Z\s*$/i.exec(text);
  if (!found) return null;
  const [, partId, year, month, day, hour, minute, second] = found as unknown as string[];
  const at = `${year}-${month}-${day}T${hour}:${minute}:${second}Z`;
  // A 31st of February would be another day.
  return new Date(at).toJSON()?.slice(0, 19) === at.slice(0, 19) ? { partId: Number(partId), at } : null;
}

/** @returns a description as one line of plain text, as the server has it (`app/services/rich_text.py`). */
export function plain(text: string): string {
  if (!/<[a-z/!?]/i.test(text)) return text.trim().replace(/\s+/g, " ");
  const spaced = text.replace(/<(?:\/(?:p|li|h3|h4|tr|td|th|blockquote|pre)|br|hr)\b[^>]*>/g, " $&");
  const parsed = new DOMParser().parseFromString(spaced, "text/html");
  return (parsed.body.textContent ?? "").trim().replace(/\s+/g, " ");
}

/** What a key says, whatever keyboard it is on. */

/**
 * The letter of a key, small. Where keys have no Latin letters (Cyrillic, Greek, Arabic …), it is the one that stands at the same
 * place on other keyboards: shortcuts are learnt by place, and people who write another script switch between two layouts.
 */
export function letterOf({ key, code }: Pick<KeyboardEvent, "key" | "code">): string {
  const place = /^Key([A-Z])$/.exec(code)?.[1];
  return place && key.length === 1 && key > "\u007f" ? place.toLowerCase() : key.toLowerCase();
}

/** What the palette offers for what is typed, and what was chosen last. */

/** Something to choose. `id` is the same on another day, so that it can be remembered. */
export interface Choice {
  id: string;
  label: string;
}

export const MAX_RECENT = 6;

/** @returns those that have each word somewhere; those that begin with what is typed come first. */
export function found<T extends Choice>(choices: readonly T[], typed: string): T[] {
  const wanted = typed.trim().toLocaleLowerCase();
  if (wanted === "") return [...choices];
  const words = wanted.split(/\s+/);
  return choices
    .map((choice) => ({ choice, label: choice.label.toLocaleLowerCase() }))
    .filter(({ label }) => words.every((word) => label.includes(word)))
    .sort((one, other) => Number(other.label.startsWith(wanted)) - Number(one.label.startsWith(wanted)))
    .map(({ choice }) => choice);
}

/** @returns what was chosen lately, the newest first, each once. */
export function remembered<T extends { id: string }>(recent: readonly T[], chosen: T): T[] {
  return [chosen, ...recent.filter(({ id }) => id !== chosen.id)].slice(0, MAX_RECENT);
}

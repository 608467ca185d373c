/** Two texts word by word. Its library is loaded with this module, when two versions are compared. */
import { diffWordsWithSpace } from "diff";

export interface Piece {
  readonly text: string;
  readonly way: "same" | "added" | "removed";
}

/** Longer than this nobody waits for the screen: the texts then count as replaced. */
const PATIENCE_MS = 300;

export function wordsOf(old: string, next: string): Piece[] {
  const found = diffWordsWithSpace(old, next, { timeout: PATIENCE_MS }) as { value: string; added: boolean; removed: boolean }[] | undefined;
  if (!found) return [{ text: old, way: "removed" }, { text: next, way: "added" }];
  return found.map(({ value, added, removed }) => ({ text: value, way: added ? "added" : removed ? "removed" : "same" }));
}

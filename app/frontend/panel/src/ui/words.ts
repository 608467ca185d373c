/** What differs between two texts, word by word. */
import { diffWordsWithSpace } from "diff";

export interface Piece {
  kind: "same" | "added" | "removed";
  text: string;
}

/** Longer texts would take too long to compare; they count as replaced. */
const MAX_LENGTH = 20_000;

export function wordDiff(before: string, after: string): Piece[] {
  if (before.length + after.length > MAX_LENGTH) {
    return before === after ? [{ kind: "same", text: after }] : [{ kind: "removed", text: before }, { kind: "added", text: after }];
  }
  return diffWordsWithSpace(before, after).map(({ added, removed, value }) => ({ kind: added ? "added" : removed ? "removed" : "same", text: value }));
}

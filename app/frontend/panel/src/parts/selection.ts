/** Which rows are selected, and how a click or a range changes that. */

/**
 * @param ids the rows in their order; `anchor` the row that was chosen last, from which a range goes.
 * @returns the selection after `id` was clicked; a range becomes what the clicked row becomes.
 */
export function toggled(selection: ReadonlySet<number>, ids: readonly number[], id: number, anchor: number | null, isRange: boolean): Set<number> {
  const next = new Set(selection);
  const isChosen = !selection.has(id);
  const from = anchor === null ? -1 : ids.indexOf(anchor);
  const to = ids.indexOf(id);
  const range = isRange && from >= 0 && to >= 0 ? ids.slice(Math.min(from, to), Math.max(from, to) + 1) : [id];
  for (const one of range) {
    if (isChosen) next.add(one);
    else next.delete(one);
  }
  return next;
}

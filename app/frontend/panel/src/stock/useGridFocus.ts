/** One cell of the grid has the focus; arrow keys move it, Enter or F2 opens it (the ARIA grid pattern). */
import type { AdminListItem } from "@lockstep/shared/types.ts";
import { computed, nextTick, ref, watch, type Ref } from "vue";
import { COLUMNS, type Column, type EditableField } from "./columns.ts";
import { useDraftsStore } from "./drafts.ts";

/** Where the focus goes after a cell was closed; `none`: it went somewhere already. */
export type Move = "down" | "next" | "previous" | "stay" | "none";

const PAGE_ROWS = 10;
const NAME = COLUMNS.findIndex((column) => column.key === "part_name");

export function useGridFocus(rows: () => readonly AdminListItem[], table: Ref<HTMLElement | null>) {
  const drafts = useDraftsStore();
  const active = ref({ row: 0, column: NAME });
  /** Opened by typing, the input keeps what was typed; opened by Enter, all of it is selected. */
  const typedOpen = ref(false);
  const activeRow = computed(() => Math.min(active.value.row, Math.max(0, rows().length - 1)));

  // Rows may come and go above the cell that has the focus: it stays with its part.
  watch(
    () => rows().map(({ id }) => id),
    (now, before) => {
      const row = now.indexOf(before[activeRow.value] ?? -1);
      if (row >= 0) active.value = { ...active.value, row };
    },
  );
  // A draft that comes back opens its cell: the focus belongs there.
  watch(
    () => drafts.draft,
    (draft) => {
      if (!draft) return;
      const row = rows().findIndex((part) => part.id === draft.id);
      const column = COLUMNS.findIndex((candidate) => candidate.editable === draft.field);
      if (row >= 0) active.value = { row, column };
    },
    { immediate: true },
  );

  function isActive(row: number, column: number): boolean {
    return row === activeRow.value && column === active.value.column;
  }

  function activate(row: number, column: number): void {
    active.value = { row, column };
  }

  async function focus(row = activeRow.value, column = active.value.column): Promise<void> {
    active.value = {
      row: Math.max(0, Math.min(row, rows().length - 1)),
      column: Math.max(0, Math.min(column, COLUMNS.length - 1)),
    };
    await nextTick();
    const cell = table.value?.querySelector<HTMLElement>(`[data-cell="${active.value.row}-${active.value.column}"]`);
    cell?.focus();
    cell?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }

  function isOpen(row: AdminListItem, column: Column): boolean {
    return drafts.draft !== null && drafts.draft.id === row.id && drafts.draft.field === column.editable;
  }

  function editable(column: Column): column is Column & { editable: EditableField } {
    return column.editable !== undefined && drafts.allowed(column.editable);
  }

  /** @returns whether the cell is open now. */
  function open(row: number, column: number, initial?: string): boolean {
    const part = rows()[row];
    const at = COLUMNS[column];
    if (!part || !at || !editable(at) || isOpen(part, at)) return false;
    typedOpen.value = initial !== undefined;
    active.value = { row, column };
    return drafts.begin(part, at.editable, initial);
  }

  function onClick(event: MouseEvent, row: number, column: number): void {
    drafts.leave();
    // A finger has no Enter key: it opens at once. A mouse chooses, and opens with a double click.
    const touch = event instanceof PointerEvent && event.pointerType === "touch";
    if (!touch || !open(row, column)) void focus(row, column);
  }

  /** Enter: what is not valid keeps the cell open, and says why. */
  async function save(move: Move): Promise<void> {
    if (drafts.commit()) await go(move);
  }

  /** Tab, a click: the focus goes on in any case. */
  async function leave(move: Move): Promise<void> {
    drafts.leave();
    await go(move);
  }

  async function cancel(): Promise<void> {
    drafts.cancel();
    await focus();
  }

  async function go(move: Move): Promise<void> {
    const { row, column } = { row: activeRow.value, column: active.value.column };
    if (move === "down") await focus(row + 1, column);
    else if (move === "stay") await focus(row, column);
    else if (move !== "none") await focus(row, neighbour(column, move === "next" ? 1 : -1));
  }

  /** The next cell along that can be edited, or this one. */
  function neighbour(column: number, step: 1 | -1): number {
    for (let at = column + step; at >= 0 && at < COLUMNS.length; at += step) {
      const candidate = COLUMNS[at];
      if (candidate && editable(candidate)) return at;
    }
    return column;
  }

  function onKey(event: KeyboardEvent): void {
    if (event.altKey || event.isComposing || (event.target as HTMLElement).closest("[role=gridcell]") === null) return;
    const { row, column } = { row: activeRow.value, column: active.value.column };
    const jump = event.ctrlKey || event.metaKey;
    const to = target(event.key, row, column, jump);
    if (to) void focus(...to);
    else if (event.key === "Enter" || event.key === "F2") {
      // The key that saved the cell above is still down: it opens nothing.
      if (!event.repeat) open(row, column);
    } else if (!jump && (event.key === "r" || event.key === "R")) drafts.reasoned = open(row, column) || drafts.reasoned;
    else if (!jump && /^[\d+\-\u2212]$/.test(event.key) && COLUMNS[column]?.numeric) open(row, column, event.key);
    else return;
    event.preventDefault();
  }

  function target(key: string, row: number, column: number, jump: boolean): [number, number] | undefined {
    const last = { row: rows().length - 1, column: COLUMNS.length - 1 };
    const moves: Record<string, [number, number]> = {
      ArrowUp: [jump ? 0 : row - 1, column],
      ArrowDown: [jump ? last.row : row + 1, column],
      ArrowLeft: [row, jump ? 0 : column - 1],
      ArrowRight: [row, jump ? last.column : column + 1],
      Home: [jump ? 0 : row, 0],
      End: [jump ? last.row : row, last.column],
      PageUp: [row - PAGE_ROWS, column],
      PageDown: [row + PAGE_ROWS, column],
    };
    return moves[key];
  }

  return { typedOpen, isActive, activate, isOpen, editable, focus, open, onClick, onKey, save, leave, cancel };
}

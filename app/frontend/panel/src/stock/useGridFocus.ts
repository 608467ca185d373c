/** One cell of the grid has the focus; arrow keys move it, Enter or F2 opens it (the ARIA grid pattern). */
import type { AdminListItem } from "@lockstep/shared/types.ts";
import { computed, nextTick, ref, watch, type Ref } from "vue";
import { letterOf } from "../ui/keys.ts";
import { visibleColumns, type Column, type EditableField } from "./columns.ts";
import { useDraftsStore } from "./drafts.ts";
import { useSelectionStore } from "./selection.ts";
import { useViewStore } from "./view.ts";

/** Where the focus goes after a cell closes; `none`: it has moved already. */
export type Move = "down" | "up" | "next" | "previous" | "stay" | "none";

/** What a key asks of the row that has the focus, beyond the grid itself. */
export type Command = "editor" | "history" | "customer" | "inspector" | "undo" | "bulk";

const COMMANDS: Readonly<Record<string, Command>> = { e: "editor", h: "history", o: "customer", i: "inspector" };
/** `G` and a letter go to a screen: that letter is not ours. */
const GOING_MS = 1_500;

export interface Surroundings {
  readonly table: Ref<HTMLElement | null>;
  /** How many rows the screen shows. */
  readonly pageRows: () => number;
  /** Brings a row onto the screen. */
  readonly scrollTo: (row: number) => void;
  readonly command: (command: Command) => void;
}

/** @param activeRow the row with the focus; set here. */
export function useGridFocus({ table, pageRows, scrollTo, command }: Surroundings, activeRow: Ref<number>) {
  const stock = useViewStore();
  const drafts = useDraftsStore();
  const selection = useSelectionStore();
  const columns = visibleColumns;
  const activeKey = ref<Column["key"]>("current_stock");
  const editables = computed(() => new Set(columns.value.filter(({ editable: field }) => field && drafts.allowed(field)).map(({ key }) => key)));
  const activeColumn = computed(() => Math.max(0, columns.value.findIndex(({ key }) => key === activeKey.value)));
  /** Opened by typing, the input keeps what was typed; opened by Enter, all of it is selected. */
  const typedOpen = ref(false);
  let goingSince = -Infinity;
  activeRow.value = Math.max(0, stock.ids.indexOf(stock.focused ?? -1));

  // Rows may come and go above the focused cell: the focus stays with its part.
  watch(() => stock.ids, (now, before) => {
    const row = now.indexOf(before[activeRow.value] ?? 0);
    setRow(row >= 0 ? row : activeRow.value);
  });
  // A restored draft opens its cell, and the focus belongs there.
  watch(() => drafts.draft, (draft) => {
    const row = draft ? stock.ids.indexOf(draft.id) : -1;
    if (!draft || row < 0) return;
    activeKey.value = draft.field;
    setRow(row);
    scrollTo(row);
  }, { immediate: true });

  function setRow(row: number): void {
    activeRow.value = Math.max(0, Math.min(row, stock.ids.length - 1));
    stock.focused = stock.ids[activeRow.value] ?? null;
  }

  function activate(row: number, column: number): void {
    activeKey.value = columns.value[column]?.key ?? activeKey.value;
    setRow(row);
  }

  async function focus(row = activeRow.value, column = activeColumn.value): Promise<void> {
    activate(row, Math.max(0, Math.min(column, columns.value.length - 1)));
    scrollTo(activeRow.value);
    await nextTick();
    focusCell()?.scrollIntoView?.({ block: "nearest", inline: "nearest" });
  }

  function focusCell(): HTMLElement | null {
    const cell = table.value?.querySelector<HTMLElement>(`[data-cell="${activeRow.value}-${activeColumn.value}"]`) ?? null;
    cell?.focus({ preventScroll: true });
    return cell;
  }

  /** Into the list from the search: where a count is typed. */
  async function focusFirst(): Promise<void> {
    activeKey.value = "current_stock";
    await focus(0);
  }

  /** What was typed before the rows were there, into the first of them. */
  async function type(text: string): Promise<void> {
    await focusFirst();
    if (text !== "") open(0, activeColumn.value, text);
  }

  function isOpen(row: AdminListItem, column: Column): boolean {
    return drafts.draft !== null && drafts.draft.id === row.id && drafts.draft.field === column.editable;
  }

  function editable(column: Column): column is Column & { editable: EditableField } {
    return editables.value.has(column.key);
  }

  function partAt(row: number): AdminListItem | undefined {
    return stock.byId.get(stock.ids[row] ?? 0);
  }

  /** @returns whether the cell is open now. */
  function open(row: number, column: number, initial?: string): boolean {
    const part = partAt(row);
    const at = columns.value[column];
    if (!part || !at || !editable(at) || isOpen(part, at)) return false;
    typedOpen.value = initial !== undefined;
    activate(row, column);
    return drafts.begin(part, at.editable, initial);
  }

  function onClick(event: MouseEvent): void {
    const [row, column] = cellAt(event.target) ?? [];
    if (row === undefined || column === undefined) return;
    drafts.leave();
    const id = stock.ids[row] ?? 0;
    if (event.shiftKey) selection.extendTo(stock.ids[activeRow.value] ?? id, id);
    else if (event.ctrlKey || event.metaKey || columns.value[column]?.key === "select") selection.toggle(id);
    // Touch has no Enter key, so a tap opens at once. A mouse click selects, and a double click opens.
    const touch = event instanceof PointerEvent && event.pointerType === "touch";
    if (touch && open(row, column)) return;
    activate(row, column);
    // What is clicked is on the screen. If it moved, the second click of a double click would hit something else.
    focusCell();
  }

  function onDoubleClick({ target }: MouseEvent): void {
    const cell = cellAt(target);
    if (cell) open(...cell);
  }

  function onFocus({ target }: FocusEvent): void {
    const cell = cellAt(target);
    // What is in a cell may have the focus too: the editor.
    if (cell && target instanceof HTMLTableCellElement) activate(...cell);
  }

  /** Enter: invalid input keeps the cell open, with the reason. */
  async function save(move: Move): Promise<void> {
    if (drafts.commit()) await go(move);
  }

  /** Tab or a click: the focus moves on in any case. */
  async function leave(move: Move): Promise<void> {
    drafts.leave();
    await go(move);
  }

  async function cancel(): Promise<void> {
    drafts.cancel();
    await focus();
  }

  async function go(move: Move): Promise<void> {
    const { row, column } = { row: activeRow.value, column: activeColumn.value };
    if (move === "down" || move === "up") await focus(row + (move === "down" ? 1 : -1), column);
    else if (move === "stay") await focus(row, column);
    else if (move !== "none") await focus(row, neighbour(column, move === "next" ? 1 : -1));
  }

  /** The next editable cell in the row, or this one. */
  function neighbour(column: number, step: 1 | -1): number {
    for (let at = column + step; at >= 0 && at < columns.value.length; at += step) {
      const candidate = columns.value[at];
      if (candidate && editable(candidate)) return at;
    }
    return column;
  }

  function onKey(event: KeyboardEvent): void {
    if (event.altKey || event.isComposing || (event.target as HTMLElement).closest("[role=gridcell]") === null) return;
    const { row, column } = { row: activeRow.value, column: activeColumn.value };
    const jump = event.ctrlKey || event.metaKey;
    const to = target(event.key, row, column, jump);
    if (to) move(to, event.shiftKey && to[0] !== row);
    else if (!(jump ? onChord(event) : onPlainKey(event, row, column))) return;
    event.preventDefault();
  }

  function move([row, column]: [number, number], extends_: boolean): void {
    const from = stock.ids[activeRow.value] ?? 0;
    const to = stock.ids[Math.max(0, Math.min(row, stock.ids.length - 1))] ?? 0;
    if (extends_) selection.extendTo(from, to);
    void focus(row, column);
  }

  /** @returns whether the key did something. */
  function onPlainKey(event: KeyboardEvent, row: number, column: number): boolean {
    const { key, repeat, timeStamp } = event;
    const letter = letterOf(event);
    const isGoing = timeStamp - goingSince < GOING_MS;
    goingSince = letter === "g" ? timeStamp : -Infinity;
    if (isGoing) return false;
    // The key that saved the cell above is still held down: it opens nothing.
    if (key === "Enter" || key === "F2") return repeat || open(row, column) || true;
    if (key === " ") selection.toggle(stock.ids[row] ?? 0);
    else if (key === "Escape" && selection.ids.length > 0) selection.clear();
    else if (letter === "r") drafts.reasoned = open(row, column) || drafts.reasoned;
    else if (COMMANDS[letter]) command(COMMANDS[letter]);
    else if (/^[\d=+\-\u2212]$/.test(key) && columns.value[column]?.numeric) open(row, column, key);
    else return false;
    return true;
  }

  function onChord(event: KeyboardEvent): boolean {
    const letter = event.shiftKey ? "" : letterOf(event);
    if (letter === "z") command("undo");
    else if (letter === "a") selection.pick(stock.ids);
    else if (event.key === "Enter" && selection.ids.length > 0) command("bulk");
    else return false;
    return true;
  }

  function target(key: string, row: number, column: number, jump: boolean): [number, number] | undefined {
    const last = { row: stock.ids.length - 1, column: columns.value.length - 1 };
    const moves: Record<string, [number, number]> = {
      ArrowUp: [jump ? 0 : row - 1, column],
      ArrowDown: [jump ? last.row : row + 1, column],
      ArrowLeft: [row, jump ? 0 : column - 1],
      ArrowRight: [row, jump ? last.column : column + 1],
      Home: [jump ? 0 : row, 0],
      End: [jump ? last.row : row, last.column],
      PageUp: [row - pageRows(), column],
      PageDown: [row + pageRows(), column],
    };
    return moves[key];
  }

  return { typedOpen, activeRow, activeColumn, activeKey, editable, focus, focusFirst, type, onClick, onDoubleClick, onFocus, onKey, save, leave, cancel };
}

/** @returns row and column of the cell around this element; null if there is none. */
function cellAt(target: EventTarget | null): [number, number] | null {
  const place = target instanceof Element ? target.closest<HTMLElement>("[data-cell]")?.dataset["cell"] : undefined;
  const [row, column] = (place ?? "").split("-").map(Number);
  return row === undefined || column === undefined ? null : [row, column];
}

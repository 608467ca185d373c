/** The keys that `?` shows, by screen. A screen that has keys of its own is a line here. */

export interface Keys {
  /** The key of the screen's title. */
  readonly screen: string;
  readonly keys: readonly { readonly press: readonly string[]; readonly does: string }[];
}

/** Ctrl stands for Cmd on a Mac; a text that names keys is shown as it is. */
export const KEYS: readonly Keys[] = [
  {
    screen: "palette.everywhere",
    keys: [
      { press: ["Ctrl", "K"], does: "palette.does.palette" },
      { press: ["?"], does: "palette.does.keys" },
      { press: ["Esc"], does: "palette.does.close" },
    ],
  },
  {
    screen: "shell.titles.stock",
    keys: [
      { press: ["/"], does: "stock.keys.search" },
      { press: ["Enter", "↓"], does: "stock.keys.first" },
      { press: ["0–9", "="], does: "stock.keys.overwrite" },
      { press: ["+5", "−2"], does: "stock.keys.adjust" },
      { press: ["Enter"], does: "stock.keys.down" },
      { press: ["Shift", "Enter"], does: "stock.keys.up" },
      { press: ["R"], does: "stock.keys.reason" },
      { press: ["Esc"], does: "stock.keys.cancel" },
      { press: ["Space"], does: "stock.keys.pick" },
      { press: ["Shift", "↑ ↓"], does: "stock.keys.range" },
      { press: ["Ctrl", "C"], does: "stock.keys.copy" },
      { press: ["Ctrl", "V"], does: "stock.keys.paste" },
      { press: ["Ctrl", "Enter"], does: "stock.keys.bulk" },
      { press: ["Ctrl", "Z"], does: "stock.keys.undo" },
      { press: ["E"], does: "stock.keys.editor" },
      { press: ["H"], does: "stock.keys.history" },
      { press: ["O"], does: "stock.keys.customer" },
      { press: ["I"], does: "stock.keys.inspector" },
    ],
  },
  {
    screen: "shell.titles.parts",
    keys: [
      { press: ["/"], does: "palette.does.search" },
      { press: ["↑", "↓"], does: "palette.does.rows" },
      { press: ["Space"], does: "palette.does.select" },
      { press: ["Shift", "↑ ↓"], does: "palette.does.range" },
      { press: ["Enter"], does: "palette.does.open" },
    ],
  },
  {
    screen: "shell.titles.categories",
    keys: [
      { press: ["F2"], does: "palette.does.rename" },
      { press: ["Insert"], does: "palette.does.below" },
      { press: ["Ctrl", "X"], does: "palette.does.move" },
      { press: ["Del"], does: "palette.does.delete" },
      { press: ["←", "→"], does: "palette.does.fold" },
    ],
  },
];

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
    screen: "palette.stock",
    keys: [
      { press: ["↑", "↓", "←", "→"], does: "palette.does.cells" },
      { press: ["Enter"], does: "palette.does.edit" },
      { press: ["Esc"], does: "palette.does.cancel" },
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

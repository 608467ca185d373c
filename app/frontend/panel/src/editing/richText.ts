/**
 * The description's editor, limited to the elements that the API lets through (app/services/rich_text.py): whatever else is pasted
 * loses its markup here already.
 */
import { Extension, Mark, Node, type Extensions } from "@tiptap/core";
import { goToNextCell, tableEditing } from "@tiptap/pm/tables";
import StarterKit from "@tiptap/starter-kit";
import { isAllowed, isHtml } from "./safeHtml.ts";

const Sub = Mark.create({ name: "subscript", excludes: "superscript", parseHTML: () => [{ tag: "sub" }], renderHTML: () => ["sub", 0] });
const Sup = Mark.create({ name: "superscript", excludes: "subscript", parseHTML: () => [{ tag: "sup" }], renderHTML: () => ["sup", 0] });

/** prosemirror-tables knows a table's nodes by their role. */
const ROLES: Record<string, string> = { table: "table", tableRow: "row", tableCell: "cell", tableHeader: "header_cell" };
const TableRoles = Extension.create({ name: "tableRoles", extendNodeSchema: ({ name }) => (ROLES[name] ? { tableRole: ROLES[name] } : {}) });

const span = (name: "colspan" | "rowspan") => ({
  default: 1,
  parseHTML: (element: HTMLElement) => Math.max(1, Number(element.getAttribute(name)) || 1),
  renderHTML: (attributes: Record<string, unknown>) => (attributes[name] === 1 ? {} : { [name]: attributes[name] }),
});

const cell = (name: string, tag: "td" | "th") =>
  Node.create({
    name,
    content: "block+",
    isolating: true,
    addAttributes: () => ({ colspan: span("colspan"), rowspan: span("rowspan"), colwidth: { default: null, rendered: false } }),
    parseHTML: () => [{ tag }],
    renderHTML: ({ HTMLAttributes }) => [tag, HTMLAttributes, 0],
  });

const Table = Node.create({
  name: "table",
  group: "block",
  content: "tableRow+",
  isolating: true,
  parseHTML: () => [{ tag: "table" }],
  renderHTML: () => ["table", ["tbody", 0]],
  addProseMirrorPlugins: () => [tableEditing()],
  addKeyboardShortcuts() {
    const go = (direction: 1 | -1) => () => goToNextCell(direction)(this.editor.state, this.editor.view.dispatch);
    return { Tab: go(1), "Shift-Tab": go(-1) };
  },
});
const TableRow = Node.create({ name: "tableRow", content: "(tableCell | tableHeader)*", parseHTML: () => [{ tag: "tr" }], renderHTML: () => ["tr", 0] });

export const EXTENSIONS: Extensions = [
  StarterKit.configure({
    heading: { levels: [3, 4] },
    strike: false,
    trailingNode: false,
    codeBlock: { HTMLAttributes: {}, languageClassPrefix: null },
    link: { openOnClick: false, HTMLAttributes: { target: null, rel: null, class: null }, isAllowedUri: isAllowed },
  }),
  Sub, Sup, Table, TableRow, cell("tableCell", "td"), cell("tableHeader", "th"), TableRoles,
];

/** @returns a description as HTML for the editor: plain text as a paragraph that keeps its lines. */
export function toHtml(text: string): string {
  if (isHtml(text) || text === "") return text;
  const escaped = text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;");
  return escaped.split(/\n{2,}/).map((paragraph) => `<p>${paragraph.replace(/\n/g, "<br>")}</p>`).join("");
}

/** What a word processor puts on the clipboard, without what is only its own. */
export function cleanPaste(html: string): string {
  return html
    .replace(/<!--[\s\S]*?-->/g, "")
    .replace(/<(style|script|xml|title)\b[\s\S]*?<\/\1>/gi, "")
    .replace(/<\/?(?:o|v|w|st1|m):[^>]*>/gi, "")
    .replace(/<(\/?)h[12]\b[^>]*>/gi, "<$1h3>")
    .replace(/<(\/?)h[56]\b[^>]*>/gi, "<$1h4>");
}

/**
 * The application takes the place of the server's HTML, in which somebody may have begun to type already, or stand with the keyboard.
 */

interface Field extends HTMLElement {
  name: string;
  value: string;
}

/** @returns a function that puts into the application's fields what was typed before, and the focus where it was. */
export function keepTyped(root: ParentNode): () => void {
  const typed = [...root.querySelectorAll<HTMLInputElement>("input:not([type=checkbox])")].filter((field) => field.value !== field.defaultValue);
  const focused = document.activeElement;
  const place = focused && root.contains(focused) ? selectorOf(focused) : null;

  return () => {
    for (const { name, value } of typed) {
      const field = root.querySelector<Field>(`[name="${name}"]`);
      if (!field) continue;
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (place) root.querySelector<HTMLElement>(place)?.focus({ preventScroll: true });
  };
}

/** Fields are known by their names, links by where they lead. */
function selectorOf(element: Element): string | null {
  for (const attribute of ["name", "href"]) {
    const value = element.getAttribute(attribute);
    if (value) return `[${attribute}="${CSS.escape(value)}"]`;
  }
  return null;
}

/**
 * The application takes the place of the server's HTML, in which somebody may have begun to type already, or stand with the keyboard.
 */

interface Field extends HTMLElement {
  name: string;
  value: string;
}

/** @returns a function that puts into the application's fields what was typed before, and the focus where it was. */
export function keepTyped(root: ParentNode): () => void {
  const typed = [...root.querySelectorAll<HTMLInputElement>("input:not([type=checkbox])")]
    .filter((field) => field.value !== field.defaultValue)
    .map((field) => ({ ...placeOf(root, field), value: field.value }));
  const focused = document.activeElement;
  const place = focused && root.contains(focused) ? placeOf(root, focused) : null;

  return () => {
    for (const { selector, index, value } of typed) {
      const field = root.querySelectorAll<Field>(selector)[index];
      if (!field) continue;
      field.value = value;
      field.dispatchEvent(new Event("input", { bubbles: true }));
    }
    if (place) root.querySelectorAll<HTMLElement>(place.selector)[place.index]?.focus({ preventScroll: true });
  };
}

/** Fields are known by their names, links by where they lead; of those alike, by which of them it is. */
function placeOf(root: ParentNode, element: Element): { selector: string; index: number } {
  const attribute = element.hasAttribute("name") ? "name" : "href";
  const selector = `[${attribute}="${CSS.escape(element.getAttribute(attribute) ?? "")}"]`;
  return { selector, index: [...root.querySelectorAll(selector)].indexOf(element) };
}

/** `<lockstep-part sku="…" field="…">`: a part's element that tells of itself, so that it also works where nobody looks for it. */
import { CURRENCY, FIELD, type Page } from "./page.ts";

const NAME = "lockstep-part";

export function defineElement(page: Page): void {
  // Another copy of this script may have been faster.
  if (customElements.get(NAME)) return;
  customElements.define(
    NAME,
    class extends HTMLElement {
      static readonly observedAttributes = ["sku", "field", CURRENCY];

      connectedCallback(): void {
        // The parser may not have come to its children yet.
        queueMicrotask(() => {
          if (!this.isConnected) return;
          if (!this.hasAttribute("field") && !this.hasAttribute(FIELD) && !this.firstElementChild) this.append(field("price"), " ", field("availability"));
          page.bind(this);
        });
      }

      disconnectedCallback(): void {
        // Moved, it is connected again at once.
        queueMicrotask(() => {
          if (!this.isConnected) page.release(this);
        });
      }

      attributeChangedCallback(): void {
        if (this.isConnected) page.bind(this);
      }
    },
  );
}

function field(name: string): HTMLElement {
  const element = document.createElement("span");
  element.setAttribute(FIELD, name);
  return element;
}

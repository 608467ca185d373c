/** Describes the page to search engines, in the page's head, for as long as the component lives. */
import { onScopeDispose, watch, type Ref } from "vue";

export function useJsonLd(described: Ref<object | null>): void {
  let script: HTMLElement | null = document.getElementById("json-ld");

  watch(
    described,
    (now) => {
      script?.remove();
      if (!now) return;
      script = Object.assign(document.createElement("script"), { id: "json-ld", type: "application/ld+json" });
      // As text, never as HTML: nothing in a part's name can close the element.
      script.textContent = JSON.stringify(absolute(now));
      document.head.append(script);
    },
    { immediate: true },
  );
  onScopeDispose(() => script?.remove());
}

const ADDRESSES = new Set(["url", "item", "image"]);

/** @returns structured data with this site's origin before its addresses, as search engines want them. */
export function absolute(described: unknown, name = ""): unknown {
  if (Array.isArray(described)) return described.map((one) => absolute(one, name));
  if (described && typeof described === "object") {
    return Object.fromEntries(Object.entries(described).map(([key, value]) => [key, absolute(value, key)]));
  }
  return ADDRESSES.has(name) && typeof described === "string" && described.startsWith("/") ? location.origin + described : described;
}

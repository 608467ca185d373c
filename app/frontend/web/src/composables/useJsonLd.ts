/** Describes the page to search engines, in the page's head, for as long as the component lives. */
import { onScopeDispose, watch, type Ref } from "vue";

export function useJsonLd(described: Ref<object | null>): void {
  let script: HTMLScriptElement | undefined;

  watch(
    described,
    (now) => {
      script?.remove();
      if (!now) return;
      script = document.createElement("script");
      script.type = "application/ld+json";
      // As text, never as HTML: nothing in a part's name can close the element.
      script.textContent = JSON.stringify(now);
      document.head.append(script);
    },
    { immediate: true },
  );
  onScopeDispose(() => script?.remove());
}

/** Reads the list again when the server says that it may differ: once for a burst of changes, and not all pages at once. */
import { onScopeDispose } from "vue";
import { useLive } from "../live.ts";

export const SETTLE_MS = 300;
const JITTER_MS = 700;

export function useCatalogNews(isNews: (token: string) => boolean, refresh: () => Promise<void>): void {
  const live = useLive();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const unsubscribe = live.onCatalog((token) => {
    if (!isNews(token)) return;
    timer ??= setTimeout(() => {
      timer = undefined;
      void refresh();
    }, SETTLE_MS + Math.random() * JITTER_MS);
  });
  const unwatch = live.feed.watchCatalog();

  onScopeDispose(() => {
    clearTimeout(timer);
    unsubscribe();
    unwatch();
  });
}

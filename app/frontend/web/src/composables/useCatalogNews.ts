/**
 * Reloads the list when the server says that it may have changed: once per burst of changes, jittered across pages, and
 * never before the last reload has ended, so that a slow network still makes progress under constant change.
 */
import { onScopeDispose } from "vue";
import { useLive } from "../live.ts";

export const SETTLE_MS = 300;
const JITTER_MS = 700;

export function useCatalogNews(isNews: (token: string) => boolean, refresh: () => Promise<unknown>): void {
  const live = useLive();
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isReading = false;
  let isDue = false;

  function schedule(): void {
    isDue = true;
    if (!isReading) timer ??= setTimeout(() => void read(), SETTLE_MS + Math.random() * JITTER_MS);
  }

  async function read(): Promise<void> {
    timer = undefined;
    isDue = false;
    isReading = true;
    try {
      await refresh();
    } finally {
      isReading = false;
    }
    if (isDue) schedule();
  }

  const unsubscribe = live.onCatalog((token) => {
    if (isNews(token)) schedule();
  });
  const unwatch = live.feed.watchCatalog();

  onScopeDispose(() => {
    isDue = false;
    clearTimeout(timer);
    unsubscribe();
    unwatch();
  });
}

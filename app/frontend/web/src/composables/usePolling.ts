/** While live updates are paused, polls every 30 s or so instead, and at once when the page becomes visible again. */
import { onScopeDispose, watch } from "vue";
import { useConnectionStore } from "../stores/connection.ts";

export const POLL_MS = 30_000;
const FIRST_POLL_WITHIN_MS = 3_000;

export function usePolling(refresh: () => Promise<void>): void {
  const connection = useConnectionStore();
  let timer: ReturnType<typeof setTimeout> | undefined;

  function poll(): void {
    if (document.visibilityState === "visible") void refresh();
    timer = setTimeout(poll, POLL_MS * (0.9 + 0.2 * Math.random()));
  }

  function onVisibility(): void {
    if (connection.status !== "paused" || document.visibilityState !== "visible") return;
    clearTimeout(timer);
    poll();
  }

  watch(
    () => connection.status,
    (status) => {
      clearTimeout(timer);
      // All pages lose a server at the same moment; they need not poll at the same moment.
      if (status === "paused") timer = setTimeout(poll, FIRST_POLL_WITHIN_MS * Math.random());
    },
    { immediate: true },
  );
  document.addEventListener("visibilitychange", onVisibility);
  onScopeDispose(() => {
    clearTimeout(timer);
    document.removeEventListener("visibilitychange", onVisibility);
  });
}

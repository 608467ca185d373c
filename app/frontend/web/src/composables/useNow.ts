/** The time, each second while the page is visible. */
import { onScopeDispose, ref, type Ref } from "vue";

export function useNow(): Readonly<Ref<number>> {
  const now = ref(Date.now());
  const timer = setInterval(tick, 1_000);

  function tick(): void {
    if (document.visibilityState === "visible") now.value = Date.now();
  }

  document.addEventListener("visibilitychange", tick);
  onScopeDispose(() => {
    clearInterval(timer);
    document.removeEventListener("visibilitychange", tick);
  });
  return now;
}

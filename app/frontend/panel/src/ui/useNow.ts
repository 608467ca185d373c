/** The time, for "3 min. ago"; one clock for all who look at it. */
import { onScopeDispose, ref, type Ref } from "vue";

const TICK_MS = 15_000;
const now = ref(Date.now());
let watchers = 0;
let timer: ReturnType<typeof setInterval> | undefined;

export function useNow(): Ref<number> {
  if ((watchers += 1) === 1) {
    now.value = Date.now();
    timer = setInterval(() => (now.value = Date.now()), TICK_MS);
  }
  onScopeDispose(() => {
    if ((watchers -= 1) === 0) clearInterval(timer);
  });
  return now;
}

/** Logging out saves first what can be saved, and asks before anything is lost. */
import { ref } from "vue";
import { useSessionStore } from "../session/session.ts";
import type { Handlers } from "../subject.ts";

/** An answer that does not come must not keep anybody logged in. */
const PATIENCE_MS = 4_000;

export function useLogOut(subjects: readonly Handlers[]) {
  const session = useSessionStore();
  /** What would be lost; the question is open while there is something. */
  const unsaved = ref<string[]>([]);

  async function logOut(): Promise<void> {
    const saved = Promise.all(subjects.map((subject) => subject.save?.()));
    await Promise.race([saved, new Promise((resolve) => setTimeout(resolve, PATIENCE_MS))]);
    unsaved.value = subjects.flatMap((subject) => subject.unsaved?.() ?? []);
    if (unsaved.value.length === 0) await session.logOut();
  }

  function stay(): void {
    unsaved.value = [];
  }

  async function discard(): Promise<void> {
    unsaved.value = [];
    for (const subject of subjects) subject.forget?.();
    await session.logOut();
  }

  return { unsaved, logOut, stay, discard };
}

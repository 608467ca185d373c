/** Who else has the part open, and where in it; and telling the others where we are. */
import { onScopeDispose, ref, watch, type Ref } from "vue";
import { say, useMessages } from "../live/events.ts";
import { useSessionStore } from "../session/session.ts";
import type { PresentPerson } from "./types.ts";

const BEAT_MS = 10_000;

/** @param id the part that is open. @param field what has the focus in it. @returns everybody else, each once for each field. */
export function usePresence(id: () => number, field: Ref<string | null>): Ref<PresentPerson[]> {
  const session = useSessionStore();
  const people = ref<PresentPerson[]>([]);

  function hear(part: number, present: readonly PresentPerson[]): void {
    if (part === id()) people.value = present.filter((person) => person.id !== session.user?.id);
  }

  async function beat(): Promise<void> {
    const part = id();
    const answer = await say("open", { part_id: part, field: field.value });
    if (answer && "people" in answer) hear(part, answer.people);
  }

  useMessages(({ name, body }) => { if (name === "presence") hear(body.part_id, body.people); }, () => void beat());
  watch([id, field], ([now], [before]) => {
    if (before !== undefined && now !== before) {
      people.value = [];
      void say("close", { part_id: before });
    }
    void beat();
  }, { immediate: true });
  const timer = setInterval(() => void beat(), BEAT_MS);
  onScopeDispose(() => {
    clearInterval(timer);
    void say("close", { part_id: id() });
  });
  return people;
}

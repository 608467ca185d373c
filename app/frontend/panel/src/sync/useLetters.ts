/** Retrying and discarding dead letters, one or all that match. */
import { newIntention } from "@lockstep/shared/intention.ts";
import { ref } from "vue";
import { t } from "../i18n.ts";
import { refresh } from "../queries.ts";
import { useSessionStore } from "../session/session.ts";
import { report } from "../ui/errors.ts";
import { useToastsStore } from "../ui/toasts.ts";
import { asQuery, type Letter, type Which } from "./letters.ts";

export function useLetters() {
  const session = useSessionStore();
  const toasts = useToastsStore();
  const isBusy = ref(false);
  let intend = newIntention();

  /** @returns whether it was done. */
  async function act(what: "replay" | "discard", letter: Letter | null, which: Which, reason: string): Promise<boolean> {
    if (isBusy.value) return false;
    isBusy.value = true;
    try {
      const count = await (what === "replay" ? replay(letter, which) : discard(letter, which, reason));
      // What is asked for next is a new call, even in the same words.
      intend = newIntention();
      toasts.info(t(what === "replay" ? "sync.letters.replayed" : "sync.letters.discarded", { count }, count));
      return true;
    } catch (error) {
      report(error);
      return false;
    } finally {
      isBusy.value = false;
      void refresh("/admin/sync", "/admin/overview", "/admin/events");
    }
  }

  async function replay(letter: Letter | null, which: Which): Promise<number> {
    const key = intend("replay", letter?.id, letter?.effect, which);
    const { replayed } = letter
      ? await session.api<{ replayed: number }>(`/admin/sync/dead-letters/${letter.id}/replay`, { method: "POST", body: {}, key, query: { effect: letter.effect } })
      : await session.api<{ replayed: number }>("/admin/sync/replay", { method: "POST", body: {}, key, query: asQuery(which) });
    return replayed;
  }

  async function discard(letter: Letter | null, which: Which, reason: string): Promise<number> {
    const key = intend("discard", letter?.id, letter?.effect, which, reason);
    const { discarded } = letter
      ? await session.api<{ discarded: number }>(`/admin/sync/dead-letters/${letter.id}/discard`, { method: "POST", key, body: { effect: letter.effect, reason } })
      : await session.api<{ discarded: number }>("/admin/sync/discard", { method: "POST", key, body: { ...asQuery(which), reason } });
    return discarded;
  }

  return { isBusy, act };
}

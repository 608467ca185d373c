/**
 * What may be meant by what is being typed (`GET /parts/suggest`): asked once the typing rests, with the request before it given up,
 * and an answer that comes late ignored. It is a help, so a failure shows nothing.
 */
import { ApiError, isAbort, request } from "@lockstep/shared/http.ts";
import type { components } from "@lockstep/shared/api.gen.ts";
import { onScopeDispose, ref, shallowRef, watch, type Ref } from "vue";

export type Suggestions = Pick<components["schemas"]["Suggestions"], "parts" | "categories">;

interface Common {
  key: string;
  text: string;
  note?: string;
}

export type Suggestion = Common & ({ kind: "search" } | { kind: "category"; slug: string } | { kind: "part"; id: number; slug: string });

export const REST_MS = 150;
const NOTHING: Suggestions = { parts: [], categories: [] };

export function useSuggestions(typed: () => string) {
  const found = shallowRef<Suggestions>(NOTHING);
  /** What they were found for. */
  const q = ref("");
  let timer: ReturnType<typeof setTimeout> | undefined;
  let abort: AbortController | null = null;

  async function ask(asked: string): Promise<void> {
    const mine = (abort = new AbortController());
    let answer = NOTHING;
    try {
      answer = await request<Suggestions>("/parts/suggest", { query: { q: asked }, signal: mine.signal });
    } catch (failure) {
      if (!isAbort(failure) && !(failure instanceof ApiError)) throw failure;
    }
    if (mine !== abort) return;
    found.value = answer;
    q.value = asked;
  }

  function forget(): void {
    clearTimeout(timer);
    abort?.abort();
    abort = null;
  }

  watch(
    typed,
    (now) => {
      forget();
      if (now === "") {
        found.value = NOTHING;
        q.value = "";
      } else {
        timer = setTimeout(() => void ask(now), REST_MS);
      }
    },
    { immediate: true },
  );
  onScopeDispose(forget);

  return { found, q: q as Readonly<Ref<string>> };
}

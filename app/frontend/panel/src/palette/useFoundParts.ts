/** Parts by SKU or name, while one types: after a rest, and an older question is dropped. */
import type { components } from "@lockstep/shared/api.gen.ts";
import { ApiError, isAbort } from "@lockstep/shared/http.ts";
import { onScopeDispose, shallowRef, watch, type Ref } from "vue";
import { useSessionStore } from "../session/session.ts";

type Row = components["schemas"]["AdminListItem"];
const REST_MS = 150;
const MAX_FOUND = 8;

export function useFoundParts(typed: Readonly<Ref<string>>) {
  const session = useSessionStore();
  const parts = shallowRef<Row[]>([]);
  const isSimilar = shallowRef(false);
  const state = shallowRef<"idle" | "searching" | "failed">("idle");
  let asking: AbortController | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;

  function stop(): void {
    clearTimeout(timer);
    asking?.abort();
    asking = null;
  }

  async function ask(q: string): Promise<void> {
    const mine = (asking = new AbortController());
    try {
      const page = await session.api<components["schemas"]["AdminPartPage"]>("/admin/parts", { query: { q, limit: MAX_FOUND }, signal: mine.signal });
      if (asking !== mine) return;
      parts.value = page.items;
      isSimilar.value = page.match === "similar";
      state.value = "idle";
    } catch (error) {
      if (isAbort(error) || asking !== mine) return;
      if (!(error instanceof ApiError)) throw error;
      parts.value = [];
      state.value = "failed";
    }
  }

  watch(() => typed.value.trim().slice(0, 200), (q) => {
    stop();
    state.value = q === "" ? "idle" : "searching";
    if (q === "") parts.value = [];
    else timer = setTimeout(() => void ask(q), REST_MS);
  });
  onScopeDispose(stop);

  return { parts, isSimilar, state };
}

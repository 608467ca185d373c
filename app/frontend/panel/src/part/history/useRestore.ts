/** Bringing a version back: what that would change now, of all or of chosen fields, and then doing just that. */
import type { components } from "@lockstep/shared/api.gen.ts";
import { ApiError } from "@lockstep/shared/http.ts";
import { newIntention } from "@lockstep/shared/intention.ts";
import { computed, ref, shallowRef } from "vue";
import { useSessionStore } from "../../session/session.ts";

export type Preview = components["schemas"]["RestorePreview"];

export function useRestore(partId: () => number, number: () => number) {
  const session = useSessionStore();
  const keyOf = newIntention();
  /** What all but the status would change. */
  const whole = shallowRef<Preview | null>(null);
  /** What the chosen fields would change. */
  const preview = shallowRef<Preview | null>(null);
  const chosen = ref<string[]>([]);
  const busy = ref(false);
  const error = shallowRef<ApiError | null>(null);
  /** Somebody was faster: what was shown is not what would be changed. */
  const moved = shallowRef<ApiError["current"]>(null);
  let round = 0;

  const path = (): string => `/admin/parts/${partId()}/versions/${number()}/restore`;
  /** What can be chosen: what differs, and what stays unless it is chosen. */
  const choices = computed(() => {
    const differing = (whole.value?.changes ?? []).map(({ field }) => field).filter((field) => field !== "category_path" && field !== "archived");
    return [...differing, ...(whole.value?.kept ?? []).map(({ field }) => field)];
  });

  async function ask(body: { fields?: string[] }): Promise<Preview | null> {
    const mine = (round += 1);
    busy.value = true;
    error.value = null;
    try {
      const found = await session.api<Preview>(path(), { method: "POST", query: { dry_run: true }, body });
      return mine === round ? found : null;
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      if (mine === round) error.value = caught;
      return null;
    } finally {
      if (mine === round) busy.value = false;
    }
  }

  /** Finds out anew what would change; all of it but the status is chosen. */
  async function begin(): Promise<void> {
    whole.value = preview.value = null;
    const found = await ask({});
    if (!found) return;
    whole.value = preview.value = found;
    chosen.value = found.changes.map(({ field }) => field).filter((field) => field !== "category_path" && field !== "archived");
  }

  async function choose(fields: string[]): Promise<void> {
    chosen.value = fields;
    if (fields.length === 0) {
      round += 1;
      busy.value = false;
      preview.value = whole.value && { ...whole.value, changes: [], blocked: [] };
      return;
    }
    const found = await ask({ fields });
    if (found) preview.value = found;
  }

  /** @returns whether it was restored; if not, `error` says why, or `moved` what is true now. */
  async function restore(reason: string): Promise<boolean> {
    const seen = preview.value;
    if (!seen || chosen.value.length === 0) return false;
    busy.value = true;
    error.value = moved.value = null;
    const body = { fields: chosen.value, version: seen.version, ...(reason.trim() ? { reason: reason.trim() } : {}) };
    try {
      await session.api(path(), { method: "POST", body, key: keyOf(path(), body) });
      return true;
    } catch (caught) {
      if (!(caught instanceof ApiError)) throw caught;
      if (caught.status === 409 && caught.current) {
        moved.value = caught.current;
        await begin();
      } else {
        error.value = caught;
      }
      return false;
    } finally {
      busy.value = false;
    }
  }

  return { whole, preview, chosen, choices, busy, error, moved, begin, choose, restore };
}

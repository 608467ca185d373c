/** Versions that come while a timeline is being looked at. A version is kept moments after the change that made it. */
import { computed, ref, watch, type Ref } from "vue";
import { useMessages } from "../../live/events.ts";
import { refresh } from "../../queries.ts";

const PAUSES_MS = [150, 400, 1_000, 2_500, 6_000, 12_000];
const CONTENT = new Set(["part.created", "content.updated", "part.deleted", "part.restored"]);

/** @returns the numbers of those that came since the screen was opened, or since `filter` was changed: then others are listed. */
export function useNewVersions(partId: () => number, numbers: Readonly<Ref<readonly number[]>>, filter: Readonly<Ref<unknown>>): Readonly<Ref<ReadonlySet<number>>> {
  const first = ref<number | null>(null);
  watch(filter, () => (first.value = null), { flush: "sync" });
  watch(numbers, ([newest]) => (first.value ??= newest ?? null), { immediate: true });

  async function seek(version: number): Promise<void> {
    for (const pause of PAUSES_MS) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (numbers.value.includes(version)) return;
      await refresh(`/admin/parts/${partId()}/versions`);
    }
  }

  useMessages(({ name, body }) => {
    if (CONTENT.has(name) && "part_id" in body && body.part_id === partId() && "version" in body) void seek(body.version);
  }, () => void refresh(`/admin/parts/${partId()}/versions`));

  return computed(() => new Set(numbers.value.filter((number) => first.value !== null && number > first.value)));
}

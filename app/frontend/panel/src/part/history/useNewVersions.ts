/** Versions that come while a timeline is being looked at. */
import { computed, ref, watch, type Ref } from "vue";
import { useFollowing } from "../../queries.ts";
import { usePresent } from "../present.ts";

/** @returns the numbers of those that came since the screen was opened, or since `filter` was changed: then others are listed. */
export function useNewVersions(partId: () => number, numbers: Readonly<Ref<readonly number[]>>, filter: Readonly<Ref<unknown>>): Readonly<Ref<ReadonlySet<number>>> {
  const { part } = usePresent();
  const first = ref<number | null>(null);
  watch(filter, () => (first.value = null), { flush: "sync" });
  watch(numbers, ([newest]) => (first.value ??= newest ?? null), { immediate: true });
  useFollowing(() => `/admin/parts/${partId()}/versions`, () => part.value.version, () => numbers.value.includes(part.value.version));
  return computed(() => new Set(numbers.value.filter((number) => first.value !== null && number > first.value)));
}

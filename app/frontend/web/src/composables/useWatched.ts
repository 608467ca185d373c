/** Keeps the given parts watched for as long as the component lives. */
import { onScopeDispose, watch, type MaybeRefOrGetter, toValue } from "vue";
import { useLive } from "../live.ts";

export function useWatched(ids: MaybeRefOrGetter<readonly number[]>, options: { detail?: boolean } = {}): void {
  const { feed } = useLive();
  const releases = new Map<number, () => void>();

  watch(
    () => toValue(ids),
    (wanted) => {
      const now = new Set(wanted);
      for (const id of now) {
        if (!releases.has(id)) releases.set(id, feed.watch([id], options));
      }
      for (const [id, release] of releases) {
        if (now.has(id)) continue;
        release();
        releases.delete(id);
      }
    },
    { immediate: true },
  );

  onScopeDispose(() => releases.forEach((release) => release()));
}

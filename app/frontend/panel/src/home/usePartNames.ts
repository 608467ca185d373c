/** The names of parts that are known by their ids alone; each is read once, and again when something refreshes the part. */
import { useQueries } from "@tanstack/vue-query";
import { computed, type Ref } from "vue";
import { keyOf, queryClient } from "../queries.ts";
import { useSessionStore } from "../session/session.ts";

interface Named {
  id: number;
  sku: string;
  part_name: string;
}

const LONG_MS = 300_000;

export function usePartNames(ids: Readonly<Ref<readonly number[]>>): Readonly<Ref<ReadonlyMap<number, Named>>> {
  const session = useSessionStore();
  const reads = useQueries({
    queries: computed(() =>
      ids.value.map((id) => ({
        queryKey: [...keyOf(`/admin/parts/${id}`), {}],
        queryFn: ({ signal }: { signal: AbortSignal }) => session.api<Named>(`/admin/parts/${id}`, { signal }),
        staleTime: LONG_MS,
      })),
    ),
  }, queryClient);
  return computed(() => new Map(reads.value.flatMap(({ data }) => (data ? [[data.id, data] as const] : []))));
}

/** One job, as it goes on: told by the socket, and read from time to time in case the socket is silent. */
import { useDocumentVisibility, useIntervalFn } from "@vueuse/core";
import { computed, type Ref } from "vue";
import { useMessages } from "../live/events.ts";
import { keyOf, queryClient, refresh, useRead } from "../queries.ts";
import { heard, isOver, type JobDetail } from "./jobs.ts";

const POLL_MS = 3_000;

export function useJob(id: Readonly<Ref<number>>) {
  const read = useRead<JobDetail>(() => `/admin/imports/${id.value}`);
  const job = computed(() => read.data.value ?? null);
  const visibility = useDocumentVisibility();
  const again = (): void => void refresh(`/admin/imports/${id.value}`);

  useMessages((message) => {
    if (message.name !== "import.progress") return;
    // The one that undoes this one says how far that is.
    if (message.body.undoes === id.value) again();
    if (message.body.id !== id.value) return;
    const held = job.value;
    const next = held && heard(held, message.body);
    if (!next) return again();
    queryClient.setQueryData<JobDetail>([...keyOf(`/admin/imports/${id.value}`), {}], next);
  }, again);

  useIntervalFn(() => {
    if (job.value && !isOver(job.value) && visibility.value === "visible") again();
  }, POLL_MS);

  return { ...read, job };
}

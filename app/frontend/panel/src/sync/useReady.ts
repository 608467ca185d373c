/** What the web process says of what it depends on. Its address is outside the API, and answers 503 in the same form. */
import { useQuery } from "@tanstack/vue-query";
import { queryClient } from "../queries.ts";
import type { Ready } from "./figures.ts";

const HEALTHS = ["ok", "degraded", "away"];

export function useReady(every: number) {
  return useQuery<Ready | null>({ queryKey: ["readyz"], queryFn: ({ signal }) => readReady(signal), refetchInterval: every, retry: false }, queryClient);
}

async function readReady(signal: AbortSignal): Promise<Ready | null> {
  const response = await fetch("/readyz", { signal }).catch(() => null);
  const said = (await response?.json().catch(() => null)) as Record<string, string> | null;
  const healthOf = (name: string) => (HEALTHS.includes(said?.[name] ?? "") ? (said?.[name] as Ready["cache"]) : "unknown");
  return said ? { database: healthOf("database"), cache: healthOf("cache"), broker: healthOf("broker") } : null;
}

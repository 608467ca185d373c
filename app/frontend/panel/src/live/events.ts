/**
 * The live feed for components: what a screen hears while it is shown. Stores that outlive their screen are told through their
 * subject's handlers instead.
 */
import type { AdminFeed, StaffMessage } from "@lockstep/shared/live/admin-feed.ts";
import type { AnswersToStaff, FromStaff } from "@lockstep/shared/types.ts";
import { onScopeDispose } from "vue";

type Listener = (message: StaffMessage) => void;

const listeners = new Set<Listener>();
const missed = new Set<() => void>();

export function tell(message: StaffMessage): void {
  for (const listener of [...listeners]) listener(message);
}

export function tellMissed(): void {
  for (const listener of [...missed]) listener();
}

/** Calls `listener` with every message of the feed until the component is gone; `again` when some may have been missed. */
export function useMessages(listener: Listener, again?: () => void): void {
  listeners.add(listener);
  if (again) missed.add(again);
  onScopeDispose(() => {
    listeners.delete(listener);
    if (again) missed.delete(again);
  });
}

let feed: Pick<AdminFeed, "say"> | null = null;

export function speakThrough(present: Pick<AdminFeed, "say"> | null): void {
  feed = present;
}

/** Says something to the server. @returns its answer, or null if there is none: we are offline, or it did not come in time. */
export async function say<Name extends keyof FromStaff>(name: Name, body: FromStaff[Name]): Promise<AnswersToStaff[Name] | null> {
  return (await feed?.say(name, body).catch(() => null)) ?? null;
}

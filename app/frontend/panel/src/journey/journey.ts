/** What has become of one write so far, put together from what the server says of its events. Plain data, so that it is easily seen. */
import type { components } from "@lockstep/shared/api.gen.ts";
import type { AnswersToStaff, ToStaff } from "@lockstep/shared/types.ts";

export type Settled = ToStaff["delivery.settled"];
export type FollowAnswer = Exclude<AnswersToStaff["follow"], { error: unknown }>;
export type EventJourney = components["schemas"]["Journey"];

/** In the order in which they are shown. */
export const EFFECTS = ["invalidate_cache", "purge_edge", "persist_audit", "snapshot_content", "broadcast"] as const;
export type EffectName = (typeof EFFECTS)[number];

/** One effect of one event: not settled without a time. */
interface Delivery {
  readonly ms: number | null;
  readonly pages: number | null;
}

export interface Journey {
  readonly eventIds: readonly string[];
  /** When the answer to the write came, by this page's clock. */
  readonly at: number;
  /** By event and effect, as far as is known. */
  readonly deliveries: ReadonlyMap<string, ReadonlyMap<string, Delivery>>;
}

/** One effect over all events of the write. */
export interface Step {
  readonly effect: EffectName;
  readonly done: number;
  readonly of: number;
  /** Milliseconds from the commit to the first and to the last. */
  readonly first: number | null;
  readonly last: number | null;
}

export function begun(eventIds: readonly string[], at: number): Journey {
  return { eventIds, at, deliveries: new Map() };
}

function withDelivery(journey: Journey, eventId: string, effect: string, delivery: Delivery): Journey {
  const deliveries = new Map(journey.deliveries);
  const effects = new Map(deliveries.get(eventId));
  const known = effects.get(effect);
  // What is settled stays so, and the number of pages only rises, in whichever order the messages come.
  const pages = known?.pages == null ? delivery.pages : Math.max(known.pages, delivery.pages ?? 0);
  effects.set(effect, { ms: delivery.ms ?? known?.ms ?? null, pages });
  deliveries.set(eventId, effects);
  return { ...journey, deliveries };
}

export function settled(journey: Journey, { event_id, effect, ms, pages }: Settled): Journey {
  return journey.eventIds.includes(event_id) ? withDelivery(journey, event_id, effect, { ms, pages: pages ?? null }) : journey;
}

export function answered(journey: Journey, answer: FollowAnswer): Journey {
  const waiting = answer.pending.reduce((so, { event_id, effect }) => withDelivery(so, event_id, effect, { ms: null, pages: null }), journey);
  return answer.settled.reduce(settled, waiting);
}

/** Takes in what the API says of one event. What was given up counts as still to come: its details say more. */
export function read(journey: Journey, { event_id, effects, pages }: EventJourney): Journey {
  return Object.entries(effects).reduce(
    (so, [effect, { ms }]) => withDelivery(so, event_id, effect, { ms, pages: effect === "broadcast" ? pages : null }),
    journey,
  );
}

export function stepsOf(journey: Journey): Step[] {
  return EFFECTS.map((effect) => {
    const found = [...journey.deliveries.values()].flatMap((effects) => effects.get(effect) ?? []);
    const times = found.flatMap(({ ms }) => ms ?? []);
    return {
      effect, done: times.length, of: found.length,
      first: times.length > 0 ? Math.min(...times) : null,
      last: times.length > 0 ? Math.max(...times) : null,
    };
  }).filter(({ of }) => of > 0);
}

/** Nothing is known before the first answer, so nothing is over either. */
export function isOver(journey: Journey): boolean {
  const steps = stepsOf(journey);
  return steps.length > 0 && steps.every(({ done, of }) => done === of);
}

/** How many open pages were told, over all events: a page that shows two of the parts was told twice. Null if of none it is known. */
export function pagesOf(journey: Journey): number | null {
  const told = [...journey.deliveries.values()].flatMap((effects) => effects.get("broadcast")?.pages ?? []);
  return told.length > 0 ? told.reduce((sum, pages) => sum + pages, 0) : null;
}

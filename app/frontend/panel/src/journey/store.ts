/** The journeys of this panel's own writes: followed over the socket, or asked for a few times if that is away. */
import { defineStore } from "pinia";
import { computed, ref, shallowRef } from "vue";
import { say } from "../live/events.ts";
import { useSessionStore } from "../session/session.ts";
import { answered, begun, isOver, read, settled, type EventJourney, type Journey, type Settled } from "./journey.ts";

/** How long the line stays when everything is done. */
const SHOWN_MS = 20_000;
/** Between two questions, if the socket is away; then we give up. */
const PAUSES_MS = [400, 1_000, 2_500, 6_000, 15_000];
/** So many of a bulk's events speak for all of them there. */
const ASKED = 3;

export const useJourneyStore = defineStore("journey", () => {
  const session = useSessionStore();
  /** The latest write. */
  const current = shallowRef<Journey | null>(null);
  /** The line stays while somebody reads it. */
  const held = ref(false);
  const over = computed(() => current.value !== null && isOver(current.value));
  let hiding: ReturnType<typeof setTimeout> | undefined;

  function begin(eventIds: readonly string[]): void {
    const journey = begun(eventIds, Date.now());
    current.value = journey;
    plan();
    void follow(eventIds);
  }

  /** Whatever comes for a write that another has taken the place of is nothing any more. */
  function update(eventIds: readonly string[], change: (journey: Journey) => Journey): boolean {
    if (current.value?.eventIds !== eventIds) return false;
    current.value = change(current.value);
    return true;
  }

  async function follow(eventIds: readonly string[]): Promise<void> {
    const answer = await say("follow", { event_ids: [...eventIds] });
    if (answer && !("error" in answer)) update(eventIds, (journey) => answered(journey, answer));
    else await ask(eventIds);
  }

  async function ask(eventIds: readonly string[]): Promise<void> {
    for (const pause of PAUSES_MS) {
      await new Promise((resolve) => setTimeout(resolve, pause));
      if (current.value?.eventIds !== eventIds || over.value) return;
      const found = await Promise.all(eventIds.slice(0, ASKED).map((id) => session.api<EventJourney>(`/admin/events/${id}`).catch(() => null)));
      update(eventIds, (journey) => found.reduce((so, one) => (one ? read(so, one) : so), journey));
    }
  }

  function hear(message: Settled): void {
    if (current.value) current.value = settled(current.value, message);
  }

  /** The connection was away: what was settled meanwhile was not told. */
  function again(): void {
    const journey = current.value;
    if (journey && !isOver(journey)) void follow(journey.eventIds);
  }

  function plan(): void {
    clearTimeout(hiding);
    hiding = setTimeout(() => {
      if (held.value) plan();
      else current.value = null;
    }, SHOWN_MS);
  }

  function forget(): void {
    clearTimeout(hiding);
    current.value = null;
  }

  return { current, over, held, begin, hear, again, forget };
});

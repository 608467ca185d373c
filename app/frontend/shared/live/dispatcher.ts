/**
 * The one place where live updates become store changes.
 *
 * It keeps a logical clock (never a wall clock) and records what is observed while a
 * watch is in flight, so that the rules in state.ts can tell older from newer.
 */
import type { PartEvent, PublicListItem, PublicPart, WatchAck } from "../types.ts";
import {
  applyAbsence,
  applyAck,
  applyEvent,
  applyReading,
  unknownPart,
  type LivePart,
  type Observation,
  type Outcome,
  type PartsState,
} from "./state.ts";

/** Where parts are kept: the page's store. */
export interface PartsKeeper {
  readonly parts: PartsState;
  put(part: LivePart): void;
}

export class Dispatcher {
  readonly #keeper: PartsKeeper;
  readonly #learnedAt = new Map<number, number>();
  #now = 0;
  #sinceWatch: Observation[] | null = null;

  constructor(keeper: PartsKeeper) {
    this.#keeper = keeper;
  }

  /** @returns the time to take before a request is sent and to hand back with its response. */
  begin(): number {
    return this.#now;
  }

  event(event: PartEvent): Outcome {
    this.#sinceWatch?.push({ kind: "event", event });
    const step = applyEvent(this.#part(event.part_id), event, this.#learn(event.part_id));
    if (step.outcome === "applied") this.#keeper.put(step.part);
    return step.outcome;
  }

  reading(part: PublicPart | PublicListItem, asOf: number): void {
    this.#sinceWatch?.push({ kind: "reading", part, asOf });
    this.#learn(part.id);
    this.#keeper.put(applyReading(this.#part(part.id), part, asOf));
  }

  absence(id: number, asOf: number): void {
    const learnedAt = this.#learnedAt.get(id) ?? 0;
    this.#keeper.put(applyAbsence(this.#part(id), asOf, this.#learn(id), learnedAt));
  }

  watchSent(): void {
    this.#sinceWatch = [];
  }

  watchFailed(): void {
    this.#sinceWatch = null;
  }

  /** @returns the parts to watch again, as if nothing were held. */
  acknowledged(ack: WatchAck): Set<number> {
    const since = this.#sinceWatch ?? [];
    this.#sinceWatch = null;
    const { changed, watchAgain } = applyAck(this.#keeper.parts, ack, since, ++this.#now);
    for (const part of changed.values()) {
      this.#learnedAt.set(part.id, this.#now);
      this.#keeper.put(part);
    }
    return watchAgain;
  }

  #part(id: number): LivePart {
    return this.#keeper.parts.get(id) ?? unknownPart(id);
  }

  #learn(id: number): number {
    this.#learnedAt.set(id, ++this.#now);
    return this.#now;
  }
}

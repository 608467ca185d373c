import { useMessages } from "../live/events.ts";
import { useSessionStore } from "../session/session.ts";
import type { Subject } from "../subject.ts";
import JourneyHost from "./JourneyHost.vue";
import { useJourneyStore } from "./store.ts";

/** What becomes of each write, at the foot of every screen. */
export const journey: Subject = {
  routes: [],
  everywhere: JourneyHost,
  begin: () => {
    const journeys = useJourneyStore();
    useSessionStore().onWrite(journeys.begin);
    useMessages(({ name, body }) => {
      if (name === "delivery.settled") journeys.hear(body);
    });
    return { missed: journeys.again, forget: journeys.forget };
  },
};

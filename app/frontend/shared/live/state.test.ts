import { describe, expect, it } from "vitest";
import type { PartEvent } from "../types.ts";
import { contentEvent, deletedEvent, listItem, priceEvent, publicPart, restoredEvent, stockEvent } from "./fixtures.ts";
import {
  applyAbsence,
  applyAck,
  applyEvent,
  applyReading,
  fromPublicPart,
  isHeld,
  unknownPart,
  versionsOf,
  type LivePart,
  type Observation,
} from "./state.ts";

const event = (event: PartEvent): Observation => ({ kind: "event", event });

function held(versions = {}): LivePart {
  return fromPublicPart(publicPart(7, versions));
}

describe("an event", () => {
  it("applies if its version is higher than the one held", () => {
    const { part, outcome } = applyEvent(held({ stock: 3 }), stockEvent(7, 4), 1);
    expect(outcome).toBe("applied");
    expect(part.stock).toEqual({ version: 4, data: { current_stock: 4, available_stock: 4, is_in_stock: true, is_low_stock: true } });
  });

  it("may skip versions, since it carries the whole state", () => {
    expect(applyEvent(held({ price: 1 }), priceEvent(7, 9), 1).part.price?.data?.amount).toBe("9.00");
  });

  it("goes on with the currency that is shown, and takes the part's own where there is no price in it any more", () => {
    const dollars = fromPublicPart({ ...publicPart(7), price: { amount: "2.00", currency: "USD", tiers: [], version: 1 } });
    const { data, ...event } = priceEvent(7, 2);
    const price = data.price && { ...data.price, others: [{ amount: "3.00", currency: "USD", tiers: [] }] };
    expect(applyEvent(dollars, { ...event, data: { ...data, price } }, 1).part.price?.data).toEqual({ amount: "3.00", currency: "USD", tiers: [] });
    expect(applyEvent(dollars, { ...event, data }, 1).part.price?.data?.currency).toBe("EUR");
  });

  it.each([
    ["stock", stockEvent],
    ["price", priceEvent],
    ["content", contentEvent],
  ] as const)("of %s is ignored if its version is held already, or is older", (_aspect, make) => {
    const before = held({ stock: 5, price: 5, content: 5 });
    for (const version of [5, 4, 1]) {
      const step = applyEvent(before, make(7, version), 1);
      expect(step).toEqual({ part: before, outcome: "stale" });
    }
  });

  it("changes its own aspect only", () => {
    const before = held({ stock: 5, price: 5, content: 5 });
    const { part } = applyEvent(before, contentEvent(7, 6), 1);
    expect(part.stock).toBe(before.stock);
    expect(part.price).toBe(before.price);
    expect(part.content?.data.part_name).toBe("Name 6");
    expect(part.content?.data.detail?.description).toBe("Description 6");
  });

  it("does not change the part that it was applied to", () => {
    const before = Object.freeze(held());
    expect(applyEvent(before, stockEvent(7, 2), 1).part).not.toBe(before);
    expect(before.stock?.version).toBe(1);
  });

  it("brings the content's detail to a part known from a list", () => {
    const before = fromPublicPart(listItem(7, { content: 2 }));
    expect(before.content?.data.detail).toBeNull();
    expect(applyEvent(before, contentEvent(7, 3), 1).part.content?.data.detail).not.toBeNull();
  });

  it("for a part that is not fully held asks for the part", () => {
    expect(applyEvent(unknownPart(7), stockEvent(7, 2), 1)).toEqual({ part: unknownPart(7), outcome: "watch" });
  });

  it("for a part that is gone asks for the part", () => {
    const gone = { ...held(), gone: { at: 1 } };
    expect(applyEvent(gone, stockEvent(7, 2), 2)).toEqual({ part: gone, outcome: "watch" });
  });

  it("carries a price's end as well as a price", () => {
    const end = { ...priceEvent(7, 2), data: { price: null, version: 2, updated_at: "2026-01-02T00:00:00Z" } };
    expect(applyEvent(held(), end, 1).part.price).toEqual({ version: 2, data: null });
  });
});

describe("a deletion", () => {
  it("makes the part gone, and keeps what was known of it", () => {
    const { part, outcome } = applyEvent(held({ content: 3 }), deletedEvent(7, 4), 9);
    expect(outcome).toBe("applied");
    expect(part.gone).toEqual({ at: 9 });
    expect(part.content?.data.part_name).toBe("Name 3");
  });

  it("no newer than the content held may be late news: only the server can tell", () => {
    expect(applyEvent(held({ content: 6 }), deletedEvent(7, 5), 1).outcome).toBe("watch");
    expect(applyEvent(held({ content: 6 }), deletedEvent(7, 5), 1).part.gone).toBeNull();
  });

  it("of what is gone already changes nothing", () => {
    expect(applyEvent({ ...held(), gone: { at: 1 } }, deletedEvent(7, 9), 2).outcome).toBe("stale");
  });

  it("reaches a part of which nothing is held", () => {
    expect(applyEvent(unknownPart(7), deletedEvent(7, 2), 1).part.gone).not.toBeNull();
  });
});

it("a restoration asks for the part", () => {
  expect(applyEvent({ ...held(), gone: { at: 1 } }, restoredEvent(7, 9), 2).outcome).toBe("watch");
});

describe("an HTTP reading", () => {
  it("fills a part that was unknown", () => {
    const part = applyReading(unknownPart(7), publicPart(7), 0);
    expect(isHeld(part)).toBe(true);
    expect(part.content?.data.detail?.description).toBe("Description 1");
  });

  it("never takes a page backwards, aspect by aspect", () => {
    const part = applyReading(held({ stock: 5, price: 2 }), publicPart(7, { stock: 4, price: 3 }), 0);
    expect(part.stock?.version).toBe(5);
    expect(part.price?.version).toBe(3);
  });

  it("of a list does not take the detail or the tiers away", () => {
    const part = applyReading(held(), listItem(7), 0);
    expect(part.content?.data.detail).not.toBeNull();
    expect(part.price?.data?.tiers).toHaveLength(1);
  });

  it("of the whole part completes what a list brought", () => {
    const part = applyReading(fromPublicPart(listItem(7)), publicPart(7), 0);
    expect(part.content?.data.detail).not.toBeNull();
    expect(part.price?.data?.tiers).toHaveLength(1);
  });

  it("brings specifications with a list, which no list without them takes away", () => {
    const listed = { ...listItem(7), specifications: [{ name: "Bore", value: "20", unit: "mm", group: "" }] };
    const part = applyReading(applyReading(fromPublicPart(listItem(7)), listed, 0), listItem(7), 0);
    expect(part.content?.data.specifications).toEqual(listed.specifications);
    expect(applyReading(held(), listed, 0).content?.data.detail).not.toBeNull();
    expect(applyReading(part, listItem(7, { content: 2 }), 0).content?.data.specifications).toBeNull();
  });

  it("asked for before the part was gone does not bring it back, one asked for later does", () => {
    const gone = { ...held(), gone: { at: 5 } };
    expect(applyReading(gone, publicPart(7), 4).gone).toEqual({ at: 5 });
    expect(applyReading(gone, publicPart(7), 5).gone).toBeNull();
  });

  it("of a newer time moves the time of the last change, an older one does not", () => {
    const later = { ...publicPart(7), updated_at: "2026-05-01T00:00:00.5Z" };
    const part = applyReading(held(), later, 0);
    expect(part.updated_at).toBe(later.updated_at);
    expect(applyReading(part, publicPart(7), 0).updated_at).toBe(later.updated_at);
  });
});

describe("a 404", () => {
  it("makes the part gone", () => {
    expect(applyAbsence(held(), 3, 4, 3).gone).toEqual({ at: 4 });
  });

  it("asked for before the newest news of the part is out of date", () => {
    const part = held();
    expect(applyAbsence(part, 3, 5, 4)).toBe(part);
  });
});

describe("a watch acknowledgement", () => {
  const state = (part: LivePart) => new Map([[part.id, part]]);

  it("brings the whole state of the parts that it names", () => {
    const { changed } = applyAck(new Map(), { parts: [publicPart(7, { stock: 8 })], gone: [] }, [], 1);
    expect(changed.get(7)?.stock?.version).toBe(8);
  });

  it("leaves parts alone that it does not name", () => {
    expect(applyAck(state(held()), { parts: [], gone: [] }, [], 1).changed.size).toBe(0);
  });

  it("may lower a version: the database may have been restored", () => {
    const { changed } = applyAck(state(held({ stock: 90 })), { parts: [publicPart(7, { stock: 5 })], gone: [] }, [], 1);
    expect(changed.get(7)?.stock).toEqual(held({ stock: 5 }).stock);
  });

  it("does not undo a newer event that arrived after the watch was sent", () => {
    const since = [event(stockEvent(7, 6))];
    const { changed } = applyAck(state(held({ stock: 6 })), { parts: [publicPart(7, { stock: 5, price: 2 })], gone: [] }, since, 1);
    expect(changed.get(7)?.stock?.version).toBe(6);
    expect(changed.get(7)?.price?.version).toBe(2);
  });

  it("undoes an event that arrived before the watch was sent, if the server says so", () => {
    const { changed } = applyAck(state(held({ stock: 6 })), { parts: [publicPart(7, { stock: 5 })], gone: [] }, [], 1);
    expect(changed.get(7)?.stock?.version).toBe(5);
  });

  it("lets an event in that was below the version held before, and is above the lowered one", () => {
    // Held: 90, from before a restored backup. The event of the new history was ignored when it came.
    const since = [event(stockEvent(7, 6))];
    const { changed } = applyAck(state(held({ stock: 90 })), { parts: [publicPart(7, { stock: 5 })], gone: [] }, since, 1);
    expect(changed.get(7)?.stock?.version).toBe(6);
  });

  it("is newer than older events that arrived after the watch was sent", () => {
    const since = [event(stockEvent(7, 4)), event(stockEvent(7, 3))];
    const { changed } = applyAck(state(held({ stock: 4 })), { parts: [publicPart(7, { stock: 5 })], gone: [] }, since, 1);
    expect(changed.get(7)?.stock?.version).toBe(5);
  });

  it("replays the highest of several events, in whatever order they came", () => {
    const since = [event(stockEvent(7, 8)), event(stockEvent(7, 6)), event(stockEvent(7, 7))];
    const { changed } = applyAck(state(held()), { parts: [publicPart(7, { stock: 5 })], gone: [] }, since, 1);
    expect(changed.get(7)?.stock?.version).toBe(8);
  });

  it("makes parts gone, and asks again if something was heard of them since", () => {
    const answer = applyAck(state(held()), { parts: [], gone: [7] }, [], 4);
    expect(answer.changed.get(7)?.gone).toEqual({ at: 4 });
    expect(answer.changed.get(7)?.content?.data.part_name).toBe("Name 1");
    expect(answer.watchAgain.size).toBe(0);
    const restored = applyAck(state(held()), { parts: [], gone: [7] }, [event(restoredEvent(7, 9))], 4);
    expect(restored.watchAgain).toEqual(new Set([7]));
  });

  it("knows of parts that were never held and are gone", () => {
    const { changed } = applyAck(new Map(), { parts: [], gone: [9] }, [], 1);
    expect(changed.get(9)).toEqual({ ...unknownPart(9), gone: { at: 1 } });
  });

  it("brings a part back that was gone", () => {
    const gone = { ...held(), gone: { at: 1 } };
    expect(applyAck(state(gone), { parts: [publicPart(7)], gone: [] }, [], 2).changed.get(7)?.gone).toBeNull();
  });

  it("does not undo a deletion that came after the watch was sent", () => {
    const { changed } = applyAck(state(held()), { parts: [publicPart(7, { content: 1 })], gone: [] }, [event(deletedEvent(7, 2))], 3);
    expect(changed.get(7)?.gone).toEqual({ at: 3 });
  });

  it("does not undo a newer HTTP reading that came after the watch was sent", () => {
    const since: Observation[] = [{ kind: "reading", part: publicPart(7, { price: 6 }), asOf: 2 }];
    const { changed } = applyAck(state(held({ price: 6 })), { parts: [publicPart(7, { price: 5 })], gone: [] }, since, 3);
    expect(changed.get(7)?.price?.version).toBe(6);
  });
});

describe("the versions stated in a watch", () => {
  it("are those held", () => {
    expect(versionsOf(held({ content: 3, stock: 7, price: 1 }))).toEqual({ content: 3, stock: 7, price: 1 });
  });

  it("are null for what is unknown, half known or gone, so that everything is sent", () => {
    expect(versionsOf(undefined)).toBeNull();
    expect(versionsOf(unknownPart(7))).toBeNull();
    expect(versionsOf({ ...held(), price: null })).toBeNull();
    expect(versionsOf({ ...held(), gone: { at: 1 } })).toBeNull();
  });

  it("are null for a part known from a list only where more is shown", () => {
    const part = fromPublicPart(listItem(7));
    expect(versionsOf(part)).not.toBeNull();
    expect(versionsOf(part, true)).toBeNull();
    expect(versionsOf(held(), true)).not.toBeNull();
  });
});

it("in whatever order events come, late, twice or never, the next acknowledgement makes it right", () => {
  let seed = 42;
  const random = () => (seed = (seed * 1103515245 + 12345) % 2147483648) / 2147483648;
  for (let run = 0; run < 300; run += 1) {
    const truth = { content: 1, stock: 1, price: 1 };
    const sent: PartEvent[] = [];
    let part = fromPublicPart(publicPart(7, truth));
    let highest = { ...truth };
    for (let step = 0; step < 40; step += 1) {
      const roll = random();
      if (roll < 0.4) {
        const aspect = (["content", "stock", "price"] as const)[Math.floor(random() * 3)] ?? "stock";
        truth[aspect] += 1;
        sent.push({ content: contentEvent, stock: stockEvent, price: priceEvent }[aspect](7, truth[aspect]));
      } else if (roll < 0.85 && sent.length > 0) {
        const delivered = sent[Math.floor(random() * sent.length)];
        if (delivered) part = applyEvent(part, delivered, step).part;
      } else {
        // The server reads, then events overtake its answer.
        const answer = { parts: [publicPart(7, truth)], gone: [] };
        truth.stock += 1;
        const overtaking = stockEvent(7, truth.stock);
        sent.push(overtaking);
        part = applyEvent(part, overtaking, step).part;
        part = applyAck(new Map([[7, part]]), answer, [event(overtaking)], step).changed.get(7) ?? part;
      }
      const now = { content: part.content?.version ?? 0, stock: part.stock?.version ?? 0, price: part.price?.version ?? 0 };
      for (const aspect of ["content", "stock", "price"] as const) {
        expect(now[aspect]).toBeGreaterThanOrEqual(highest[aspect]);
        expect(now[aspect]).toBeLessThanOrEqual(truth[aspect]);
      }
      highest = now;
    }
    const { changed } = applyAck(new Map([[7, part]]), { parts: [publicPart(7, truth)], gone: [] }, [], 99);
    expect(versionsOf(changed.get(7))).toEqual(truth);
  }
});

import { fromPublicPart, type LivePart } from "@lockstep/shared/live/state.ts";
import { publicPart } from "@lockstep/shared/live/fixtures.ts";
import { effectScope, nextTick, ref, shallowRef } from "vue";
import { expect, it } from "vitest";
import { usePartChanges } from "./usePartChanges.ts";


function part(change: Partial<ReturnType<typeof publicPart>> = {}): LivePart {
  return fromPublicPart({ ...publicPart(1, { stock: 9 }), ...change });
}

function setUp(first: LivePart | null) {
  const id = ref(1);
  const current = shallowRef(first);
  const { changes, dismiss } = effectScope().run(() => usePartChanges(id, current))!; // eslint-disable-line @typescript-eslint/no-non-null-assertion -- a new scope is active
  const become = async (next: LivePart | null): Promise<string[]> => {
    current.value = next;
    await nextTick();
    return changes.value.map(({ text }) => text);
  };
  return { id, become, dismiss, said: () => changes.value.map(({ text }) => text) };
}

const soldOut = { version: 2, current_stock: 0, available_stock: 0, is_in_stock: false, is_low_stock: true };

it("everything that changed is said at once, and nothing that is as it was again", async () => {
  const { become } = setUp(part());
  expect(await become(part({ stock: soldOut, description: "Another", part_name: "Renamed" }))).toEqual([
    "Stock: Out of stock", "The name was updated", "The description was updated",
  ]);
  expect(await become(part({ price: { amount: "2.00", currency: "EUR", version: 2, tiers: [] } }))).toEqual(["Price updated from €1.00 to €2.00"]);
  expect(await become(part())).toEqual([]);
});

it("what becomes known only later is no change", async () => {
  const { become } = setUp(null);
  const summary = part();
  expect(await become({ ...summary, content: summary.content && { ...summary.content, data: { ...summary.content.data, detail: null } } })).toEqual([]);
  expect(await become(part())).toEqual([]);
  expect(await become(part({ specifications: [{ name: "Bore", value: "20", unit: "mm", group: "" }] }))).toEqual(["The specifications were updated"]);
});

it("a specification is the same in whatever order its fields came, from a page or from the feed", async () => {
  const { become } = setUp(part({ specifications: [{ group: "", name: "Bore", unit: "mm", value: "20" }] }));
  expect(await become(part({ description: "Another", specifications: [{ name: "Bore", value: "20", unit: "mm", group: "" }] }))).toEqual(["The description was updated"]);
});

it("what was dismissed counts from then on, and another part begins anew", async () => {
  const { id, become, dismiss, said } = setUp(part());
  await become(part({ stock: soldOut }));
  dismiss();
  expect(said()).toEqual([]);
  expect(await become(part())).toEqual(["Stock: In stock"]);
  id.value = 2;
  expect(await become(part({ part_name: "Another" }))).toEqual([]);
});

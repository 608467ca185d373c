import type { PriceState } from "@lockstep/shared/types.ts";
import { effectScope, nextTick, ref } from "vue";
import { expect, it } from "vitest";
import { usePriceNotice } from "./usePriceNotice.ts";

function price(amount: string, tiers?: PriceState["tiers"]): PriceState {
  return { amount, currency: "EUR", ...(tiers ? { tiers } : {}) };
}

function setUp(first: PriceState | null | undefined) {
  const id = ref(1);
  const current = ref(first);
  const { notice, dismiss } = effectScope().run(() => usePriceNotice(id, current))!; // eslint-disable-line @typescript-eslint/no-non-null-assertion -- a new scope is active
  const become = async (next: PriceState | null | undefined): Promise<void> => {
    current.value = next;
    await nextTick();
  };
  return { id, current, notice, dismiss, become };
}

it("the first price is no news", async () => {
  const { notice, become } = setUp(undefined);
  await become(price("10.00"));
  expect(notice.value).toBeNull();
});

it("a change is told from the price first seen to the present one, however many lay between", async () => {
  const { notice, become } = setUp(price("10.00"));
  await become(price("11.00"));
  await become(price("12.00"));
  expect(notice.value).toMatchObject({ kind: "amount", from: { amount: "10.00" }, to: { amount: "12.00" } });
});

it("a price that has come back is no news", async () => {
  const { notice, become } = setUp(price("10.00"));
  await become(price("11.00"));
  await become(price("10"));
  expect(notice.value).toBeNull();
});

it("after it was dismissed the next change counts from the price that was acknowledged", async () => {
  const { notice, dismiss, become } = setUp(price("10.00"));
  await become(price("11.00"));
  dismiss();
  expect(notice.value).toBeNull();
  await become(price("12.00"));
  expect(notice.value).toMatchObject({ from: { amount: "11.00" } });
});

it("tiers that become known are no news, tiers that change are, whatever the order of their keys", async () => {
  const { notice, become } = setUp(price("10.00"));
  await become(price("10.00", [{ min_quantity: 1, amount: "10.00" }]));
  await become(price("10.00", [{ amount: "10.0", min_quantity: 1 }]));
  expect(notice.value).toBeNull();
  await become(price("10.00", [{ min_quantity: 1, amount: "10.00" }, { min_quantity: 5, amount: "9.00" }]));
  expect(notice.value).toEqual({ kind: "tiers" });
});

it("another part begins anew", async () => {
  const { id, notice, current } = setUp(price("10.00"));
  id.value = 2;
  current.value = price("99.00");
  await nextTick();
  expect(notice.value).toBeNull();
});

it("a price that ends is told", async () => {
  const { notice, become } = setUp(price("10.00"));
  await become(null);
  expect(notice.value).toMatchObject({ from: { amount: "10.00" }, to: null });
});

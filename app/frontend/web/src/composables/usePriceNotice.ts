/**
 * Announces a price that changed while the customer was looking at it: from the one first shown
 * (or last acknowledged) to the current one, and nothing if the two are the same again.
 */
import { sameAmount } from "@lockstep/shared/format.ts";
import type { PriceState, PriceTier } from "@lockstep/shared/types.ts";
import { ref, watch, type Ref } from "vue";

export type PriceNotice =
  | { kind: "amount"; from: PriceState | null; to: PriceState | null }
  | { kind: "tiers" };

export function usePriceNotice(subject: Ref<number>, price: Ref<PriceState | null | undefined>) {
  const notice = ref<PriceNotice | null>(null);
  let seen: PriceState | null | undefined;

  watch(
    [subject, price],
    ([id, current], [previousId]) => {
      if (id !== previousId) seen = undefined;
      if (current === undefined) {
        if (seen === undefined) notice.value = null;
        return;
      }
      if (seen === undefined) {
        seen = current;
        notice.value = null;
        return;
      }
      notice.value = compare(seen, current);
      // Tiers may become known only after the amount: that is not a change.
      if (!notice.value) seen = current;
    },
    { immediate: true },
  );

  function dismiss(): void {
    seen = price.value ?? null;
    notice.value = null;
  }

  return { notice, dismiss };
}

function compare(from: PriceState | null, to: PriceState | null): PriceNotice | null {
  if (!from && !to) return null;
  if (!from || !to || from.currency !== to.currency || !sameAmount(from.amount, to.amount)) return { kind: "amount", from, to };
  return from.tiers && to.tiers && !sameTiers(from.tiers, to.tiers) ? { kind: "tiers" } : null;
}

function sameTiers(from: readonly PriceTier[], to: readonly PriceTier[]): boolean {
  return (
    from.length === to.length &&
    from.every((tier, index) => {
      const other = to[index];
      return other !== undefined && tier.min_quantity === other.min_quantity && sameAmount(tier.amount, other.amount);
    })
  );
}

/** What changed of a part while somebody looked at it: since it was first shown, or since they acknowledged it. */
import type { LivePart } from "@lockstep/shared/live/state.ts";
import { computed, ref, watch, type Ref } from "vue";
import { stockText } from "../stockText.ts";
import { strings } from "../strings.ts";
import { usePriceNotice, type PriceNotice } from "./usePriceNotice.ts";

export interface PartChange {
  kind: "price" | "stock" | "text";
  text: string;
}

/** What is compared, as texts; null while it is unknown. */
interface Seen {
  stock: string | null;
  name: string | null;
  description: string | null;
  specifications: string | null;
  pictures: string | null;
}

export function usePartChanges(id: Ref<number>, part: Ref<LivePart | null>) {
  const { notice, dismiss: dismissPrice } = usePriceNotice(id, computed(() => part.value?.price?.data));
  const seen = ref<Seen>(seenOf(part.value));

  watch([id, part], ([now, current], [before]) => {
    if (now !== before) seen.value = seenOf(current);
    // What becomes known only later is no change.
    else if (current) seen.value = { ...seenOf(current), ...known(seen.value) };
  });

  const changes = computed<PartChange[]>(() => {
    const now = seenOf(part.value);
    const differs = (name: keyof Seen): boolean => now[name] !== null && seen.value[name] !== null && now[name] !== seen.value[name];
    return [
      ...(notice.value ? [{ kind: "price" as const, text: priceText(notice.value) }] : []),
      ...(differs("stock") ? [{ kind: "stock" as const, text: strings.buyer.stockChanged(now.stock ?? "") }] : []),
      ...(differs("name") ? [{ kind: "text" as const, text: strings.buyer.nameChanged }] : []),
      ...(differs("description") ? [{ kind: "text" as const, text: strings.buyer.textChanged }] : []),
      ...(differs("specifications") ? [{ kind: "text" as const, text: strings.buyer.specificationsChanged }] : []),
      ...(differs("pictures") ? [{ kind: "text" as const, text: strings.buyer.picturesChanged }] : []),
    ];
  });

  function dismiss(): void {
    dismissPrice();
    seen.value = seenOf(part.value);
  }

  return { changes, dismiss };
}

function seenOf(part: LivePart | null): Seen {
  const detail = part?.content?.data.detail;
  return {
    stock: part?.stock ? stockText(part.stock.data) : null,
    name: part?.content?.data.part_name ?? null,
    description: detail?.description ?? null,
    specifications: detail ? JSON.stringify(part?.content?.data.specifications?.map(({ group, name, value, unit }) => [group, name, value, unit])) : null,
    pictures: detail ? JSON.stringify(detail.images.map(({ url, alt }) => [url, alt])) : null,
  };
}

function known(seen: Seen): Partial<Seen> {
  return Object.fromEntries(Object.entries(seen).filter(([, value]) => value !== null));
}

function priceText(notice: PriceNotice): string {
  if (notice.kind === "tiers") return strings.price.tiersUpdated;
  const [from, to] = [notice.from, notice.to].map((price) => (price ? strings.price.show(price.amount, price.currency) : strings.price.none));
  return strings.price.updated(from ?? "", to ?? "");
}

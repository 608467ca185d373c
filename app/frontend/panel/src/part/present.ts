/** The part that is open: read once, and then kept true by the events of the live feed. */
import { inject, provide, type ComputedRef, type InjectionKey, type Ref } from "vue";
import { keyOf, queryClient, refresh } from "../queries.ts";
import type { Author } from "./merge.ts";
import type { AdminStock, ContentAnswer, Part, PresentPerson, PriceListAnswer } from "./types.ts";

export const partPath = (id: number): string => `/admin/parts/${id}`;

export interface Present {
  part: ComputedRef<Part>;
  /** Everybody else who has it open. */
  people: Ref<PresentPerson[]>;
}

const PRESENT: InjectionKey<Present> = Symbol("part");

export function providePresent(present: Present): void {
  provide(PRESENT, present);
}

export function usePresent(): Present {
  const found = inject(PRESENT);
  if (!found) throw new Error("Only a side of a part knows which one is open.");
  return found;
}

function patch(id: number, change: (part: Part) => Part): void {
  queryClient.setQueryData<Part>([...keyOf(partPath(id)), {}], (part) => part && change(part));
}

/** Takes over a newer state, from an event or from an answer. */
export function learnContent(id: number, content: Omit<ContentAnswer, "changed_at" | "changed_by" | "notices">): void {
  patch(id, (part) => (content.version > part.version ? { ...part, ...content, versions: { ...part.versions, content: content.version } } : part));
}

export function learnPrices(id: number, price: Pick<PriceListAnswer, "prices" | "version" | "updated_at" | "changed_by">): void {
  patch(id, (part) => (price.version > part.price.version ? { ...part, price: { ...part.price, ...price, changed_at: price.updated_at } } : part));
}

export function learnStock(id: number, stock: AdminStock): void {
  patch(id, (part) => (stock.version > part.stock.version ? { ...part, stock: { ...part.stock, ...stock } } : part));
}

export const readAgain = (id: number): Promise<void> => refresh(partPath(id));

export const contentAuthor = ({ last_updated_by: id, last_updated_by_name: name, updated_at: at }: Part): Author => ({ id, name: name ?? "", at });

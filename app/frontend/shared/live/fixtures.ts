/** Parts and events for tests. */
import type { ContentEvent, DeletedEvent, PriceEvent, PublicListItem, PublicPart, RestoredEvent, StockEvent } from "../types.ts";

export interface Versions {
  content?: number;
  stock?: number;
  price?: number;
}

/** Every value in these parts names its version, so that a test can see which one is held. */
export function publicPart(id: number, { content = 1, stock = 1, price = 1 }: Versions = {}): PublicPart {
  return {
    id,
    sku: `SKU-${id}`,
    slug: `part-${id}`,
    part_name: `Name ${content}`,
    description: `Description ${content}`,
    category: null,
    manufacturer: null,
    manufacturer_number: null,
    images: [],
    specifications: [],
    stock: { ...stockData(stock), version: stock },
    price: { amount: `${price}.00`, currency: "EUR", tiers: [{ min_quantity: 1, amount: `${price}.00` }], version: price },
    version: content,
    versions: { content, stock, price },
    updated_at: "2026-01-01T00:00:00Z",
  };
}

export function listItem(id: number, versions: Versions = {}): PublicListItem {
  const { description: _description, images: _images, specifications: _specifications, price, ...rest } = publicPart(id, versions);
  return { ...rest, image: null, price: price && { amount: price.amount, currency: price.currency, version: price.version } };
}

function stockData(version: number) {
  return { current_stock: version, available_stock: version, is_in_stock: version > 0, is_low_stock: version <= 5 };
}

function contentData(id: number, version: number): ContentEvent["data"] {
  const { stock: _stock, price: _price, versions: _versions, ...content } = publicPart(id, { content: version });
  return { ...content, updated_at: AT };
}

let eventNumber = 0;

const AT = "2026-01-02T00:00:00Z";

function envelope(id: number, version: number) {
  eventNumber += 1;
  return { id: `event-${eventNumber}`, part_id: id, version, timestamp: AT };
}

export function stockEvent(id: number, version: number): StockEvent {
  return { ...envelope(id, version), type: "stock.updated", data: { ...stockData(version), version, updated_at: AT } };
}

export function priceEvent(id: number, version: number): PriceEvent {
  return { ...envelope(id, version), type: "price.updated", data: { price: publicPart(id, { price: version }).price, version, updated_at: AT } };
}

export function contentEvent(id: number, version: number): ContentEvent {
  return { ...envelope(id, version), type: "content.updated", data: contentData(id, version) };
}

export function deletedEvent(id: number, version: number): DeletedEvent {
  return { ...envelope(id, version), type: "part.deleted", data: {} };
}

export function restoredEvent(id: number, version: number): RestoredEvent {
  return { ...envelope(id, version), type: "part.restored", data: contentData(id, version) };
}

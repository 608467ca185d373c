/**
 * The shapes that cross the network, as docs/2-contract states them.
 * Names follow the wire (snake_case), so that a reader can search for them on both sides.
 */

// ---------------------------------------------------------------- public part

export interface CategoryRef {
  id: number;
  name: string;
  slug: string;
}

export interface PartCategory extends CategoryRef {
  path: CategoryRef[];
}

export interface PartImage {
  url: string;
  alt: string;
  width: number | null;
  height: number | null;
}

export interface Specification {
  name: string;
  value: string;
  unit: string | null;
  group: string | null;
}

/** What a list shows of a part's content. */
export interface ContentSummary {
  id: number;
  sku: string;
  slug: string;
  part_name: string;
  category: PartCategory | null;
  image: PartImage | null;
}

/** A part's whole public content, as `content.updated` and the part itself carry it. */
export interface ContentState {
  id: number;
  sku: string;
  slug: string;
  part_name: string;
  description: string | null;
  category: PartCategory | null;
  manufacturer?: string | null;
  manufacturer_number?: string | null;
  images: PartImage[];
  specifications: Specification[];
}

export interface StockState {
  current_stock: number;
  available_stock: number;
  is_in_stock: boolean;
  is_low_stock: boolean;
}

export interface PriceTier {
  min_quantity: number;
  amount: string;
}

/** `tiers` is absent in list items. */
export interface PriceState {
  amount: string;
  currency: string;
  tiers?: PriceTier[];
}

export interface AspectVersions {
  content: number;
  stock: number;
  price: number;
}

interface PublicBase {
  id: number;
  stock: StockState & { version: number };
  price: (PriceState & { version: number }) | null;
  version: number;
  versions: AspectVersions;
  updated_at: string;
}

export type PublicPart = PublicBase & ContentState;
export type PublicListItem = PublicBase & ContentSummary;

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
  /** The catalogue token that the list was read under, where the server tells it. */
  catalog?: string | null;
}

export interface Category extends CategoryRef {
  parent_id: number | null;
  /** How many published parts it holds, where the server tells it. */
  part_count?: number;
}

export type PublicSort = "name" | "-name" | "price" | "-price" | "newest";

// ---------------------------------------------------------------- live events

export type Aspect = "content" | "stock" | "price";

interface EventBase<T extends string, D> {
  id: string;
  type: T;
  part_id: number;
  version: number;
  data: D;
  timestamp: string;
}

export type StockEvent = EventBase<"stock.updated", StockState & { version: number }>;
export type ContentEvent = EventBase<"content.updated", ContentState & { version: number }>;
export type PriceEvent = EventBase<"price.updated", { price: (PriceState & { version: number }) | null; version: number }>;
export type DeletedEvent = EventBase<"part.deleted", unknown>;
export type RestoredEvent = EventBase<"part.restored", unknown>;
export type PartEvent = StockEvent | ContentEvent | PriceEvent | DeletedEvent | RestoredEvent;

export const PART_EVENT_TYPES = [
  "stock.updated",
  "content.updated",
  "price.updated",
  "part.deleted",
  "part.restored",
] as const satisfies readonly PartEvent["type"][];

/** What a page says that it holds: versions by part id, or null for "send me everything". */
export type WatchRequest = Record<string, AspectVersions | null>;

export interface WatchAck {
  parts: PublicPart[];
  gone: number[];
  catalog?: string | null;
}

export interface LiveError {
  error: { code: string; message?: string };
}

// ---------------------------------------------------------------- panel

export interface Person {
  id: number;
  name: string;
}

export type Role = "viewer" | "stock" | "editor" | "admin";

export interface User extends Person {
  email: string;
  role: Role;
}

export interface Session {
  user: User;
  csrf_token: string;
}

export interface AdminStock {
  current_stock: number;
  reserved_quantity: number;
  min_stock_level: number;
  available_stock: number;
  is_in_stock: boolean;
  is_low_stock: boolean;
  version: number;
  last_updated_by: Person | null;
  updated_at: string;
}

export type PartStatus = "draft" | "published" | "archived";

export interface AdminPart {
  id: number;
  sku: string;
  slug: string;
  part_name: string;
  status: PartStatus;
  category: CategoryRef | null;
  version: number;
  updated_at: string;
  stock: AdminStock;
  price: { amount: string; currency: string; version: number } | null;
}

export type AdminSort =
  | "sku" | "-sku"
  | "part_name" | "-part_name"
  | "available" | "-available"
  | "updated_at" | "-updated_at";

/** `/admin` events are `/customers` events plus who did it, and staff's view of the stock. */
export type AdminStockEvent = EventBase<"stock.updated", AdminStock> & { actor: Person | null };
export type AdminContentEvent = EventBase<
  "content.updated",
  Partial<Pick<AdminPart, "sku" | "slug" | "status">> & Pick<AdminPart, "part_name"> & { category?: CategoryRef | null; version: number; updated_at: string }
> & { actor: Person | null };
export type AdminPriceEvent = PriceEvent & { actor: Person | null };
export type AdminLifecycleEvent = EventBase<"part.deleted" | "part.restored", unknown> & { actor: Person | null };
export type AdminEvent = AdminStockEvent | AdminContentEvent | AdminPriceEvent | AdminLifecycleEvent;

/** A stock write's answer. */
export type StockWriteAnswer = AdminStock & { part_id: number };

export type StockField = "current_stock" | "reserved_quantity" | "min_stock_level";

/** A 409's `current`: the present values, and whose they are. */
export type CurrentState = Partial<AdminStock> & Partial<Pick<AdminPart, "part_name" | "status">> & {
  version: number;
  changed_by?: Person | null;
  changed_at?: string | null;
};

/** RFC 9457, as the API sends it. */
export interface Problem {
  type?: string;
  title?: string;
  status: number;
  detail?: string;
  code?: string;
  request_id?: string;
  errors?: Record<string, string[]>;
  current?: CurrentState;
}

/**
 * The shapes that cross the network, under readable names. They come from the API's own
 * document (api.gen.ts); written here is only what the document leaves open.
 * Names follow the wire (snake_case), so that a reader can search for them on both sides.
 */
import type { components, paths } from "./api.gen.ts";

type Schemas = components["schemas"];
type QueryOf<Path extends "/api/v1/admin/parts"> = NonNullable<paths[Path]["get"]["parameters"]["query"]>;

// ---------------------------------------------------------------- public part

export type CategoryRef = Schemas["CategoryRef"];
export type PartCategory = Schemas["PartCategory"];
export type Category = Schemas["Category"];
export type Picture = Schemas["Picture"];
export type PartImage = Schemas["Image"];
export type Specification = Schemas["ShownSpecification"];
export type PriceTier = Schemas["Tier"];
export type AspectVersions = Schemas["Versions"];
export type PublicPart = Schemas["PublicPart"];
export type PublicListItem = Schemas["PublicListItem"];

/** What a list shows of a part's content. */
export type ContentSummary = Pick<PublicListItem, "id" | "sku" | "slug" | "part_name" | "category" | "image" | "specifications">;

/** A part's whole public content, as `content.updated` and the part itself carry it. */
export type ContentState = Omit<Schemas["EventContent"], "version" | "updated_at">;

export type StockState = Omit<Schemas["PublicStock"], "version">;

/** `tiers` is absent in list items; `others` are the prices in other currencies, where there are any. */
export type PriceState = Omit<Schemas["ShortPrice"], "version"> & Partial<Pick<Schemas["PublicPrice"], "tiers" | "others">>;

export interface Page<T> {
  items: T[];
  next_cursor: string | null;
}

/** A page of the panel's list, which also tells whether the search was met as typed. */
export type AdminPartPage = Schemas["AdminPartPage"];

/** A page of the customers' list, which also tells whether the search was met as typed. */
export type PublicPartPage = Schemas["PublicPartPage"];
export type Match = PublicPartPage["match"];

/** What is back in stock. */
export type RestockedParts = Schemas["Restocked"];

/** Written out, since in the document any text may be one: a specification's name is. */
export type PublicSort = "relevance" | "name" | "-name" | "price" | "-price" | "newest" | `spec.${string}` | `-spec.${string}`;

/** How many parts each choice of a filter would leave. */
export type Facets = Schemas["Facets"];
export type SpecificationFacet = Schemas["SpecificationFacet"];

/** A part with what stands around it on its page. */
export type ProductPage = Schemas["ProductPage"];
/** What is said instead of a part that is no longer sold. */
export interface Withdrawn extends Pick<ProductPage, "breadcrumbs" | "related" | "alternatives"> {
  part: Pick<PublicPart, "id" | "sku" | "slug" | "part_name" | "category">;
}

// ---------------------------------------------------------------- live messages

/** The socket's messages by name; app/contract/messages describes them. */
export type ToCustomers = Schemas["ToCustomers"];
export type FromCustomers = Schemas["FromCustomers"];
export type AnswersToCustomers = Schemas["AnswersToCustomers"];
export type ToStaff = Schemas["ToStaff"];

export type StockEvent = ToCustomers["stock.updated"];
export type ContentEvent = ToCustomers["content.updated"];
export type PriceEvent = ToCustomers["price.updated"];
export type DeletedEvent = ToCustomers["part.deleted"];
export type RestoredEvent = ToCustomers["part.restored"];
export type PartEvent = Extract<ToCustomers[keyof ToCustomers], { part_id: number }>;

export const PART_EVENT_TYPES = namesOf<PartEvent["type"]>({
  "stock.updated": true,
  "content.updated": true,
  "price.updated": true,
  "part.deleted": true,
  "part.restored": true,
});

/** What a page says that it holds: versions by part id, or null for "send me everything". */
export type WatchRequest = Record<string, AspectVersions | null>;

export type WatchAck = Schemas["WatchAnswer"];

/** Types are gone when the page runs; this says their names again, and TypeScript that none is missing. */
function namesOf<Name extends string>(names: Record<Name, true>): readonly Name[] {
  return Object.keys(names) as Name[];
}

// ---------------------------------------------------------------- panel

export type Person = Schemas["Person"];

export type Role = "viewer" | "stock" | "editor" | "admin";
export type User = Omit<Schemas["User"], "role"> & { role: Role };
export type Session = Omit<Schemas["Session"], "user"> & { user: User };

/** Staff's view of the stock; also what a stock write answers. */
export type AdminStock = Schemas["AdminStock"];
export type StockField = "current_stock" | "reserved_quantity" | "min_stock_level";

export type PartStatus = NonNullable<QueryOf<"/api/v1/admin/parts">["status"]>;
export type AdminSort = NonNullable<QueryOf<"/api/v1/admin/parts">["sort"]>;

/** A row of the grid, which shows no price and no picture. */
export type AdminListItem = Omit<Schemas["AdminListItem"], "status" | "price" | "thumbnail"> & { status: PartStatus };

/** Staff's view of the content. */
export type AdminContent = Schemas["ContentState"];

export type AdminStockEvent = ToStaff["stock.updated"];
export type AdminContentEvent = ToStaff["part.created" | "content.updated" | "part.deleted" | "part.restored"];
export type AdminEvent = Extract<ToStaff[keyof ToStaff], { part_id: number; type: string }>;

export const ADMIN_EVENT_TYPES = namesOf<AdminEvent["type"]>({
  "stock.updated": true,
  "price.updated": true,
  "part.created": true,
  "content.updated": true,
  "part.deleted": true,
  "part.restored": true,
});

export type CategoryEvent = Extract<ToStaff[keyof ToStaff], { category_id: number }>;

export const CATEGORY_EVENT_TYPES = namesOf<CategoryEvent["type"]>({
  "category.created": true,
  "category.updated": true,
  "category.deleted": true,
});

export type FromStaff = Schemas["FromStaff"];
export type AnswersToStaff = Schemas["AnswersToStaff"];

/** Every message of the feed but those about the connection itself. */
export const STAFF_MESSAGES = namesOf<Exclude<keyof ToStaff, "resync" | "session.ended">>({
  "stock.updated": true,
  "price.updated": true,
  "part.created": true,
  "content.updated": true,
  "part.deleted": true,
  "part.restored": true,
  "category.created": true,
  "category.updated": true,
  "category.deleted": true,
  "synonym.created": true,
  "synonym.deleted": true,
  "import.progress": true,
  "presence": true,
  "delivery.settled": true,
});

/** A 409's `current`: the present values, and whose they are. */
export type CurrentState = { version: number } & Partial<AdminStock> &
  Partial<Pick<AdminContent, "part_name" | "status">> &
  Partial<Pick<Schemas["ContentAnswer"], "changed_by" | "changed_at">>;

/** RFC 9457, as the API sends it. */
export type Problem = Omit<Schemas["Problem"], "errors" | "current" | "taken_by" | "withdrawn"> & {
  errors?: Record<string, string[]>;
  current?: CurrentState;
  taken_by?: { part_id: number; archived: boolean };
  withdrawn?: Withdrawn;
};

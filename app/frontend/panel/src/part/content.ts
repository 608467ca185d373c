/** The content side of a part as fields. */
import type { Fields, Json } from "./merge.ts";
import type { Part } from "./types.ts";

export const CONTENT_FIELDS = ["part_name", "sku", "slug", "manufacturer", "manufacturer_number", "category_id", "status", "description"] as const;
export type ContentField = (typeof CONTENT_FIELDS)[number];
/** The API has null for "none" here, a form has an empty text. */
const NULLABLE: ReadonlySet<string> = new Set(["manufacturer", "manufacturer_number"]);
const SLUG = /^(?:[0-9]+-)*[0-9]*[a-z][0-9a-z]*(?:-[0-9a-z]+)*$/;

export function contentFields(part: Part): Fields {
  return Object.fromEntries(CONTENT_FIELDS.map((name) => [name, NULLABLE.has(name) ? (part[name] ?? "") : part[name]]));
}

/** @returns the body of a write: the changed fields alone, as the API has them. */
export function contentBody(changed: readonly string[], values: Fields): Record<string, Json> {
  return Object.fromEntries(changed.map((name) => [name, NULLABLE.has(name) && values[name] === "" ? null : (values[name] ?? null)]));
}

/** @returns the keys of what is wrong, by field. */
export function contentFaults(values: Fields): Record<string, string> {
  const faults: Record<string, string> = {};
  for (const name of ["part_name", "sku"]) if (String(values[name] ?? "").trim() === "") faults[name] = "part.wrong.empty";
  if (!SLUG.test(String(values["slug"] ?? ""))) faults["slug"] = "part.wrong.slug";
  return faults;
}

/** The part as the editor reads it. */
import type { components } from "@lockstep/shared/api.gen.ts";

type Schemas = components["schemas"];
export type Part = Schemas["AdminPart"];
export type ContentAnswer = Schemas["UpdatedContent"];
export type PriceListAnswer = Schemas["PriceListAnswer"];
export type ShownPrice = Schemas["ShownPriceLine"];
export type Specification = Schemas["ShownSpecification"];
export type AdminStock = Schemas["AdminStock"];
export type AuditRow = Schemas["AuditRow"];
export type PresentPerson = Schemas["PresentPerson"];
export type AdminCategory = Schemas["AdminCategory"];
export type Image = Schemas["Image"];
export type Notice = Schemas["Notice"];

export const SIDES = ["content", "specifications", "prices", "stock"] as const;
export type Side = (typeof SIDES)[number];

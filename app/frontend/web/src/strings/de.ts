import { buy, catalog, error, header, home, live, notFound, part, price, shop, stock, suggest, table } from "../../../../templates/site/texts/de.json";
import { buyer } from "./buyer.de.ts";
import type { Strings } from "./en.ts";
import { sections } from "./sections.ts";
import { tableGerman } from "./table.de.ts";

const shared = sections({ shop, live, stock, price, catalog, table, part, error, notFound, header, suggest, home, buy });

export const de = {
  ...shared,
  table: { ...shared.table, ...tableGerman },
  buyer,
} satisfies Strings;

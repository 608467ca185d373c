import { buy, catalog, error, header, home, live, notFound, part, price, shop, stock, suggest, table } from "../../../../templates/site/texts/en.json";
import { buyer } from "./buyer.en.ts";
import { sections } from "./sections.ts";
import { tableEnglish } from "./table.en.ts";

const shared = sections({ shop, live, stock, price, catalog, table, part, error, notFound, header, suggest, home, buy });

export const en = {
  ...shared,
  // Texts that the server's pages do not show go into files of their own, and each of them gets a line here and in de.ts.
  table: { ...shared.table, ...tableEnglish },
  buyer,
};

export type Strings = typeof en;

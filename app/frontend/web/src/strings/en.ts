import { buy, catalog, error, header, home, live, notFound, part, price, shop, stock, suggest } from "../../../../templates/site/texts/en.json";
import { buyer } from "./buyer.en.ts";
import { sections } from "./sections.ts";

export const en = {
  ...sections({ shop, live, stock, price, catalog, part, error, notFound, header, suggest, home, buy }),
  // Texts that the server's pages do not show go into files of their own, and each of them gets a line here and in de.ts.
  buyer,
};

export type Strings = typeof en;

import { buy, catalog, error, header, home, live, notFound, part, price, shop, stock, suggest } from "../../../../templates/site/texts/de.json";
import { buyer } from "./buyer.de.ts";
import type { Strings } from "./en.ts";
import { sections } from "./sections.ts";

export const de = {
  ...sections({ shop, live, stock, price, catalog, part, error, notFound, header, suggest, home, buy }),
  buyer,
} satisfies Strings;

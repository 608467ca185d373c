import { catalog, error, live, notFound, part, price, shop, stock } from "../../../../templates/site/texts/de.json";
import type { Strings } from "./en.ts";
import { sections } from "./sections.ts";

export const de = {
  ...sections({ shop, live, stock, price, catalog, part, error, notFound }),
} satisfies Strings;

import { catalog, error, header, home, live, notFound, part, price, shop, stock, suggest } from "../../../../templates/site/texts/en.json";
import { sections } from "./sections.ts";

export const en = {
  ...sections({ shop, live, stock, price, catalog, part, error, notFound, header, suggest, home }),
  // Texts that the server's pages do not show go into files of their own, and each of them gets a line here and in de.ts.
};

export type Strings = typeof en;

import { expect, test } from "vitest";
import { wantedLocale } from "./language.ts";

test.each([
  ["", ["de-AT", "en"], "de-AT"],
  ["", ["fr-FR", "de"], "de"],
  ["", ["fr-FR", "it"], "en"],
  ["", ["en-GB", "de"], "en-GB"],
  ["a=b; language=de", ["en-GB", "de-CH"], "de-CH"],
  ["language=de; c=d", ["en-GB"], "de"],
  ["language=fr", ["de"], "de"],
  ["my_language=de", ["en"], "en"],
])("With the cookie %j and the browser's %j a page is in %s.", (cookie, wanted, expected) => {
  expect(wantedLocale(cookie, wanted)).toBe(expected);
});

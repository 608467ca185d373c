import { readdirSync, readFileSync } from "node:fs";
import { afterEach, expect, test } from "vitest";
import german from "../../../templates/site/texts/de.json";
import english from "../../../templates/site/texts/en.json";
import { loadStrings, strings } from "./strings.ts";
import { buyer } from "./strings/buyer.en.ts";
import { en } from "./strings/en.ts";
import { later } from "./strings/later.en.ts";
import { counted, fill } from "./strings/sections.ts";
import { tableEnglish } from "./strings/table.en.ts";

afterEach(() => {
  Object.assign(strings, en);
});

/** Every text by its path, and the values that it names. */
function leaves(texts: object, path = ""): Map<string, string[]> {
  return new Map(
    Object.entries(texts).flatMap(([name, value]) =>
      typeof value === "string" ? [[path + name, (value.match(/\{\w+\}/g) ?? []).sort()]] : [...leaves(value as object, `${path}${name}.`)],
    ),
  );
}

function sources(folder: string, kinds: RegExp): string {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => kinds.test(name) && !name.endsWith(".test.ts"));
  return names.map((name) => readFileSync(`${folder}/${name}`, "utf8")).join("\n");
}

test("Both languages have the same texts, which name the same values.", () => {
  expect(leaves(german)).toEqual(leaves(english));
});

test("Every text is shown somewhere.", () => {
  const server = "../templates/site";
  const code = sources("web/src", /\.(?:ts|vue)$/) + sources(server, /\.html$/) + sources("../api/site", /\.py$/);
  const unused = [...leaves(english).keys()].filter((path) => {
    const [section, name] = path.split(".") as [string, string];
    return !new RegExp(`\\b${section}\\.${name}\\b|"${name}"`).test(code);
  });
  expect(unused).toEqual([]);
});

test("Every text that only the application shows is shown somewhere.", () => {
  const code = sources("web/src", /\.(?:ts|vue)$/);
  const unused = Object.entries({ buyer, later, table: tableEnglish }).flatMap(([section, texts]) =>
    Object.keys(texts).filter((name) => !new RegExp(`\\b${section}\\.${name}\\b`).test(code)),
  );
  expect(unused).toEqual([]);
});

test("German texts are loaded for German of any region, and stay English for others.", async () => {
  await loadStrings("en-GB");
  expect(strings.stock.low(3)).toBe("Only 3 left");
  await loadStrings("de-AT");
  expect(strings.stock.low(3)).toBe("Nur noch 3 Stück");
  expect(strings.catalog.shown(1, false)).toBe("1 Teil");
  expect(strings.catalog.shown(24, true)).toBe("Die ersten 24 Teile");
});

test("Values are put where they are named, also if they look like names themselves.", () => {
  expect(fill("{q} of {n}", { q: "{n}", n: "$& 3" })).toBe("{n} of $& 3");
  expect(counted({ one: "1 part", other: "{count} parts" }, 1)).toBe("1 part");
  expect(counted({ one: "1 part", other: "{count} parts" }, 0)).toBe("0 parts");
});

/** The catalogues and the code say the same: nothing is missing, left over, or not translated. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";

interface Texts {
  [name: string]: string | Texts;
}

const ROOT = import.meta.dirname;
const folders = readdirSync(ROOT, { withFileTypes: true }).filter((entry) => entry.isDirectory()).map(({ name }) => name);
const sources = readdirSync(ROOT, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(vue|ts)$/.test(name) && !name.endsWith(".test.ts"))
  .map((name) => ({ name, text: readFileSync(join(ROOT, name), "utf8") }));

function flat(texts: Texts, prefix: string): [string, string][] {
  return Object.entries(texts).flatMap(([name, value]) => (typeof value === "string" ? [[`${prefix}.${name}`, value] as [string, string]] : flat(value, `${prefix}.${name}`)));
}

function catalogue(language: string): Map<string, string> {
  return new Map(
    folders.flatMap((folder) => {
      try {
        return flat(JSON.parse(readFileSync(join(ROOT, folder, "messages", `${language}.json`), "utf8")) as Texts, folder);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "ENOENT") return [];
        throw error;
      }
    }),
  );
}

const english = catalogue("en");
const german = catalogue("de");

/** Every name of a text in quotes, and the patterns of those put together, such as `roles.${role}`. */
const quoted = sources.flatMap(({ name, text }) => [...text.matchAll(/["'`]((?:[\w-]+\.)+[\w-]+)["'`]/g)].map((match) => ({ file: name, key: match[1] ?? "" })));
const patterns = sources.flatMap(({ text }) =>
  [...text.matchAll(/`([a-z]\w*\.(?:[^`\s]*)\$\{[^`\s]*)`/g)].map((match) => {
    const parts = (match[1] ?? "").split(/\$\{[^}]*\}/).map((part) => part.replace(/[.]/g, "\\."));
    return new RegExp(`^${parts.join("[\\w-]+")}$`);
  }),
);

it("both catalogues have the same texts, with the same placeholders", () => {
  expect([...german.keys()].sort()).toEqual([...english.keys()].sort());
  const holes = (text = ""): string[] => [...new Set([...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? ""))].sort();
  for (const [key, text] of english) expect({ key, holes: holes(german.get(key)) }).toEqual({ key, holes: holes(text) });
});

it("no text is empty", () => {
  for (const [key, text] of [...english, ...german]) expect({ key, isEmpty: text.trim() === "" }).toEqual({ key, isEmpty: false });
});

it("every text that the code asks for is there", () => {
  const missing = sources.flatMap(({ name, text }) =>
    [...text.matchAll(/\bt\(\s*["']([^"']+)["']/g)].map((match) => match[1] ?? "").filter((key) => !english.has(key)).map((key) => `${name}: ${key}`),
  );
  expect(missing).toEqual([]);
});

it("every text is asked for", () => {
  const asked = new Set(quoted.map(({ key }) => key));
  const unused = [...english.keys()].filter((key) => !asked.has(key) && !patterns.some((pattern) => pattern.test(key)));
  expect(unused).toEqual([]);
});

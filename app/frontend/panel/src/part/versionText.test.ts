import { afterEach, expect, it } from "vitest";
import { speak } from "../i18n.ts";
import { wayOf, whatOf, type Version } from "./versionText.ts";

afterEach(() => speak("en"));

const said = (kind: Version["kind"], fields: Record<string, number> | null = {}) => whatOf({ kind, fields, change_summary: "Merged with part 5" });
const way = (source: Version["source"], more: Partial<Version> = {}) => wayOf({ source, restored_from: null, import_id: null, ...more });

it("says which fields changed, the counted ones last, in the reader's language", async () => {
  const fields = { images: 1, description: 1, specifications: 2, category_id: 1 };
  expect(said("changed", fields)).toBe("Changed description, category, 2 specifications, and 1 picture");
  await speak("de");
  expect(said("changed", fields)).toBe("Geändert: Beschreibung, Kategorie, 2 Merkmale und 1 Bild");
  expect(said("unarchived")).toBe("Aus dem Archiv geholt");
});

it("a field of a newer release is named as it is, and what an older one wrote is left in its words", () => {
  expect(said("changed", { weight: 1 })).toBe("Changed weight");
  expect([said("changed"), said("created"), said(null, null)]).toEqual(["Changed", "Created", "Merged with part 5"]);
});

it("says by which way it came", () => {
  expect([way("panel"), way("import", { import_id: 3 }), way("restore", { restored_from: 3 }), way("undo", { import_id: 12 }), way(null)]).toEqual(
    ["panel", "import", "restored from 3", "undo of import 12", ""],
  );
});

import { describe, expect, it } from "vitest";
import { changed, ORDER, rebase, resolve, takeBack, untouched, type Edited, type Fields } from "./merge.ts";
import { fromRows, moved, pastedRows, rowsOf, specificationFields, type SpecificationRow } from "./rows.ts";

const ANA = { id: 2, name: "Ana", at: "2026-01-01T00:00:00Z" };
const BEA = { id: 3, name: "Bea", at: "2026-01-02T00:00:00Z" };
const seen: Fields = { name: "Bolt", sku: "B-1", text: "Old" };
const typing = (values: Fields): Edited => ({ ...untouched(1, seen), values: { ...seen, ...values } });

describe("fields", () => {
  it("takes over what only they changed, and tells of it", () => {
    const { edited, news } = rebase(typing({ sku: "B-2" }), 2, { ...seen, name: "Nut" }, ANA);
    expect(edited).toEqual({ version: 2, base: { ...seen, name: "Nut" }, values: { name: "Nut", sku: "B-2", text: "Old" }, clashes: {} });
    expect(news).toEqual([{ key: "name", before: "Bolt", after: "Nut", ...ANA }]);
    expect(changed(edited)).toEqual(["sku"]);
  });

  it("keeps what both changed as it was typed, until it is decided", () => {
    const { edited, news } = rebase(typing({ name: "Screw" }), 2, { ...seen, name: "Nut" }, ANA);
    expect(edited.values["name"]).toBe("Screw");
    expect(edited.base["name"]).toBe("Bolt");
    expect(edited.clashes).toEqual({ name: { theirs: "Nut", ...ANA } });
    expect(news).toEqual([]);
  });

  it("has no conflict when both say the same", () => {
    const { edited } = rebase(typing({ name: "Nut" }), 2, { ...seen, name: "Nut" }, ANA);
    expect(edited.clashes).toEqual({});
    expect(changed(edited)).toEqual([]);
  });

  it("shows the latest of two changes, and forgets a conflict that they took back", () => {
    const first = rebase(typing({ name: "Screw" }), 2, { ...seen, name: "Nut" }, ANA).edited;
    const again = rebase(first, 3, { ...seen, name: "Washer" }, BEA).edited;
    expect(again.clashes).toEqual({ name: { theirs: "Washer", ...BEA } });
    // Somebody else's change of another field does not make the conflict theirs.
    expect(rebase(first, 3, { ...seen, name: "Nut", sku: "B-9" }, BEA).edited.clashes["name"]?.name).toBe("Ana");
    expect(rebase(first, 3, seen, BEA).edited.clashes).toEqual({});
  });

  it("resolves field by field", () => {
    const { edited } = rebase(typing({ name: "Screw", text: "Mine" }), 2, { ...seen, name: "Nut", text: "Theirs" }, ANA);
    const half = resolve(edited, { name: "theirs" });
    expect(Object.keys(half.clashes)).toEqual(["text"]);
    const whole = resolve(half, { text: "yours" });
    expect(whole.clashes).toEqual({});
    expect(whole.values).toEqual({ name: "Nut", sku: "B-1", text: "Mine" });
    expect(changed(whole)).toEqual(["text"]);
  });

  it("takes back what was taken over, as a change of mine", () => {
    const { edited, news } = rebase(typing({}), 2, { ...seen, name: "Nut" }, ANA);
    const back = takeBack(edited, news[0] as NonNullable<(typeof news)[0]>);
    expect(back.values["name"]).toBe("Bolt");
    expect(changed(back)).toEqual(["name"]);
    // Not over something that was typed since.
    const typed = { ...edited, values: { ...edited.values, name: "Rivet" } };
    expect(takeBack(typed, news[0] as NonNullable<(typeof news)[0]>).values["name"]).toBe("Rivet");
  });
});

describe("rows", () => {
  const row = (name: string, value: string, group = "", unit = ""): SpecificationRow => ({ group, name, value, unit });
  const list = [row("Bore", "20"), row("Width", "14"), row("Material", "Steel")];
  const base = specificationFields(list);
  const names = (fields: Fields): string[] => rowsOf<SpecificationRow>(fields).map(({ name, value }) => `${name} ${value}`);
  const edit = (change: (rows: ReturnType<typeof rowsOf<SpecificationRow>>) => ReturnType<typeof rowsOf<SpecificationRow>>): Edited => ({ ...untouched(1, base), values: fromRows(change(rowsOf<SpecificationRow>(base))) });

  it("merges a change of one row with a change of another, and with a new one", () => {
    const mine = edit((rows) => rows.map((one) => (one.name === "Bore" ? { ...one, value: "25" } : one)));
    const { edited } = rebase(mine, 2, specificationFields([...list.slice(0, 1), row("Width", "15"), ...list.slice(2), row("Colour", "red")]), ANA);
    expect(edited.clashes).toEqual({});
    expect(names(edited.values)).toEqual(["Bore 25", "Width 15", "Material Steel", "Colour red"]);
  });

  it("keeps my order, and puts what they added at the end", () => {
    const { edited } = rebase(edit((rows) => moved(rows, 2, 0)), 2, specificationFields([...list, row("Colour", "red")]), ANA);
    expect(names(edited.values)).toEqual(["Material Steel", "Bore 20", "Width 14", "Colour red"]);
    expect(changed(edited)).toEqual([ORDER]);
  });

  it("takes over their order if I moved nothing", () => {
    const { edited } = rebase(edit((rows) => rows), 2, specificationFields([...list].reverse()), ANA);
    expect(names(edited.values)).toEqual(["Material Steel", "Width 14", "Bore 20"]);
    expect(changed(edited)).toEqual([]);
  });

  it("has a conflict between a row that I changed and its removal, and either can win", () => {
    const mine = edit((rows) => rows.map((one) => (one.name === "Bore" ? { ...one, value: "25" } : one)));
    const { edited } = rebase(mine, 2, specificationFields(list.slice(1)), ANA);
    const [key = ""] = Object.keys(edited.clashes);
    expect(edited.clashes[key]?.theirs).toBeUndefined();
    expect(names(resolve(edited, { [key]: "theirs" }).values)).toEqual(["Width 14", "Material Steel"]);
    expect(names(resolve(edited, { [key]: "yours" }).values).sort()).toEqual(["Bore 25", "Material Steel", "Width 14"]);
  });

  it("removes what they removed, and brings it back on request", () => {
    const { edited, news } = rebase(edit((rows) => rows), 2, specificationFields(list.slice(1)), ANA);
    expect(names(edited.values)).toEqual(["Width 14", "Material Steel"]);
    expect(names(takeBack(edited, news[0] as NonNullable<(typeof news)[0]>).values).sort()).toEqual(["Bore 20", "Material Steel", "Width 14"]);
  });

  it("reads a table from a spreadsheet", () => {
    expect(pastedRows("Bore\t20\tmm\r\nWidth\t14\r\n\r\n")).toEqual([row("Bore", "20", "", "mm"), row("Width", "14")]);
    expect(pastedRows("Size\tBore\t20\tmm")).toEqual([row("Bore", "20", "Size", "mm")]);
  });
});

import { describe, expect, it } from "vitest";
import { compare, items, partner, plain, type Specification } from "./compare.ts";
import { wordsOf } from "./words.ts";

const spec = (name: string, value = "1", group = ""): Specification => ({ name, value, unit: "mm", group });
const ways = (old: Specification[], next: Specification[]): [string, string][] => items(old, next, ({ group, name }) => `${group}/${name}`).map(({ key, way }) => [key, way]);

describe("items", () => {
  it("are paired by their names: changed, added, removed where they were", () => {
    expect(ways([spec("a"), spec("b"), spec("c")], [spec("a"), spec("c", "2"), spec("d")])).toEqual([["/a", "same"], ["/b", "removed"], ["/c", "changed"], ["/d", "added"]]);
  });

  it("that stand elsewhere are moved, as few of them as possible", () => {
    expect(ways([spec("a"), spec("b"), spec("c"), spec("d")], [spec("d"), spec("a"), spec("b"), spec("c")])).toEqual([["/d", "moved"], ["/a", "same"], ["/b", "same"], ["/c", "same"]]);
  });

  it("of the same name in another group are others; of two that are called the same, the second goes with the second", () => {
    expect(ways([spec("a", "1", "x")], [spec("a", "1", "y")])).toEqual([["x/a", "removed"], ["y/a", "added"]]);
    expect(ways([spec("a", "1"), spec("a", "2")], [spec("a", "1"), spec("a", "3")]).map(([, way]) => way)).toEqual(["same", "changed"]);
  });

  it("that are all gone stay in their order", () => {
    expect(ways([spec("a"), spec("b"), spec("c")], [])).toEqual([["/a", "removed"], ["/b", "removed"], ["/c", "removed"]]);
  });
});

describe("two versions", () => {
  it("differ in fields, the category by its path, and an archived part is archived whatever its status", () => {
    const path = (name: string) => ({ path: [{ name: "Bearings" }, { name }] });
    const found = compare({ part_name: "A", status: "draft", category: path("Ball") }, { part_name: "A", status: "draft", archived: true, category: path("Roller") });
    expect(found.scalars.filter(({ differs }) => differs)).toEqual([
      { field: "status", old: "draft", new: "archived", differs: true },
      { field: "category", old: "Bearings / Ball", new: "Bearings / Roller", differs: true },
    ]);
    expect(found.differs).toBe(true);
  });

  it("of which one is of an older release with fewer fields are compared by what there is", () => {
    expect(compare({ part_name: "A" }, { part_name: "A", manufacturer: null, specifications: [], images: [] }).differs).toBe(false);
  });

  it("that are the same do not differ", () => {
    const one = { part_name: "A", description: "<p>x</p>", specifications: [spec("a")] };
    expect(compare(one, structuredClone(one)).differs).toBe(false);
  });
});

it("rich text becomes a line for each block", () => {
  expect(plain("<p>One <strong>two</strong></p><ul><li>three</li><li>four &amp; five</li></ul>")).toBe("One two\nthree\nfour & five");
  expect(plain("a<br>b")).toBe("a\nb");
});

it("texts are compared by words, and join to the old and the new one", () => {
  const pieces = wordsOf("a steel cage, open", "a brass cage, open on both sides");
  expect(pieces.filter(({ way }) => way !== "added").map(({ text }) => text).join("")).toBe("a steel cage, open");
  expect(pieces.filter(({ way }) => way !== "removed").map(({ text }) => text).join("")).toBe("a brass cage, open on both sides");
  expect(pieces).toContainEqual({ text: "steel", way: "removed" });
});

it("a version stands beside the one before it that is kept", () => {
  expect(partner([9, 7, 4, 1], 7)).toBe(4);
  expect(partner([9, 7, 4, 1], 1)).toBeNull();
});

import { publicPart } from "@lockstep/shared/live/fixtures.ts";
import { fromPublicPart, type LivePart } from "@lockstep/shared/live/state.ts";
import { expect, it } from "vitest";
import { comparison, readIds } from "./rows.ts";

function part(id: number, ...specifications: [name: string, value: string, unit?: string, group?: string][]): LivePart {
  return fromPublicPart({ ...publicPart(id), specifications: specifications.map(([name, value, unit = "", group = ""]) => ({ name, value, unit, group })) });
}

const said = (...parts: (LivePart | null)[]) =>
  comparison(parts, [["sku", "SKU", (one) => one.content?.data.sku ?? null]], () => null, "Category")
    .map(({ group, name, values, differs }) => [group ? `${group}: ${name}` : name, ...values, differs]);

it("every property of any part is a row, in the order in which they come up, and what differs is marked", () => {
  expect(said(part(1, ["Bore", "20", "mm", "Size"], ["Seal", "2RS"]), part(2, ["Seal", "2rs"], ["Bore", "17", "mm", "Size"], ["Cage", "Steel"]))).toEqual([
    ["SKU", "SKU-1", "SKU-2", true],
    ["Size: Bore", "20\u00a0mm", "17\u00a0mm", true],
    ["Seal", "2RS", "2rs", false],
    ["Cage", null, "Steel", true],
  ]);
});

it("a part of which nothing is known makes no difference", () => {
  expect(said(part(1, ["Seal", "2RS"]), null)).toEqual([["SKU", "SKU-1", null, false], ["Seal", "2RS", null, false]]);
});

it.each([
  ["1,2", [1, 2], false], ["3,1,3", [3, 1], false], ["1,2,3,4,5", [1, 2, 3, 4], true], ["0,-1,x,1e3, 7", [7], false], ["", [], false], [undefined, [], false], [["1", "2"], [], false],
])("%j asks for %j", (query, ids, isTooMany) => expect(readIds(query, 4)).toEqual({ ids, isTooMany }));

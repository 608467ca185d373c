import { expect, it } from "vitest";
import { motifFor } from "./motifs.ts";

function category(...slugs: string[]) {
  const path = slugs.map((slug, index) => ({ id: index + 1, name: slug, slug }));
  return { id: 1, name: "", slug: "", ...path.at(-1), path };
}

it("a drawing follows the nearest category that says what the thing is, its tint the main category", () => {
  const bearing = motifFor(category("bearings", "deep-groove-ball-bearings", "series-160"));
  expect(bearing).toEqual(motifFor(category("bearings")));
  const ring = motifFor(category("shaft-components", "retaining-rings"));
  const pin = motifFor(category("shaft-components", "dowel-pins"));
  expect(ring.paths).not.toEqual(pin.paths);
  expect(ring.hue).toBe(pin.hue);
});

it("every part has one, whatever its category", () => {
  for (const one of [null, category(), category("odds-and-ends")]) expect(motifFor(one).paths.length).toBeGreaterThan(0);
});

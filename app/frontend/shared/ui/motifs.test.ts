import { expect, it } from "vitest";
import { kindOf, motifFor } from "./motifs.ts";

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

it.each([
  ["bearings deep-groove-ball-bearings series-62", "bearing"],
  ["bearings thrust-ball-bearings series-511", "thrustBearing"],
  ["fasteners screws-and-bolts hexagon-bolts", "bolt"],
  ["fasteners screws-and-bolts hexagon-screws", "bolt"],
  ["fasteners screws-and-bolts socket-head-cap-screws", "socketScrew"],
  ["fasteners screws-and-bolts countersunk-screws", "countersunkScrew"],
  ["fasteners screws-and-bolts button-head-screws", "buttonScrew"],
  ["fasteners screws-and-bolts set-screws", "setScrew"],
  ["fasteners nuts thin-nuts", "nut"],
  ["fasteners nuts lock-nuts", "lockNut"],
  ["fasteners washers plain-washers", "washer"],
  ["seals o-rings cross-section-2-62-mm", "oRing"],
  ["seals rotary-shaft-seals type-a-nbr", "seal"],
  ["shaft-components retaining-rings din-471-for-shafts", "retainingRing"],
  ["shaft-components retaining-rings din-472-for-bores", "boreRing"],
  ["shaft-components dowel-pins", "pin"],
  ["shaft-components split-pins", "splitPin"],
  ["shaft-components parallel-keys section-10-x-8-mm", "key"],
  ["power-transmission v-belts section-spa", "belt"],
  ["power-transmission timing-belts pitch-8m", "timingBelt"],
  ["odds-and-ends spindles", "flange"],
  ["", "flange"],
])("the demo catalog's %s are drawn as a %s, whatever is not known as a flange", (slugs, kind) => {
  expect(kindOf(slugs.split(" "))).toBe(kind);
});

it("every part has one, whatever its category", () => {
  for (const one of [null, category(), category("odds-and-ends")]) expect(motifFor(one).paths.length).toBeGreaterThan(0);
});

/**
 * Line drawings that stand in for a picture: of the kind of thing, where the category's
 * words tell it, else any; one tint for each main category. The same part always gets the same.
 */
import type { PartCategory } from "@lockstep/shared/types.ts";

const X = 100;
const Y = 75;

function point(radius: number, angle: number): string {
  return `${(X + radius * Math.cos(angle)).toFixed(1)} ${(Y + radius * Math.sin(angle)).toFixed(1)}`;
}

function circle(radius: number, x = X, y = Y): string {
  return `M${(x - radius).toFixed(1)} ${y.toFixed(1)}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0z`;
}

function hexagon(radius: number): string {
  return `M${Array.from({ length: 6 }, (_, i) => point(radius, (Math.PI * i) / 3)).join("L")}z`;
}

function balls(count: number, distance: number, radius: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * i) / count - Math.PI / 2;
    return circle(radius, X + distance * Math.cos(angle), Y + distance * Math.sin(angle));
  });
}

function gear(teeth: number, outer: number, inner: number): string {
  const points: string[] = [];
  for (let i = 0; i < teeth; i += 1) {
    for (const [share, radius] of [[0, inner], [0.22, outer], [0.5, outer], [0.72, inner]] as const) {
      points.push(point(radius, (2 * Math.PI * (i + share)) / teeth));
    }
  }
  return `M${points.join("L")}z`;
}

const MOTIFS = {
  bearing: [circle(46), circle(33), circle(16), ...balls(9, 24.5, 6)],
  nut: [hexagon(46), circle(29), circle(22)],
  bolt: ["M86 25h28l5 18H81z", "M87 43h26v66l-6 8H93l-6-8z", ...[66, 75, 84, 93, 102].map((y) => `M87 ${y + 4}l26-6`)],
  washer: [circle(44), circle(22)],
  seal: [circle(46), circle(40), circle(27), circle(21)],
  ring: ["M92 40a36 36 0 1 0 16 0l-3-9a45 45 0 1 1-10 0z", circle(2.5, 96.5, 36.5), circle(2.5, 103.5, 36.5)],
  pin: ["M50 62h94q8 0 8 13t-8 13H50q-4 0-4-13t4-13z", "M54 62v26M140 62v26"],
  key: ["M66 58h68a17 17 0 0 1 0 34H66a17 17 0 0 1 0-34z", "M66 65h68a10 10 0 0 1 0 20H66a10 10 0 0 1 0-20z"],
  belt: ["M70 41h60a34 34 0 0 1 0 68H70a34 34 0 0 1 0-68z", "M70 49h60a26 26 0 0 1 0 52H70a26 26 0 0 1 0-52z", circle(15, 70), circle(15, 130), circle(4, 70), circle(4, 130)],
  gear: [gear(12, 46, 36), circle(22), circle(8)],
  disc: [circle(46), circle(20), circle(8), ...balls(5, 33, 5)],
  filter: ["M64 40h72v70H64z", ...[74, 84, 94, 104, 114, 124].map((x) => `M${x} 46v58`), "M58 34h84v6H58zM58 110h84v6H58z"],
  spring: [...[0, 1, 2, 3, 4, 5].map((i) => `M68 ${48 + i * 11}a32 9 6 1 0 64 0a32 9 6 1 0 -64 0z`), "M66 32h68M66 118h68"],
} as const satisfies Record<string, readonly string[]>;

/** The nearest category's words count first; of one category, the first that fits. */
const WORDS: readonly [RegExp, keyof typeof MOTIFS][] = [
  [/bearing/, "bearing"],
  [/bolt|screw|stud|thread/, "bolt"],
  [/washer|shim/, "washer"],
  [/nut|fasten/, "nut"],
  [/retaining|circlip|snap/, "ring"],
  [/seal|o-ring|gasket/, "seal"],
  [/pin|axle/, "pin"],
  [/key/, "key"],
  [/belt|chain|pulley/, "belt"],
  [/gear|sprocket|transmission|clutch/, "gear"],
  [/brake|disc|wheel/, "disc"],
  [/filter|cooler|radiator/, "filter"],
  [/spring|coil|damper/, "spring"],
];

/** A small hash: its spread matters, not its strength (FNV-1a). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}

export function motifFor(category: PartCategory | null): { paths: readonly string[]; hue: number } {
  const slugs = category ? (category.path.length > 0 ? category.path : [category]).map(({ slug }) => slug) : [];
  return { paths: MOTIFS[kindOf(slugs)], hue: hash(slugs[0] ?? "") % 360 };
}

function kindOf(slugs: readonly string[]): keyof typeof MOTIFS {
  for (const slug of [...slugs].reverse()) {
    const found = WORDS.find(([word]) => word.test(slug));
    if (found) return found[1];
  }
  const kinds = Object.keys(MOTIFS) as (keyof typeof MOTIFS)[];
  return kinds[hash(slugs[0] ?? "") % kinds.length] ?? "gear";
}

/**
 * Line drawings used in place of a picture: of the kind of part, if the words of its category
 * tell, else a flange; one tint for each main category. The same category always gets the same drawing.
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

/** A timing belt's teeth, along its upper and lower run. */
function teeth(left: number, right: number, radius: number, count: number): string[] {
  const step = (right - left) / count;
  return Array.from({ length: count }, (_, i) => left + step * (i + 0.5)).map((x) => `M${x - 2.5} ${Y - radius}v5h5v-5M${x - 2.5} ${Y + radius}v-5h5v5`);
}

/** A ring that is open at the top, with a lug at each end, outside (1) or inside (-1) the ring. */
function openRing(side: 1 | -1): string[] {
  const [outer, inner, eyes] = [44, 35, side === 1 ? 45 : 34];
  const gap = 0.2;
  const at = (radius: number, angle: number) => point(radius, angle - Math.PI / 2);
  return [
    `M${at(outer, gap)}A${outer} ${outer} 0 1 1 ${at(outer, -gap)}L${at(inner, -gap)}A${inner} ${inner} 0 1 0 ${at(inner, gap)}z`,
    ...[-1, 1].flatMap((end) => {
      const angle = end * (gap + 0.06) - Math.PI / 2;
      const [x, y] = [X + eyes * Math.cos(angle), Y + eyes * Math.sin(angle)];
      return [circle(7.5, x, y), circle(3, x, y)];
    }),
  ];
}

/** A shank with its thread, from its head down to its chamfered end. */
function shank(top: number, from = top + 14): string[] {
  const turns = Array.from({ length: Math.floor((122 - from) / 8) }, (_, i) => `M88 ${from + 4 + i * 8}l24-4`);
  return [`M88 ${top}h24v44V122l-5 6H93l-5-6z`, ...turns];
}

const MOTIFS = {
  bearing: [circle(46), circle(36), circle(22), circle(14), ...balls(9, 29, 6)],
  thrustBearing: ["M48 45h104v15H48z", "M48 90h104v15H48z", ...[61, 87, 113, 139].map((x) => circle(12, x))],
  nut: [hexagon(46), circle(37), circle(25), circle(20)],
  lockNut: [hexagon(46), circle(38), circle(31), circle(20), circle(16)],
  bolt: [...shank(42), "M74 24h52v18H74z", "M87 24v18M113 24v18"],
  socketScrew: [...shank(50), "M78 22h44v28H78z", "M90 22v14h20V22"],
  countersunkScrew: [...shank(44, 50), "M68 22h64l-20 22H88z", "M92 22v9h16v-9"],
  buttonScrew: [...shank(42), "M74 42c0-12 10-20 26-20s26 8 26 20z", "M91 23v9h18v-9"],
  setScrew: [...shank(28, 38), "M93 28v10h14V28"],
  washer: [circle(44), circle(22)],
  oRing: [circle(46), circle(38), circle(30)],
  seal: [circle(46), circle(39), circle(27), circle(22), circle(19)],
  retainingRing: openRing(1),
  boreRing: openRing(-1),
  pin: ["M54 60h92q8 0 8 15t-8 15H54q-8 0-8-15t8-15z", "M54 60v30M146 60v30"],
  splitPin: ["M76 68h78v7H76M76 82h66v-7", "M79 68C70 56 46 58 46 75s24 19 33 7l-5-5c-6 7-19 6-19-2s13-9 19-2z"],
  key: ["M66 56h68a19 19 0 0 1 0 38H66a19 19 0 0 1 0-38z", "M66 62h68a13 13 0 0 1 0 26H66a13 13 0 0 1 0-26z"],
  belt: ["M66 45L136 53a22 22 0 0 1 0 44L66 105a30 30 0 0 1 0-60z", "M66 51L136 58a17 17 0 0 1 0 34L66 99a24 24 0 0 1 0-48z", circle(18, 66), circle(11, 136), circle(5, 66), circle(4, 136)],
  timingBelt: ["M68 47h64a28 28 0 0 1 0 56H68a28 28 0 0 1 0-56z", "M68 53h64a22 22 0 0 1 0 44H68a22 22 0 0 1 0-44z", ...teeth(68, 132, 22, 6), circle(13, 68), circle(13, 132), circle(4, 68), circle(4, 132)],
  gear: [gear(12, 46, 36), circle(22), circle(8)],
  filter: ["M64 40h72v70H64z", ...[74, 84, 94, 104, 114, 124].map((x) => `M${x} 46v58`), "M58 34h84v6H58zM58 110h84v6H58z"],
  spring: [...[0, 1, 2, 3, 4, 5].map((i) => `M68 ${48 + i * 11}a32 9 6 1 0 64 0a32 9 6 1 0 -64 0z`), "M66 32h68M66 118h68"],
  flange: [circle(46), circle(18), circle(10), ...balls(6, 32, 5)],
} as const satisfies Record<string, readonly string[]>;

/** The squared paper behind every drawing, and its axes. */
export const GRID = "M0 25h200M0 50h200M0 75h200M0 100h200M0 125h200M25 0v150M50 0v150M75 0v150M100 0v150M125 0v150M150 0v150M175 0v150";
export const AXES = "M32 75h136M100 12v126";

type Motif = keyof typeof MOTIFS;

/** The innermost category is tried first; within one category, the first pattern that matches wins. */
const WORDS: readonly [RegExp, Motif][] = [
  [/\bthrust\b.*\bbearings?\b/, "thrustBearing"],
  [/\bbearings?\b/, "bearing"],
  [/\b(set|grub)-screws?\b/, "setScrew"],
  [/\bcountersunk\b/, "countersunkScrew"],
  [/\bbutton-head\b/, "buttonScrew"],
  [/\bsocket-head\b/, "socketScrew"],
  [/\b(bolts?|screws?|studs?|fasteners?)\b/, "bolt"],
  [/\b(washers?|shims?)\b/, "washer"],
  [/\block-?nuts?\b/, "lockNut"],
  [/\bnuts?\b/, "nut"],
  [/\bdin-472\b/, "boreRing"],
  [/\b(retaining|snap)-rings?\b|\bcirclips?\b/, "retainingRing"],
  [/\bo-rings?\b|\bgaskets?\b/, "oRing"],
  [/\bseals?\b/, "seal"],
  [/\b(split|cotter)-pins?\b/, "splitPin"],
  [/\b(pins?|axles?)\b/, "pin"],
  [/\bkeys?\b/, "key"],
  [/\b(timing|toothed|synchronous)-belts?\b/, "timingBelt"],
  [/\b(belts?|chains?|pulleys?)\b/, "belt"],
  [/\b(gears?|sprockets?)\b/, "gear"],
  [/\b(filters?|coolers?|radiators?)\b/, "filter"],
  [/\b(springs?|coils?|dampers?)\b/, "spring"],
];

/** A small hash (FNV-1a): it needs to spread well, not to be strong. */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}

export function motifFor(category: PartCategory | null): { paths: readonly string[]; hue: number } {
  const slugs = category ? (category.path.length > 0 ? category.path : [category]).map(({ slug }) => slug) : [];
  return { paths: MOTIFS[kindOf(slugs)], hue: hash(slugs[0] ?? "") % 360 };
}

export function kindOf(slugs: readonly string[]): Motif {
  for (const slug of [...slugs].reverse()) {
    const found = WORDS.find(([word]) => word.test(slug));
    if (found) return found[1];
  }
  return "flange";
}

/** @returns everything that it takes to draw the same elsewhere: the server's first HTML does (app/api/site/drawings.py). */
export function drawings() {
  return { motifs: MOTIFS, usual: kindOf([]), words: WORDS.map(([word, motif]) => [word.source, motif]), grid: GRID, axes: AXES };
}

/** Line drawings that stand in for a picture. A category always gets the same one, in the same tint. */

function polygon(corners: number, radius: number, turn = 0): string {
  const points = Array.from({ length: corners }, (_, i) => {
    const angle = (2 * Math.PI * i) / corners + turn;
    return `${(100 + radius * Math.cos(angle)).toFixed(1)} ${(75 + radius * Math.sin(angle)).toFixed(1)}`;
  });
  return `M${points.join("L")}z`;
}

function circle(radius: number, x = 100, y = 75): string {
  return `M${x - radius} ${y}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0z`;
}

function ring(count: number, distance: number, radius: number): string[] {
  return Array.from({ length: count }, (_, i) => {
    const angle = (2 * Math.PI * i) / count - Math.PI / 2;
    return circle(radius, 100 + distance * Math.cos(angle), 75 + distance * Math.sin(angle));
  });
}

function gear(teeth: number, outer: number, inner: number): string {
  const points: string[] = [];
  for (let i = 0; i < teeth; i += 1) {
    for (const [share, radius] of [[0, inner], [0.22, outer], [0.5, outer], [0.72, inner]] as const) {
      const angle = (2 * Math.PI * (i + share)) / teeth;
      points.push(`${(100 + radius * Math.cos(angle)).toFixed(1)} ${(75 + radius * Math.sin(angle)).toFixed(1)}`);
    }
  }
  return `M${points.join("L")}z`;
}

const MOTIFS: string[][] = [
  [gear(12, 46, 36), circle(22), circle(8)],
  [polygon(6, 44), circle(29), circle(16)],
  [circle(46), circle(33), circle(16), ...ring(9, 24.5, 6)],
  [circle(46), circle(18), circle(7), ...ring(5, 31, 5.5)],
  [
    "M62 40h76v70H62z",
    ...[72, 82, 92, 102, 112, 122].map((x) => `M${x} 47v56l6-6V53z`),
    "M56 34h88v6H56zM56 110h88v6H56z",
  ],
  [
    ...[0, 1, 2, 3, 4, 5].map((i) => `M68 ${48 + i * 11}a32 9 6 1 0 64 0a32 9 6 1 0 -64 0z`),
    "M66 32h68M66 118h68",
  ],
  ["M88 30h24l6 16H82z", "M86 46h28v58l-14 16-14-16z", ...[58, 68, 78, 88, 98].map((y) => `M84 ${y + 3}l32-7`)],
  ["M58 75a42 42 0 0 1 84 0v22h-18V75a24 24 0 0 0-48 0v22H58z", "M58 88h18M124 88h18"],
];

/** A small hash: its spread matters, not its strength (FNV-1a). */
function hash(text: string): number {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i += 1) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193) >>> 0;
  return value;
}

export function motifFor(category: string): { paths: readonly string[]; hue: number } {
  const number = hash(category);
  return { paths: MOTIFS[number % MOTIFS.length] ?? [], hue: (number >>> 8) % 360 };
}

/**
 * Says what logging in and the stock grid load of the panel, by Brotli, and fails if that is more than a phone on a slow line
 * should wait for. Run by `npm run build`, after the compressed copies have been written. Takes Vite's manifest away, which is
 * of no use to anybody else.
 */
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const LIMIT = 150_000;
const DIST = fileURLToPath(new URL("../dist/panel", import.meta.url));
const manifest = JSON.parse(readFileSync(join(DIST, ".vite/manifest.json"), "utf8"));

const files = new Set();
function add(name) {
  const chunk = manifest[name];
  if (files.has(chunk.file)) return;
  files.add(chunk.file);
  for (const style of chunk.css ?? []) files.add(style);
  for (const other of chunk.imports ?? []) add(other);
}
for (const name of ["index.html", "src/stock/StockPage.vue"]) add(name);

function size(file) {
  // Small files have no compressed copy.
  for (const suffix of [".br", ""]) {
    const found = statSync(join(DIST, file + suffix), { throwIfNoEntry: false });
    if (found) return found.size;
  }
  throw new Error(`${file} is not there`);
}

rmSync(join(DIST, ".vite"), { recursive: true });

const sizes = [...files].map((file) => [size(file), file]).sort(([one], [other]) => other - one);
const total = sizes.reduce((sum, [bytes]) => sum + bytes, 0);
if (process.argv.includes("--all") || total > LIMIT) for (const [bytes, file] of sizes) console.log(String(bytes).padStart(7), file);
console.log(`Logging in and the stock grid load ${Math.round(total / 1000)} kB, compressed by Brotli.`);
if (total > LIMIT) {
  console.error(`That is more than ${LIMIT / 1000} kB: load what is not needed at once later.`);
  process.exit(1);
}

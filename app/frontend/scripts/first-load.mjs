/**
 * Says what the first load of each app takes, by Brotli, and fails if that is more than a phone on a slow line should wait for.
 * Run by `npm run build`, after the compressed copies have been written. Takes Vite's manifests away, which are of no use to
 * anybody else.
 */
import { readFileSync, rmSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const DIST = fileURLToPath(new URL("../dist", import.meta.url));
const page = (name) => ["index.html", `src/pages/${name}.vue`];
const LOADS = [
  { app: "panel", what: "Logging in and the stock grid", modules: ["index.html", "src/stock/StockPage.vue"], limit: 150_000 },
  // Of the site's pages the server's HTML is there already, so what counts is the script.
  { app: "web", what: "The home page's script", modules: page("HomePage"), limit: 60_000, kind: ".js" },
  { app: "web", what: "A list's script", modules: page("CatalogPage"), limit: 60_000, kind: ".js" },
  { app: "web", what: "A part's script", modules: page("PartPage"), limit: 60_000, kind: ".js" },
];

function filesOf(manifest, modules) {
  const files = new Set();
  const add = (name) => {
    const chunk = manifest[name];
    if (files.has(chunk.file)) return;
    files.add(chunk.file);
    for (const style of chunk.css ?? []) files.add(style);
    for (const other of chunk.imports ?? []) add(other);
  };
  modules.forEach(add);
  return [...files];
}

function size(path) {
  // Small files have no compressed copy.
  for (const suffix of [".br", ""]) {
    const found = statSync(path + suffix, { throwIfNoEntry: false });
    if (found) return found.size;
  }
  throw new Error(`${path} is not there`);
}

const kB = (bytes) => (bytes / 1000).toFixed(1);
let isTooMuch = false;
for (const { app, what, modules, limit, kind = "" } of LOADS) {
  const manifest = JSON.parse(readFileSync(join(DIST, app, ".vite/manifest.json"), "utf8"));
  const sizes = filesOf(manifest, modules)
    .filter((file) => file.endsWith(kind))
    .map((file) => [size(join(DIST, app, file)), file])
    .sort(([one], [other]) => other - one);
  const total = sizes.reduce((sum, [bytes]) => sum + bytes, 0);
  if (process.argv.includes("--all") || total > limit) for (const [bytes, file] of sizes) console.log(String(bytes).padStart(7), file);
  console.log(`${what}: ${kB(total)} kB, compressed by Brotli.`);
  if (total <= limit) continue;
  console.error(`That is more than ${kB(limit)} kB: load what is not needed at once later.`);
  isTooMuch = true;
}

for (const app of new Set(LOADS.map(({ app }) => app))) rmSync(join(DIST, app, ".vite"), { recursive: true });
if (isTooMuch) process.exit(1);

// Writes each built file that is text a second and a third time, as Brotli (.br) and gzip (.gz), where that is smaller:
// the web processes send what is there and compress no file themselves.
import { readdir, readFile, writeFile } from "node:fs/promises";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { brotliCompress, constants, gzip } from "node:zlib";

const TEXTS = new Set([".css", ".html", ".js", ".json", ".map", ".mjs", ".svg", ".txt", ".webmanifest", ".xml"]);
const CODINGS = {
  br: (data) =>
    promisify(brotliCompress)(data, { params: { [constants.BROTLI_PARAM_MODE]: constants.BROTLI_MODE_TEXT, [constants.BROTLI_PARAM_SIZE_HINT]: data.length } }),
  gz: (data) => promisify(gzip)(data, { level: constants.Z_BEST_COMPRESSION }),
};

const dist = fileURLToPath(new URL("../dist/", import.meta.url));
for (const entry of await readdir(dist, { recursive: true, withFileTypes: true })) {
  if (!entry.isFile() || !TEXTS.has(extname(entry.name))) continue;
  const path = join(entry.parentPath, entry.name);
  const data = await readFile(path);
  for (const [suffix, compress] of Object.entries(CODINGS)) {
    const coded = await compress(data);
    if (coded.length < data.length) await writeFile(`${path}.${suffix}`, coded);
  }
}

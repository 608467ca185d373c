/**
 * Gives dist/embed/embed.js a second address with its content in it, and says both in embed.json with the hash for subresource
 * integrity. Fails if what a page loads is more than 15 kB by Brotli.
 */
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";

const LIMIT = 15_000;
const DIST = fileURLToPath(new URL("../dist/embed", import.meta.url));
const script = readFileSync(join(DIST, "embed.js"));

const pinned = `assets/embed-${createHash("sha256").update(script).digest("hex").slice(0, 12)}.js`;
mkdirSync(join(DIST, "assets"), { recursive: true });
writeFileSync(join(DIST, pinned), script);
const integrity = `sha384-${createHash("sha384").update(script).digest("base64")}`;
writeFileSync(join(DIST, "embed.json"), `${JSON.stringify({ version: 1, script: "/embed/v1/embed.js", pinned: `/embed/v1/${pinned}`, integrity })}\n`);

const bytes = brotliCompressSync(script).length;
console.log(`embed.js is ${(bytes / 1000).toFixed(1)} kB, compressed by Brotli.`);
if (bytes > LIMIT) {
  console.error(`That is more than ${LIMIT / 1000} kB.`);
  process.exit(1);
}

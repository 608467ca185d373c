// Copies the parts of swagger-ui that the API documentation needs into dist/api-docs/,
// so that /api/v1/docs is served entirely from our own origin.
import { cp, mkdir, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const FILES = [
  "swagger-ui.css",
  "swagger-ui-bundle.js",
  "swagger-ui-standalone-preset.js",
  "favicon-32x32.png",
  "LICENSE",
];

const from = dirname(createRequire(import.meta.url).resolve("swagger-ui-dist/package.json"));
const to = fileURLToPath(new URL("../dist/api-docs/", import.meta.url));

await rm(to, { recursive: true, force: true });
await mkdir(to, { recursive: true });
await Promise.all(FILES.map((name) => cp(join(from, name), join(to, name))));

// Fails if a package that is built into the apps has a licence that nobody has agreed to. `make audit` runs it.

import { readFileSync } from "node:fs";

const AGREED = ["MIT", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "0BSD", "CC0-1.0", "MPL-2.0"];
// Its package.json says none; its LICENSE is MIT's.
const READ = ["node_modules/xmlhttprequest-ssl"];

const { packages } = JSON.parse(readFileSync(new URL("../package-lock.json", import.meta.url), "utf8"));
const others = Object.entries(packages)
  .filter(([path, { dev, link, license }]) => path.includes("node_modules/") && !dev && !link && !AGREED.includes(license) && !READ.includes(path))
  .map(([path, { license }]) => `${path}: ${license ?? "says no licence"}`);
if (others.length > 0) {
  console.error(`Not agreed to (AGREED in scripts/licences.mjs):\n  ${others.join("\n  ")}`);
  process.exit(1);
}

// Prints the path of a headless Chromium, unpacking it first if need be.
// The browser tests drive it with Playwright: executable_path=<this>, args=["--no-sandbox"].
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// By default the package unpacks into the temporary directory; ours stays in node_modules,
// so that two users of one machine do not collide in /tmp, and `npm ci` starts clean.
const cache = fileURLToPath(new URL("../node_modules/.cache/chromium/", import.meta.url));
mkdirSync(cache, { recursive: true });
process.env.TMPDIR = cache;

const { default: chromium, inflate } = await import("@sparticuz/chromium");
const executable = await chromium.executablePath();

// On a machine without NSS and related system libraries, use the package's own copies.
const lacksLibraries = execFileSync("ldd", [executable], { encoding: "utf8" }).includes("not found");
if (!lacksLibraries) {
  process.stdout.write(`${executable}\n`);
} else {
  const wrapper = join(cache, "chromium-with-libraries");
  if (!existsSync(wrapper)) {
    const bin = fileURLToPath(new URL("../node_modules/@sparticuz/chromium/bin/al2023.tar.br", import.meta.url));
    const libraries = join(await inflate(bin), "lib");
    writeFileSync(wrapper, `#!/bin/sh\nLD_LIBRARY_PATH='${libraries}' exec '${executable}' "$@"\n`, { mode: 0o755 });
  }
  process.stdout.write(`${wrapper}\n`);
}

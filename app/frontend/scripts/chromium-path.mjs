// Prints the path of a headless Chromium, unpacking it first if need be.
// The browser tests drive it with Playwright: executable_path=<this>, args=["--no-sandbox"].
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

// By default the package unpacks into the temporary directory; ours stays in node_modules,
// so that two users of one machine do not collide in /tmp, and `npm ci` starts clean.
const cache = fileURLToPath(new URL("../node_modules/.cache/", import.meta.url));
const unpacked = join(cache, "chromium-unpacked");
const executable = join(unpacked, "chromium");
const wrapper = join(unpacked, "chromium-with-libraries");

if (!existsSync(unpacked)) {
  mkdirSync(cache, { recursive: true });
  const directory = mkdtempSync(`${unpacked}-`);
  await unpackInto(directory);
  putInPlace(directory);
}
process.stdout.write(`${existsSync(wrapper) ? wrapper : executable}\n`);

async function unpackInto(directory) {
  process.env.TMPDIR = directory;
  const { default: chromium, inflate } = await import("@sparticuz/chromium");
  // On a machine without NSS and related system libraries, use the package's own copies.
  const lacksLibraries = execFileSync("ldd", [await chromium.executablePath()], { encoding: "utf8" }).includes("not found");
  if (lacksLibraries) {
    const bin = fileURLToPath(new URL("../node_modules/@sparticuz/chromium/bin/al2023.tar.br", import.meta.url));
    const libraries = (await inflate(bin)).replace(directory, unpacked);
    const script = `#!/bin/sh\nLD_LIBRARY_PATH='${join(libraries, "lib")}' exec '${executable}' "$@"\n`;
    writeFileSync(join(directory, "chromium-with-libraries"), script, { mode: 0o755 });
  }
}

// At once, so that nobody starts half of it: browser tests run two at a time, and each begins by asking for it.
function putInPlace(directory) {
  try {
    renameSync(directory, unpacked);
  } catch (error) {
    if (!existsSync(unpacked)) throw error;
    rmSync(directory, { recursive: true });
  }
}

// Fails if shared/api.gen.ts is not what openapi-typescript generates from ../../docs/openapi.json.
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "lockstep-api-"));
try {
  const fresh = join(scratch, "api.gen.ts");
  execFileSync("npx", ["--no-install", "openapi-typescript", "../../docs/openapi.json", "-o", fresh], { cwd: root, stdio: ["ignore", "ignore", "inherit"] });
  if (readFileSync(fresh, "utf8") !== readKept()) {
    console.error("shared/api.gen.ts does not match docs/openapi.json; run: npm run generate");
    process.exitCode = 1;
  }
} finally {
  rmSync(scratch, { recursive: true });
}

function readKept() {
  try {
    return readFileSync(join(root, "shared/api.gen.ts"), "utf8");
  } catch {
    return null;
  }
}

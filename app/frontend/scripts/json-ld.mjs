/**
 * `node scripts/json-ld.mjs PAGE…` checks the structured data (JSON-LD) of pages of HTML: that each type and property is one of
 * schema.org's (the types of schema-dts), and that search engines find what they require of products and breadcrumbs
 * (@adobe/structured-data-validator). Prints what is wrong; exit code 1 if anything is, or if a page has no structured data.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import Validator from "@adobe/structured-data-validator";
import WebAutoExtractor from "@marbec/web-auto-extractor";
import ts from "typescript";

const ROOT = fileURLToPath(new URL("..", import.meta.url));
const OPTIONS = { strict: true, noEmit: true, skipLibCheck: true, module: ts.ModuleKind.NodeNext, target: ts.ScriptTarget.ESNext };

const faults = [];
const described = [];
for (const file of process.argv.slice(2)) {
  const found = new WebAutoExtractor({ addLocation: true }).parse(readFileSync(file, "utf8"));
  const things = Object.values(found.jsonld ?? {}).flat();
  if (!things.length) faults.push(`${file}: has no structured data`);
  described.push(...things.map((thing) => ({ file, thing: withoutPlaces(thing) })));
  for (const issue of await new Validator().validate(found)) {
    // A warning is about what may be left out.
    if (issue.severity === "ERROR") faults.push(`${file}: ${issue.path.map((step) => step.type).join(" → ")}: ${issue.issueMessage}`);
  }
}
faults.push(...strangers());
for (const fault of faults) console.error(fault);
process.exitCode = faults.length ? 1 : 0;

/** Leaves out what the extractor adds: where it found something; and what an action takes and gives, which schema-dts types apart. */
function withoutPlaces(value) {
  if (Array.isArray(value)) return value.map(withoutPlaces);
  if (typeof value !== "object" || value === null) return value;
  const kept = Object.entries(value).filter(([name]) => !/^@(?:location|source)$|-(?:in|out)put$/.test(name));
  return Object.fromEntries(kept.map(([name, one]) => [name, withoutPlaces(one)]));
}

/** What TypeScript says of the descriptions as literals of their types. */
function strangers() {
  const name = join(ROOT, "described.ts");
  const text = described
    .map(({ thing }, number) => {
      const type = `import("schema-dts").${thing["@type"]}`;
      return `export const _${number}: import("schema-dts").WithContext<${type}> = ${JSON.stringify(thing)};`;
    })
    .join("\n");
  const host = ts.createCompilerHost(OPTIONS);
  const { getSourceFile, fileExists } = host;
  host.fileExists = (file) => file === name || fileExists(file);
  host.getSourceFile = (file, ...rest) => (file === name ? ts.createSourceFile(name, text, ts.ScriptTarget.ESNext) : getSourceFile(file, ...rest));
  const program = ts.createProgram([name], OPTIONS, host);
  return ts.getPreEmitDiagnostics(program).map(({ file, start, messageText }) => {
    const line = file && start !== undefined ? file.getLineAndCharacterOfPosition(start).line : undefined;
    const where = line === undefined ? "" : `${described[line]?.file}: `;
    return where + ts.flattenDiagnosticMessageText(messageText, " ").slice(0, 600);
  });
}

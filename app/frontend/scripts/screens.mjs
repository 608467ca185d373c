/**
 * Writes docs/screens.md: which screen of the panel makes which call of the API. `--check` only says whether it is up to date.
 * Fails if a call under /admin or /auth is made by no screen.
 *
 * A call is a function's first argument that is a path ("/admin/parts", `/admin/parts/${id}`); its method is the `method` of an
 * object among the other arguments, or GET.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const HERE = dirname(fileURLToPath(import.meta.url));
const SOURCES = join(HERE, "../panel/src");
const DOCS = join(HERE, "../../../docs");
const TARGET = join(DOCS, "screens.md");
const METHODS = ["get", "post", "put", "delete"];

/** Every file's scripts, and the expressions of its template, as one TypeScript text. */
function script(path) {
  const text = readFileSync(path, "utf8");
  if (!path.endsWith(".vue")) return text;
  const parts = [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1]);
  const bound = [...text.matchAll(/(?:[:@][\w.:-]+|v-[\w:-]+)="([^"]*)"/g)].map((match) => match[1]);
  return [...parts, ...bound.map((expression) => `(${expression});`)].join("\n");
}

/** The path that a string or a template says, with {} where it has a value; null if it is none of ours. */
function pathOf(node) {
  let text = null;
  if (ts.isStringLiteralLike(node)) text = node.text;
  else if (ts.isTemplateExpression(node)) text = node.head.text + node.templateSpans.map((span) => `{}${span.literal.text}`).join("");
  const path = text?.replace(/^\/api\/v1/, "").split("?")[0];
  return path && /^\/(admin|auth)\//.test(path) ? path : null;
}

function methodOf(call) {
  let method = "get";
  const look = (node) => {
    if (ts.isPropertyAssignment(node) && node.name.getText() === "method" && ts.isStringLiteralLike(node.initializer)) method = node.initializer.text.toLowerCase();
    ts.forEachChild(node, look);
  };
  for (const argument of call?.arguments ?? []) look(argument);
  return method;
}

function callsOf(path) {
  const source = ts.createSourceFile(path, script(path), ts.ScriptTarget.Latest, true);
  const calls = [];
  const visit = (node) => {
    const found = pathOf(node);
    if (found) {
      let parent = node.parent;
      while (parent && !ts.isCallExpression(parent)) parent = parent.parent;
      calls.push(`${methodOf(parent)} ${found}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return calls;
}

const made = new Map();
for (const name of readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).sort()) {
  if (!/\.(ts|vue)$/.test(name) || name.endsWith(".test.ts")) continue;
  for (const call of callsOf(join(SOURCES, name))) made.set(call, [...(made.get(call) ?? []), name]);
}

const { paths } = JSON.parse(readFileSync(join(DOCS, "openapi.json"), "utf8"));
const rows = [];
const missing = [];
for (const [address, operations] of Object.entries(paths).sort()) {
  const path = address.replace("/api/v1", "");
  if (!/^\/(admin|auth)\//.test(path)) continue;
  for (const method of METHODS.filter((one) => operations[one])) {
    const files = made.get(`${method} ${path.replace(/\{[^}]+\}/g, "{}")}`);
    if (!files) missing.push(`${method.toUpperCase()} ${path}`);
    const links = [...new Set(files ?? [])].map((file) => `[${file}](../${relative(join(DOCS, ".."), join(SOURCES, file))})`);
    rows.push(`| \`${method.toUpperCase()} ${path}\` | ${operations[method].summary ?? ""} | ${links.join(", ")} |`);
  }
}

const text = `# Which screen makes which call

Everything that the API offers staff can be done in the panel. This page is made by \`npm run screens\` from the panel's code.

| call | does | where, in \`app/frontend/panel/src\` |
|---|---|---|
${rows.join("\n")}
`;

if (missing.length > 0) {
  console.error(`No screen of the panel makes these calls:\n  ${missing.join("\n  ")}`);
  process.exit(1);
}
if (process.argv.includes("--check")) {
  if (readFileSync(TARGET, "utf8") !== text) {
    console.error("docs/screens.md is not up to date: npm run screens");
    process.exit(1);
  }
} else writeFileSync(TARGET, text);

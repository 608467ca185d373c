/**
 * Writes docs/screens.md: which screen of the panel makes which call of the API. `--check` only says whether it is up to date.
 * Fails if a call under /admin or /auth is made by no screen.
 *
 * A call is an argument that is a path ("/admin/parts", `/admin/parts/${id}`, or the name of a constant or function that says
 * one); its method is an argument of its own or the `method` of an object among the arguments, or GET.
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
/** What a screen does in a way that this script does not see, or without a call of its own. */
const OTHERWISE = {
  "GET /auth/allows/flower": "the proxy in front, before it opens Flower",
  "GET /admin/categories/{category_id}": "the tree has all of it: `GET /admin/categories`",
  "POST /admin/categories/{category_id}/picture": "[categories/CategoryPicture.vue](../app/frontend/panel/src/categories/CategoryPicture.vue)",
  "POST /admin/parts/{part_id}/images": "[part/ImagesTab.vue](../app/frontend/panel/src/part/ImagesTab.vue), a file at a time",
  "GET /admin/parts/{part_id}/versions/{number}/diff": "the two versions are compared in the browser, word by word",
};

/** Every file's scripts, and the expressions of its template, as one TypeScript text. */
function script(path) {
  const text = readFileSync(path, "utf8");
  if (!path.endsWith(".vue")) return text;
  const parts = [...text.matchAll(/<script[^>]*>([\s\S]*?)<\/script>/g)].map((match) => match[1]);
  const bound = [...text.matchAll(/(?:[:@][\w.:-]+|v-[\w:-]+)="([^"]*)"/g)].map((match) => match[1]);
  return [...parts, ...bound.map((expression) => `(${expression});`)].join("\n");
}

/** What constants and functions that are, or return, a path are called: by file, and exported to all. */
const named = new Map();
const exported = new Map();

/** The path that an expression says, with {} where it has a value; null if it is none of ours. */
function pathOf(node, file) {
  const text = textOf(node, file);
  const path = text?.replace(/^\/api\/v1/, "").split("?")[0];
  return path && /^\/(admin|auth)\//.test(path) ? path : null;
}

function textOf(node, file) {
  if (!node) return null;
  if (ts.isStringLiteralLike(node)) return node.text;
  if (ts.isTemplateExpression(node)) return node.head.text + node.templateSpans.map((span) => `${referred(span.expression, file) ?? "{}"}${span.literal.text}`).join("");
  return referred(node, file);
}

function referred(node, file) {
  const isValue = ts.isPropertyAccessExpression(node) && node.name.text === "value";
  const name = ts.isCallExpression(node) || isValue ? node.expression : node;
  return ts.isIdentifier(name) ? (named.get(`${file} ${name.text}`) ?? exported.get(name.text) ?? null) : null;
}

/** What a function returns at once, or what a constant is. */
function valueOf(node) {
  if (!node) return null;
  if (ts.isParenthesizedExpression(node)) return valueOf(node.expression);
  if (ts.isCallExpression(node) && node.expression.getText() === "computed") return valueOf(node.arguments[0]);
  if (ts.isArrowFunction(node) || ts.isFunctionDeclaration(node)) {
    if (!ts.isBlock(node.body)) return node.body;
    const [only] = node.body.statements;
    return only && ts.isReturnStatement(only) ? (only.expression ?? null) : null;
  }
  return node;
}

function isExported(node) {
  const statement = ts.isVariableDeclaration(node) ? node.parent.parent : node;
  return ts.canHaveModifiers(statement) && Boolean(ts.getModifiers(statement)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword));
}

function learn(source, file) {
  const visit = (node) => {
    const isNamed = (ts.isVariableDeclaration(node) && ts.isIdentifier(node.name)) || (ts.isFunctionDeclaration(node) && node.name);
    const path = isNamed ? pathOf(valueOf(ts.isVariableDeclaration(node) ? node.initializer : node), file) : null;
    if (path) {
      named.set(`${file} ${node.name.text}`, path);
      if (isExported(node)) exported.set(node.name.text, path);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
}

/** The method that a call says: in an object, or as an argument of its own. */
function methodOf(call) {
  for (const argument of call.arguments) {
    if (ts.isStringLiteralLike(argument) && METHODS.includes(argument.text.toLowerCase())) return argument.text.toLowerCase();
    let method = null;
    const look = (node) => {
      if (ts.isPropertyAssignment(node) && node.name.getText() === "method" && ts.isStringLiteralLike(node.initializer)) method ??= node.initializer.text.toLowerCase();
      if (!ts.isFunctionLike(node)) ts.forEachChild(node, look);
    };
    look(argument);
    if (method) return method;
  }
  return "get";
}

function callsOf(source, file) {
  const calls = [];
  const visit = (node) => {
    if (ts.isCallExpression(node)) {
      for (const argument of node.arguments) {
        const path = pathOf(valueOf(argument), file);
        if (path) calls.push(`${methodOf(node)} ${path}`);
      }
    } else if (ts.isExpressionStatement(node) || ts.isVariableDeclaration(node) || ts.isReturnStatement(node)) {
      // An address for a link, or for a call that is made elsewhere.
      const path = pathOf(valueOf(node.expression ?? node.initializer), file);
      if (path) calls.push(`get ${path}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return calls;
}

const made = new Map();
const sources = readdirSync(SOURCES, { recursive: true, encoding: "utf8" })
  .filter((name) => /\.(ts|vue)$/.test(name) && !name.endsWith(".test.ts"))
  .sort()
  .map((name) => [name, ts.createSourceFile(name, script(join(SOURCES, name)), ts.ScriptTarget.Latest, true)]);
// Twice: a path may be made of another that is named later.
for (const [name, source] of [...sources, ...sources]) learn(source, name);
for (const [name, source] of sources) for (const call of callsOf(source, name)) made.set(call, [...(made.get(call) ?? []), name]);

/** A text in a row of a table: a line break would end the row, and a bar the cell. */
function cell(text = "") {
  return text.replace(/\s+/g, " ").replaceAll("|", "\\|");
}

const { paths } = JSON.parse(readFileSync(join(DOCS, "openapi.json"), "utf8"));
const rows = [];
const missing = [];
for (const [address, operations] of Object.entries(paths).sort()) {
  const path = address.replace("/api/v1", "");
  if (!/^\/(admin|auth)\//.test(path)) continue;
  for (const method of METHODS.filter((one) => operations[one])) {
    const files = made.get(`${method} ${path.replace(/\{[^}]+\}/g, "{}")}`);
    const call = `${method.toUpperCase()} ${path}`;
    if (!files && !OTHERWISE[call]) missing.push(call);
    const links = [...new Set(files ?? [])].map((file) => `[${file}](../${relative(join(DOCS, ".."), join(SOURCES, file))})`);
    rows.push(`| \`${call}\` | ${cell(operations[method].summary)} | ${files ? links.join(", ") : OTHERWISE[call]} |`);
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

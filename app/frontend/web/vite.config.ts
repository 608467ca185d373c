import { basename } from "node:path";
import vue from "@vitejs/plugin-vue";
import { defineConfig, type Plugin } from "vite";
import { drawings } from "../shared/ui/motifs.ts";

const backend = process.env["LOCKSTEP_BACKEND"] ?? "http://127.0.0.1:8000";

const scopes = new Map<string, string>();

/** The scope of a component's styles is called like the component, since the server's templates (app/templates/site) share it. */
function scopeOf(path: string): string {
  const scope = basename(path, ".vue").replace(/(?<=[a-z])(?=[A-Z])/g, "-").toLowerCase();
  const other = scopes.get(scope) ?? path;
  if (other !== path) throw new Error(`${path} and ${other} would share their styles: give one of them another name.`);
  scopes.set(scope, path);
  return scope;
}

/** What the server draws in place of pictures. */
const motifs: Plugin = {
  name: "motifs",
  generateBundle() {
    this.emitFile({ type: "asset", fileName: "motifs.json", source: JSON.stringify(drawings()) });
  },
};

/** Which scripts the server's pages may load at once, beside those of every page: of each page, and of each language. */
const modules: Plugin = {
  name: "modules",
  generateBundle(_options, bundle) {
    const chunks = Object.values(bundle).filter((one) => one.type === "chunk");
    const withImports = (name: string): string[] => [name, ...(chunks.find(({ fileName }) => fileName === name)?.imports.flatMap(withImports) ?? [])];
    const always = new Set(chunks.filter(({ isEntry }) => isEntry).flatMap(({ fileName }) => withImports(fileName)));
    const named = chunks.flatMap(({ facadeModuleId, fileName }) => {
      const name = /\/(?:pages\/(\w+)\.vue|strings\/(\w+)\.ts)$/.exec(facadeModuleId ?? "");
      const files = [...new Set(withImports(fileName))].filter((file) => !always.has(file));
      return name ? [[name[1] ?? name[2], files.map((file) => `/${file}`)]] : [];
    });
    this.emitFile({ type: "asset", fileName: "modules.json", source: JSON.stringify(Object.fromEntries(named)) });
  },
};

/** Each of these is one file, whatever asks for its parts: in many, each would be compressed by itself, and a page be 5 kB larger. */
const TOGETHER = [
  {
    name: "site",
    test: new RegExp(
      [
        "node_modules/(?:@vue|vue|vue-router|pinia)/",
        "web/src/(?:first|language|lateFeed|live|router|strings|takeover)\\.ts",
        "web/src/(?:stores/(?:categories|connection|parts)|components/(?:CategoryMenu\\.|Site))",
        "shared/(?:categories|format|http|live/(?:dispatcher|limits|state))\\.ts",
        "shared/ui/(?:AppIcon|BrandMark|icons|SkipLink)",
      ].join("|"),
    ),
  },
  {
    name: "parts",
    test: new RegExp(
      [
        "components/(?:CardSkeleton|CrumbTrail|ErrorState|PartCard|PartPrice|StateMessage|StockStatus)",
        "composables/(?:useCatalogNews|usePolling|useWatchWindow|useWatched)",
        "shared/ui/(?:AppPill|CheckField|motifs|PartPicture)|stockText",
      ].join("|"),
    ),
  },
];

export default defineConfig({
  root: import.meta.dirname,
  base: "/",
  plugins: [vue({ features: { componentIdGenerator: scopeOf } }), motifs, modules],
  build: {
    // One file of styles for every page: the server's HTML is shown before the script of its page is there.
    cssCodeSplit: false,
    outDir: "../dist/web",
    emptyOutDir: true,
    // Inlined data: URLs would need a laxer content security policy.
    assetsInlineLimit: 0,
    target: "es2022",
    // Every browser that understands our scripts knows it.
    modulePreload: { polyfill: false },
    // For scripts/first-load.mjs.
    manifest: true,
    rolldownOptions: { output: { codeSplitting: { groups: TOGETHER } } },
  },
  // No component is written with them, nor is any of our libraries.
  define: { __VUE_OPTIONS_API__: "false" },
  server: {
    port: 5173,
    // The texts stand with the server's templates.
    fs: { allow: [`${import.meta.dirname}/..`, `${import.meta.dirname}/../../templates/site/texts`] },
    proxy: {
      "/api": backend,
      "/media": backend,
      // The server refuses sockets from other origins, and the dev server has its own.
      "/socket.io": { target: backend, ws: true, changeOrigin: true, rewriteWsOrigin: true },
    },
  },
});

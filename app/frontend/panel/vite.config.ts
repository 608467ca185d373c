import i18n from "@intlify/unplugin-vue-i18n/vite";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

const backend = process.env["LOCKSTEP_BACKEND"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  root: import.meta.dirname,
  base: "/panel/",
  // The catalogues are compiled when the panel is built, so it carries no compiler.
  plugins: [vue(), i18n({ include: `${import.meta.dirname}/src/*/messages/*.json`, dropMessageCompiler: true, compositionOnly: true, fullInstall: false })],
  build: {
    outDir: "../dist/panel",
    emptyOutDir: true,
    // Inlined data: URLs would need a laxer content security policy.
    assetsInlineLimit: 0,
    target: "es2022",
    // For scripts/first-load.mjs.
    manifest: true,
  },
  server: {
    port: 5174,
    proxy: {
      "/api": backend,
      "/media": backend,
      // The server refuses sockets from other origins, and the dev server has its own.
      "/socket.io": { target: backend, ws: true, changeOrigin: true, rewriteWsOrigin: true },
    },
  },
});

import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

const backend = process.env["LOCKSTEP_BACKEND"] ?? "http://127.0.0.1:8000";

export default defineConfig({
  root: import.meta.dirname,
  base: "/",
  plugins: [vue()],
  build: {
    outDir: "../dist/web",
    emptyOutDir: true,
    // Inlined data: URLs would need a laxer content security policy.
    assetsInlineLimit: 0,
    target: "es2022",
  },
  server: {
    port: 5173,
    proxy: {
      "/api": backend,
      "/media": backend,
      // The server refuses sockets from other origins, and the dev server has its own.
      "/socket.io": { target: backend, ws: true, changeOrigin: true, rewriteWsOrigin: true },
    },
  },
});

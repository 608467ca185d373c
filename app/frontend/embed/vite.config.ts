import { defineConfig } from "vite";

/** One script without modules or globals of its own, for pages of any making. */
export default defineConfig({
  root: import.meta.dirname,
  build: {
    outDir: "../dist/embed",
    emptyOutDir: true,
    target: "es2022",
    lib: { entry: "src/index.ts", formats: ["iife"], name: "lockstepEmbed", fileName: () => "embed.js" },
  },
});

import js from "@eslint/js";
import vue from "eslint-plugin-vue";
import tseslint from "typescript-eslint";

const SOCKET = { name: "socket.io-client", message: "Only shared/live owns the socket." };

export default tseslint.config(
  { ignores: ["dist/", "**/node_modules/", "shared/api.gen.ts"] },
  js.configs.recommended,
  ...tseslint.configs.strict,
  ...vue.configs["flat/recommended"],
  {
    // TypeScript itself reports undefined names, and knows the browser's globals.
    files: ["**/*.ts", "**/*.vue"],
    rules: {
      "no-undef": "off",
      "@typescript-eslint/no-unused-vars": ["error", { argsIgnorePattern: "^_", varsIgnorePattern: "^_" }],
    },
  },
  {
    files: ["**/*.vue"],
    languageOptions: { parserOptions: { parser: tseslint.parser } },
    rules: {
      // We format templates by hand; these three rules only dictate line breaks.
      "vue/max-attributes-per-line": "off",
      "vue/singleline-html-element-content-newline": "off",
      "vue/html-self-closing": ["error", { html: { void: "always", normal: "always", component: "always" } }],
      "vue/no-v-html": "error",
      "vue/component-api-style": ["error", ["script-setup"]],
      "vue/block-lang": ["error", { script: { lang: "ts" } }],
    },
  },
  {
    files: ["scripts/**/*.mjs"],
    languageOptions: { globals: { process: "readonly", URL: "readonly", console: "readonly" } },
  },
  {
    // One gateway to the network: components and stores never touch the socket.
    files: ["web/**/*.{ts,vue}", "panel/**/*.{ts,vue}", "embed/**/*.ts"],
    rules: {
      "no-restricted-imports": ["error", { paths: [SOCKET] }],
    },
  },
  {
    // What the panel says stands in its catalogues.
    files: ["panel/**/*.vue"],
    rules: { "vue/no-bare-strings-in-template": ["error", { allowlist: ["(", ")", ",", ".", "&", "+", "-", "=", "*", "/", "#", "%", "!", "?", ":", "[", "]", "{", "}", "<", ">", "·", "•", "–", "—", "→", "×", "|", "…", "±"] }] },
  },
  {
    // The common ground of all subjects must not import any of them: they register in subjects.ts.
    files: ["panel/src/{shell,session,live,ui}/**/*.{ts,vue}"],
    ignores: ["**/*.test.ts"],
    rules: {
      "no-restricted-imports": ["error", {
        paths: [SOCKET],
        patterns: [{ regex: "^\\.\\./(?!(shell|session|live|ui)/|(i18n|preferences|queries|strings|subjects?)\\.ts$)", message: "A subject is known by the register alone." }],
      }],
    },
  },
);

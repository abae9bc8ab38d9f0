/**
 * Lint of the screens: what the language, its types and Svelte hold to be wrong. Form is prettier's, accessibility
 * svelte-check's. A rule that is off, here or beside a line, has its reason.
 */
import js from "@eslint/js";
import svelte from "eslint-plugin-svelte";
import { defineConfig } from "eslint/config";
import globals from "globals";
import ts from "typescript-eslint";
import svelteConfig from "./svelte.config.js";

export default defineConfig(
  { linterOptions: { reportUnusedDisableDirectives: "error" } },
  js.configs.recommended,
  ts.configs.strictTypeChecked,
  ts.configs.stylisticTypeChecked,
  svelte.configs.recommended,
  svelte.configs.prettier,
  {
    languageOptions: { parserOptions: { projectService: true, extraFileExtensions: [".svelte"] } },
    rules: {
      "max-lines": ["error", 400],
      // `!= null` means neither null nor undefined.
      eqeqeq: ["error", "always", { null: "ignore" }],
      "no-console": ["error", { allow: ["warn"] }],
      "svelte/button-has-type": "error",
      "no-restricted-syntax": [
        "error",
        {
          selector: 'SvelteAttribute[key.name="style"]',
          message: "The page's policy forbids style=: write style:name.",
        },
      ],
      "svelte/require-each-key": "error",
      "@typescript-eslint/switch-exhaustiveness-check": "error",
      // One form for all shapes: most are unions or parts of others, which an interface cannot be.
      "@typescript-eslint/consistent-type-definitions": ["error", "type"],
      // `() => close()` is how a handler is written.
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // A number says itself without a doubt; objects, null and unions of them are still refused.
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      // An empty text and `false` are to be passed over too where || is written between texts or conditions.
      "@typescript-eslint/prefer-nullish-coalescing": ["error", { ignorePrimitives: { string: true, boolean: true } }],
      // `void alert.id` names what an effect depends on without using it.
      "@typescript-eslint/no-meaningless-void-operator": "off",
      // It asks for `!`, which no-non-null-assertion forbids; `as Area` at least says what is meant.
      "@typescript-eslint/non-nullable-type-assertion-style": "off",
      // A space in braces stays where the formatter would take it away.
      "svelte/no-useless-mustaches": "off",
      // What is drawn is `$state.raw` and replaced as a whole, in batches: the maps behind it are plain on purpose.
      "svelte/prefer-svelte-reactivity": "off",
      // There is no enum and no Svelte store here: looking for them took a fifth of the lint's time.
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      "svelte/require-store-reactive-access": "off",
      // The types' own check knows every name, those of the DOM's and GeoJSON's types too.
      "no-undef": "off",
    },
  },
  {
    files: ["**/*.svelte", "**/*.svelte.ts"],
    languageOptions: { parserOptions: { parser: ts.parser, svelteConfig } },
  },
  {
    // What another component takes and gives is `any` to this parser; svelte-check knows it and holds it.
    files: ["**/*.svelte"],
    rules: {
      "@typescript-eslint/no-unsafe-argument": "off",
      "@typescript-eslint/no-unsafe-assignment": "off",
      "@typescript-eslint/no-unsafe-call": "off",
      "@typescript-eslint/no-unsafe-member-access": "off",
      "@typescript-eslint/no-unsafe-return": "off",
    },
  },
  {
    // Run by node or before the screens are loaded, and of no project of types.
    files: ["*.js", "public/*.js", "scripts/*.mjs"],
    extends: [ts.configs.disableTypeChecked],
    languageOptions: { globals: { ...globals.node, ...globals.browser }, parserOptions: { projectService: false } },
    rules: { "no-undef": "error", "no-console": "off" },
  },
);

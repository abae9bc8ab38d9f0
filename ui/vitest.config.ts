/** The pure modules' tests: in node, without a browser; what needs one is tested in chromium (tests/browser). */
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vitest/config";

export default defineConfig({
  plugins: [svelte()],
  test: {
    include: ["tests/**/*.test.ts"],
    environment: "node",
    setupFiles: ["tests/page.ts"],
    testTimeout: 20_000,
    // One worker: the whole takes a second, starting another takes longer.
    maxWorkers: 1,
    isolate: false,
  },
});

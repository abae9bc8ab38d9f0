import { svelte } from "@sveltejs/vite-plugin-svelte";
import { fileURLToPath } from "node:url";
import { defineConfig } from "vite";

const api = process.env.IOC_API ?? "http://127.0.0.1:8000";

export default defineConfig({
  plugins: [svelte()],
  base: "/",
  build: {
    outDir: fileURLToPath(new URL("../ioc/screens/static", import.meta.url)),
    emptyOutDir: true,
    target: "es2023",
    // The server's policy allows no data: fonts and no inline code, so every asset stays a file of its own.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    chunkSizeWarningLimit: 1200,
  },
  worker: { format: "es" },
  server: { proxy: { "/api": { target: api, changeOrigin: false } } },
});

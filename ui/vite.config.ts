import { svelte } from "@sveltejs/vite-plugin-svelte";
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";
import { defineConfig, type Plugin } from "vite";

const api = process.env.IOC_API ?? "http://127.0.0.1:8000";
const out = fileURLToPath(new URL("../ioc/screens/static", import.meta.url));

/** Smaller forms beside each text file, made once here instead of at every request. */
function compressed(): Plugin {
  return {
    name: "compressed",
    apply: "build",
    closeBundle() {
      for (const name of readdirSync(out, { recursive: true, encoding: "utf8" })) {
        if (!/\.(js|css|svg)$/.test(name)) continue;
        const text = readFileSync(join(out, name));
        if (text.length < 1024) continue;
        writeFileSync(join(out, `${name}.gz`), gzipSync(text, { level: 9 }));
        writeFileSync(
          join(out, `${name}.br`),
          brotliCompressSync(text, { params: { [constants.BROTLI_PARAM_QUALITY]: 9 } }),
        );
      }
    },
  };
}

/** Which packages ended up in the bundle, for THIRD_PARTY_NOTICES.txt: build/bundled.json at the root. */
function bundled(): Plugin {
  return {
    name: "bundled",
    apply: "build",
    generateBundle(_, files) {
      const sources = Object.values(files).flatMap((file) =>
        file.type === "chunk" ? Object.keys(file.modules) : file.originalFileNames,
      );
      const names = sources.map((source) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(source)?.[1]);
      const folder = fileURLToPath(new URL("../build", import.meta.url));
      mkdirSync(folder, { recursive: true });
      writeFileSync(
        join(folder, "bundled.json"),
        JSON.stringify([...new Set(names.filter((name) => name !== undefined))].sort()),
      );
    },
  };
}

export default defineConfig({
  plugins: [svelte(), compressed(), bundled()],
  base: "/",
  build: {
    outDir: out,
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

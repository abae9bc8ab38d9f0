// Fails when the two dictionaries differ in keys or placeholders, or when a key is used that neither has.
import { readFileSync, readdirSync } from "node:fs";
import { join } from "node:path";

const root = new URL("../src/", import.meta.url).pathname;
const read = (name) => JSON.parse(readFileSync(join(root, "i18n", name), "utf8"));
const vi = read("vi.json");
const en = read("en.json");
const faults = [];

const placeholders = (text) => [...text.matchAll(/\{(\w+)\}/g)].map((match) => match[1]).sort().join(",");
for (const key of new Set([...Object.keys(vi), ...Object.keys(en)])) {
  if (!(key in vi)) faults.push(`vi.json lacks ${key}`);
  else if (!(key in en)) faults.push(`en.json lacks ${key}`);
  else if (placeholders(vi[key]) !== placeholders(en[key])) faults.push(`${key}: placeholders differ`);
  if (key in vi && vi[key] !== vi[key].normalize("NFC")) faults.push(`${key}: vi text is not NFC`);
}

const sources = readdirSync(root, { recursive: true }).filter((name) => /\.(ts|svelte)$/.test(name));
for (const name of sources) {
  const text = readFileSync(join(root, name), "utf8");
  for (const match of text.matchAll(/\bt\(\s*"([^"]+)"/g)) {
    if (!(match[1] in vi)) faults.push(`${name} uses ${match[1]}, which no dictionary has`);
  }
}

if (faults.length > 0) {
  console.error(faults.join("\n"));
  process.exit(1);
}
console.log(`dictionaries agree: ${Object.keys(vi).length} keys`);

/**
 * The shapes of the API's JSON as TypeScript, from its description: `node scripts/api-types.mjs` writes
 * src/api/types.ts, with --check it fails where that is not what the description says. The description itself
 * (docs/openapi.json) is written by `python -m tests.docs.reference`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";

const file = new URL("../src/api/types.ts", import.meta.url).pathname;
const description = new URL("../../docs/openapi.json", import.meta.url).pathname;
const HEAD = `/* Written from docs/openapi.json by scripts/api-types.mjs: change the models of the API instead. */
/* eslint-disable max-lines -- nobody writes it by hand */
`;
const PLAIN = { string: "string", integer: "number", number: "number", boolean: "boolean", null: "null" };

const note = (schema) => (schema.description ? `/** ${schema.description.replaceAll(/\s*\n\s*/g, " ")} */\n` : "");
const either = (parts) => [...new Set(parts)].map((part) => (part.includes(" & ") ? `(${part})` : part)).join(" | ");

function members(schema) {
  const required = new Set(schema.required ?? []);
  const lines = Object.entries(schema.properties).map(
    ([name, part]) => `${note(part)}${JSON.stringify(name)}${required.has(name) ? "" : "?"}: ${shape(part)};`,
  );
  return `{\n${lines.join("\n")}\n}`;
}

function shape(schema) {
  if (schema.$ref !== undefined) return schema.$ref.split("/").at(-1);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum !== undefined) return either(schema.enum.map((value) => JSON.stringify(value)));
  const options = schema.anyOf ?? schema.oneOf;
  if (options !== undefined) return either(options.map(shape));
  if (schema.prefixItems !== undefined) return `[${schema.prefixItems.map(shape).join(", ")}]`;
  if (schema.type === "array") return `(${shape(schema.items ?? {})})[]`;
  if (schema.properties !== undefined) return members(schema);
  if (schema.type === "object") {
    const value = typeof schema.additionalProperties === "object" ? shape(schema.additionalProperties) : "unknown";
    return schema.propertyNames?.$ref === undefined
      ? `Record<string, ${value}>`
      : `Partial<Record<${shape(schema.propertyNames)}, ${value}>>`;
  }
  if (schema.type === undefined) return "unknown";
  if (!(schema.type in PLAIN)) throw new Error(`no shape for ${JSON.stringify(schema)}`);
  return PLAIN[schema.type];
}

const { components } = JSON.parse(readFileSync(description, "utf8"));
/** Closed values that the screens list too, as they ask for all of them. */
const LISTED = { WorkAction: "WORK_ACTIONS" };
const types = Object.entries(components.schemas).map(
  ([name, schema]) => `${note(schema)}export type ${name} = ${shape(schema)};`,
);
for (const [name, list] of Object.entries(LISTED)) {
  const values = JSON.stringify(components.schemas[name].enum);
  types.push(`/** All of them. */\nexport const ${list}: readonly ${name}[] = ${values};`);
}
const written = await format(HEAD + types.join("\n"), { ...(await resolveConfig(file)), filepath: file });
if (!process.argv.includes("--check")) writeFileSync(file, written);
else if (readFileSync(file, "utf8") !== written) {
  console.error("src/api/types.ts is not what docs/openapi.json says: node scripts/api-types.mjs");
  process.exit(1);
}

// Makes the types of the API from its document: those that pages name, and what they are made of.
import { readFileSync, writeFileSync } from "node:fs";

const here = (path) => new URL(path, import.meta.url);
const document = JSON.parse(readFileSync(here("../../docs/reference/openapi.json"), "utf8"));
const schemas = document.components.schemas;
const wanted = [
  "AgentPage", "AgentView", "AuditPage", "AuditVerified", "Board", "ElementPage", "Me", "NewRehearsal", "NodeLock", "NodeVars",
  "PlanState",
  "Rehearsed", "Run", "RunPage", "RunPreview", "Session", "Submitted", "Tokens", "Version",
];

const found = new Map();

/** A name that TypeScript takes. */
const named = (name) => name.replaceAll(/[^A-Za-z0-9]/g, "");

function reference(text) {
  const name = text.split("/").at(-1);
  if (!found.has(name)) {
    found.set(name, "");
    found.set(name, typed(schemas[name] ?? {}));
  }
  return named(name);
}

function comment(schema, pad) {
  return schema.description ? `${pad}/** ${schema.description.replaceAll("*/", "* /").replaceAll(/\s+/g, " ")} */\n` : "";
}

function typed(schema, depth = 0) {
  if (schema === true || schema === undefined) return "unknown";
  if (schema.$ref) return reference(schema.$ref);
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (schema.enum) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  const several = schema.anyOf ?? schema.oneOf;
  if (several) return [...new Set(several.map((one) => typed(one, depth)))].join(" | ");
  if (schema.allOf && !schema.properties) return schema.allOf.map((one) => typed(one, depth)).join(" & ");
  if (Array.isArray(schema.type)) {
    return [...new Set(schema.type.map((type) => typed({ ...schema, type }, depth)))].join(" | ");
  }
  switch (schema.type) {
    case "string":
      return "string";
    case "integer":
    case "number":
      return "number";
    case "boolean":
      return "boolean";
    case "null":
      return "null";
    case "array": {
      const inner = typed(schema.items, depth);
      return /[|&]/.test(inner) ? `(${inner})[]` : `${inner}[]`;
    }
    case "object":
    case undefined: {
      if (!schema.properties) {
        if (schema.type === undefined) return "unknown";
        const values = schema.additionalProperties;
        return `Record<string, ${values && values !== true ? typed(values, depth) : "unknown"}>`;
      }
      const pad = "  ".repeat(depth + 1);
      const required = new Set(schema.required ?? []);
      const lines = Object.entries(schema.properties).map(([key, of]) => {
        const name = /^[A-Za-z_]\w*$/.test(key) ? key : JSON.stringify(key);
        return `${comment(of, pad)}${pad}${name}${required.has(key) ? "" : "?"}: ${typed(of, depth + 1)};\n`;
      });
      const parts = (schema.allOf ?? []).map((one) => ` & ${typed(one, depth)}`).join("");
      return `{\n${lines.join("")}${"  ".repeat(depth)}}${parts}`;
    }
    default:
      return "unknown";
  }
}

for (const name of wanted) {
  if (!schemas[name]) throw new Error(`the document has no ${name}`);
  reference(`#/components/schemas/${name}`);
}
const text = [
  "// Made from docs/reference/openapi.json by `cargo xtask web --types`. Do not edit.\n",
  ...[...found].sort(([one], [other]) => one.localeCompare(other)).map(([name, of]) => `${comment(schemas[name] ?? {}, "")}export type ${named(name)} = ${of};\n`),
].join("\n");
const target = here("../src/api/schema.ts");
if (process.argv[2] === "--check") {
  let there = "";
  try {
    there = readFileSync(target, "utf8");
  } catch {
    // It was never made.
  }
  if (there !== text) {
    console.error("web/src/api/schema.ts is not what the document of the API says: run `cargo xtask web --types`");
    process.exit(1);
  }
} else {
  writeFileSync(target, text);
}

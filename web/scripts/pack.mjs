// Packs what was built, so that a server sends it as it is, and holds what a first look needs against its budget.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join, relative } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const dist = new URL("../dist", import.meta.url).pathname;
const most = Number(process.argv[2] ?? 250 * 1024);

function files(dir) {
  return readdirSync(dir).flatMap((name) => {
    const path = join(dir, name);
    return statSync(path).isDirectory() ? files(path) : [path];
  });
}

const sizes = new Map();
for (const file of files(dist).filter((one) => !/\.(br|gz)$/.test(one))) {
  const bytes = readFileSync(file);
  const packed = brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } });
  sizes.set(relative(dist, file), packed.length);
  if (bytes.length > 1000) {
    writeFileSync(`${file}.br`, packed);
    writeFileSync(`${file}.gz`, gzipSync(bytes, { level: 9 }));
  }
}

// What the first page loads: what its HTML names, what that imports, and the page of runs.
const html = readFileSync(join(dist, "index.html"), "utf8");
const first = new Set(["index.html", "theme.js", "icon.svg"]);
const wanted = [...html.matchAll(/\/ui\/(assets\/[^"']+)/g)].map((found) => found[1]);
wanted.push(...[...sizes.keys()].filter((name) => /assets\/RunsPage-/.test(name)));
while (wanted.length > 0) {
  const name = wanted.pop();
  if (first.has(name) || !sizes.has(name)) continue;
  first.add(name);
  if (!name.endsWith(".js")) continue;
  // What is imported at once; what is imported later stands behind `import(`.
  const text = readFileSync(join(dist, name), "utf8");
  for (const [, found] of text.matchAll(/(?:from|import)\s*"\.\/([^"]+)"/g)) wanted.push(`assets/${found}`);
}
const total = [...first].reduce((sum, name) => sum + (sizes.get(name) ?? 0), 0);
console.log(`first load: ${(total / 1024).toFixed(1)} KiB compressed of ${most / 1024} allowed, ${first.size} files`);
if (total > most) {
  console.error([...first].map((name) => `  ${sizes.get(name)} ${name}`).join("\n"));
  process.exit(1);
}

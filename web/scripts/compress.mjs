// Writes a .br and a .gz beside each text file of dist/, so that the server has nothing to compress; and holds the first
// load (index.html with the scripts and styles that it names) to its limit.
import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const FIRST_LOAD_LIMIT_KB = 250;
const dist = new URL("../dist", import.meta.url).pathname;

const files = readdirSync(dist, { recursive: true }).map((name) => join(dist, name));
const sizes = new Map();
for (const file of files) {
  if (!statSync(file).isFile() || !/\.(html|js|css|svg|json)$/.test(file)) continue;
  const content = readFileSync(file);
  const gzip = gzipSync(content, { level: 9 });
  sizes.set(file, gzip.length);
  // index.html changes with every answer (the nonce).
  if (file.endsWith("index.html")) continue;
  writeFileSync(`${file}.gz`, gzip);
  writeFileSync(`${file}.br`, brotliCompressSync(content, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }));
}

const index = readFileSync(join(dist, "index.html"), "utf8");
const named = [...index.matchAll(/(?:src|href)="\/dashboard\/([^"]+)"/g)].map((found) => join(dist, found[1]));
const first = [join(dist, "index.html"), ...named].reduce((sum, file) => sum + (sizes.get(file) ?? 0), 0);
const kb = (bytes) => (bytes / 1000).toFixed(1);
console.log(`web: the first load is ${kb(first)} kB gzipped (limit ${FIRST_LOAD_LIMIT_KB})`);
if (first > FIRST_LOAD_LIMIT_KB * 1000) {
  console.error("web: the first load is too large; load what is not on every page with `lazy`");
  process.exit(1);
}

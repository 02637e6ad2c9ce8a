// Makes the site that Trunk left in a folder smaller, without changing what it does:
//
// - WebAssembly and its glue know each other by names like `__wbg_appendChild_d8c2a5b8b8a8ee4f`, a
//   thousand of them, whose hashes cannot be compressed. Both sides get short ones.
// - The glue and the scripts that it imports become one, so that nothing waits for a second request,
//   and all scripts are minified.
//
// Files that name their content by a hash get a new one.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { buildSync } from "esbuild";

const folder = process.argv[2];
const indexPath = join(folder, "index.html");
const wasmOpt = join(dirname(fileURLToPath(import.meta.url)), "node_modules/binaryen/bin/wasm-opt");

// From the script tag that `pattern_script` of Trunk.toml writes.
function builtFile(index, attribute) {
  const found = index.match(new RegExp(`data-${attribute}="?(?:\\./)?([^\\s">]+)`));
  if (!found) throw new Error(`${indexPath} has no data-${attribute}`);
  return found[1];
}

// Gives the imports and exports of the module short names; what became of them. The other passes see
// what Trunk's run of the same program does not: control flow is built anew (1 % with Brotli).
function shortenModule(path) {
  const said = execFileSync(
    process.execPath,
    [
      wasmOpt, path, "--one-caller-inline-max-function-size=100", "--flatten", "--rereloop", "-Oz",
      "-Oz", "--minify-imports-and-exports-and-modules", "-o", path,
    ],
    { encoding: "utf8", maxBuffer: 1 << 26 },
  );
  return JSON.parse(said);
}

// The glue hands over what needs no conversion as the module it comes from, `"./a.js": import1`: into
// the one object that is left, under short names.
function joinModules(glue, imports, main) {
  const start = glue.match(/const import0 = \{\s+__proto__: null,\n/);
  if (!start) throw new Error("the glue has no import0");
  let direct = "";
  for (const module of new Set(imports.map(([module]) => module))) {
    if (module === main) continue;
    const [, object] = glue.split(`"${module}": `)[1]?.match(/^(import\d+),/) ?? [];
    if (!object) throw new Error(`the glue does not provide ${module}`);
    glue = glue.replace(`"${module}": ${object},`, "");
    for (const [from, name, to] of imports) {
      if (from === module) direct += `${to}: ${object}.${name},\n`;
    }
  }
  return glue.replace(start[0], start[0] + direct);
}

// The same names in the glue. Every import must be there, once.
function shortenGlue(glue, { imports, exports }) {
  const main = glue.match(/"([^"]+)": import0/)?.[1];
  const converted = imports.filter(([module]) => module === main);
  const short = new Map(converted.map(([, name, to]) => [name, to]));
  const given = new Set();
  glue = glue.replace(/^(\s+)(\w+)(?=: function\(|,$|: )/gm, (all, space, name) => {
    if (!short.has(name) || given.has(name)) return all;
    given.add(name);
    return `${space}${short.get(name)}`;
  });
  const missing = converted.filter(([, name]) => !given.has(name)).map(([, name]) => name);
  if (missing.length) throw new Error(`the glue does not provide ${missing.join(", ")}`);

  glue = joinModules(glue, imports, main).replace(`"${main}": import0`, "a: import0");

  const exported = new Map(exports);
  return glue.replace(/\bwasm\.(\w+)/g, (all, name) => {
    if (!exported.has(name)) throw new Error(`the glue uses ${all}, which is not exported`);
    return `wasm.${exported.get(name)}`;
  });
}

// Minifies a script, with what it imports but for the worker's, which starts from a file of its own.
// Returns the paths of what is part of it now.
function minify(path) {
  const { metafile } = buildSync({
    entryPoints: [path],
    outfile: path,
    allowOverwrite: true,
    bundle: true,
    external: ["*/worker.js"],
    minify: true,
    format: "esm",
    target: "es2022",
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  const imported = Object.keys(metafile.inputs).map((input) => resolve(input));
  return imported.filter((input) => input !== resolve(path));
}

// Takes a file away, and the link by which the page asks for it before it is needed.
function remove(path) {
  rmSync(path);
  const name = relative(folder, path).replaceAll("\\", "/");
  const link = index.split(/(?=<)/).find((tag) => tag.startsWith("<link") && tag.includes(name));
  if (!link) throw new Error(`${indexPath} has no link to ${name}`);
  index = index.replace(link, "");
}

function scriptsBelow(path) {
  return readdirSync(path, { recursive: true }).filter((name) => name.endsWith(".js"));
}

// Renames a file after its content; the new name.
function renamed(name) {
  const path = join(folder, name);
  const hash = createHash("sha256").update(readFileSync(path)).digest("hex").slice(0, 16);
  const to = name.replace(/-[0-9a-f]{16}(?=[._])/, `-${hash}`);
  renameSync(path, join(folder, to));
  return to;
}

let index = readFileSync(indexPath, "utf8");
const glueName = builtFile(index, "glue");
const wasmName = builtFile(index, "wasm");
const gluePath = join(folder, glueName);
const names = shortenModule(join(folder, wasmName));
writeFileSync(gluePath, shortenGlue(readFileSync(gluePath, "utf8"), names));
for (const path of minify(gluePath)) remove(path);
for (const name of scriptsBelow(folder)) if (name !== glueName) minify(join(folder, name));
for (const name of [glueName, wasmName]) index = index.replaceAll(name, renamed(name));
writeFileSync(indexPath, index);

// Reads file names from the arguments and prints, as JSON, how many bytes each takes as it is, with
// gzip and with Brotli, both at their best: what a web server or CDN sends.
import { readFileSync } from "node:fs";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const sizes = process.argv.slice(2).map((path) => {
  const content = readFileSync(path);
  const brotli = brotliCompressSync(content, {
    params: {
      [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY,
      [constants.BROTLI_PARAM_LGWIN]: 24,
      [constants.BROTLI_PARAM_SIZE_HINT]: content.length,
    },
  });
  return { path, raw: content.length, gzip: gzipSync(content, { level: 9 }).length, brotli: brotli.length };
});
console.log(JSON.stringify(sizes));

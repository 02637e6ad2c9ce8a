// crates/media in a worker. A segment is pushed in pieces of the size in which `fetch` hands bytes
// to the player. Fragments go back in the buffer that the segment came in, which has room for them:
// making room anew costs about as much as all the rest. (The player appends them from where they were made.)
import init, { Bench } from "/wasm/immersive_bench_transmux.js";

const PIECE_BYTES = 64 * 1024;
let bench;

function segment({ bytes, continues }) {
  bench.begin(continues, bytes.byteLength);
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
    bench.push(new Uint8Array(bytes, at, Math.min(PIECE_BYTES, bytes.byteLength - at)));
  }
  const media = [];
  let used = 0;
  const count = bench.finish();
  for (let index = 0; index < count; index += 1) {
    const length = bench.length(index);
    const fits = used + length <= bytes.byteLength;
    const fragment = fits ? new Uint8Array(bytes, used, length) : new Uint8Array(length);
    if (fits) used += length;
    bench.copy(index, fragment);
    media.push({ kind: bench.kind(index), samples: bench.samples(index), bytes: length, fragment });
  }
  return [{ media }, [...new Set(media.map(({ fragment }) => fragment.buffer))]];
}

self.onmessage = async ({ data }) => {
  try {
    if (data.start) {
      await init();
      bench = new Bench();
      self.postMessage({ media: [] });
    } else {
      self.postMessage(...segment(data));
    }
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};

// crates/media in a worker. A segment is pushed in pieces of the size in which `fetch` hands bytes
// to the player.
import init, { Bench } from "/wasm/immersive_bench_transmux.js";

const PIECE_BYTES = 64 * 1024;
let bench;

function segment({ bytes, continues }) {
  bench.begin(continues);
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
    bench.push(new Uint8Array(bytes, at, Math.min(PIECE_BYTES, bytes.byteLength - at)));
  }
  const media = [];
  const transferred = [];
  const count = bench.finish();
  for (let index = 0; index < count; index += 1) {
    const fragment = bench.media(index);
    media.push({ kind: bench.kind(index), samples: bench.samples(index), bytes: fragment.length, fragment });
    transferred.push(fragment.buffer);
  }
  return [{ media }, transferred];
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

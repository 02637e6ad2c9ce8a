// mux.js in a worker, as video.js runs it: a whole segment is pushed and flushed, and what comes is
// posted with its buffer transferred.
importScripts("/peers/mux.js/dist/mux.min.js");

let transmuxer;

// `sample_count` of the runs of samples in fragments.
function samples(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const below = (start, end) => {
    let count = 0;
    for (let at = start; at + 8 <= end; at += view.getUint32(at)) {
      const kind = String.fromCharCode(...bytes.subarray(at + 4, at + 8));
      if (kind === "trun") count += view.getUint32(at + 12);
      if (kind === "moof" || kind === "traf") count += below(at + 8, at + view.getUint32(at));
    }
    return count;
  };
  return below(0, bytes.byteLength);
}

self.onmessage = ({ data }) => {
  try {
    if (data.start) transmuxer = new muxjs.mp4.Transmuxer({ remux: false, keepOriginalTimestamps: true });
    const media = [];
    if (data.bytes) {
      transmuxer.off("data");
      transmuxer.on("data", ({ type, data: made }) =>
        media.push({ kind: type, samples: samples(made), bytes: made.byteLength, fragment: made }));
      transmuxer.push(new Uint8Array(data.bytes));
      transmuxer.flush();
    }
    self.postMessage({ media }, media.map(({ fragment }) => fragment.buffer));
  } catch (error) {
    self.postMessage({ error: String(error) });
  }
};

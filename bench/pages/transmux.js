// Times transmuxers in workers, all through the same messages' worth of work: a whole segment goes
// in as a transferred ArrayBuffer, fragments come back transferred, one segment after the other.

// A worker of ours around a transmuxer; it answers { media: [{ kind, samples, bytes }] } for one segment.
class Wrapped {
  static async start(worker) {
    const engine = new Wrapped();
    engine.worker = worker;
    await engine.ask({ start: true });
    return engine;
  }

  ask(message, transferred = []) {
    return new Promise((resolve, reject) => {
      this.worker.onmessage = ({ data }) =>
        data.error ? reject(new Error(data.error)) : resolve(data.media);
      this.worker.onerror = (event) => reject(new Error(event.message));
      this.worker.postMessage(message, transferred);
    });
  }

  segment(bytes, index) {
    return this.ask({ bytes, continues: index > 0 }, [bytes]);
  }

  end() {
    this.worker.terminate();
  }
}

// hls.js's own worker, spoken to as its TransmuxerInterface does.
class HlsJs {
  static async start() {
    const engine = new HlsJs();
    engine.worker = new Worker("/peers/hls.js/dist/hls.worker.js");
    await engine.ask("init", {
      cmd: "init",
      id: "main",
      typeSupported: {
        mpeg: MediaSource.isTypeSupported("audio/mpeg"),
        mp3: MediaSource.isTypeSupported('audio/mp4; codecs="mp3"'),
        ac3: MediaSource.isTypeSupported('audio/mp4; codecs="ac-3"'),
      },
      config: JSON.stringify(Hls.DefaultConfig),
    });
    return engine;
  }

  // Resolves with the fragments that come before the event named `last`.
  ask(last, ...messages) {
    return new Promise((resolve, reject) => {
      const media = [];
      this.worker.onmessage = ({ data: { event, data } }) => {
        if (event === "transmuxComplete") {
          for (const kind of ["video", "audio"]) {
            const track = data?.remuxResult?.[kind];
            if (!track) continue;
            const bytes = track.data1.byteLength + (track.data2?.byteLength ?? 0);
            media.push({ kind, samples: track.nb, bytes });
          }
        } else if (event === "hlsError") {
          reject(new Error(data.reason ?? data.details));
        } else if (event === last) {
          resolve(media);
        }
      };
      this.worker.onerror = (event) => reject(new Error(event.message));
      for (const message of messages) {
        this.worker.postMessage({ instanceNo: 0, ...message }, message.data ? [message.data] : []);
      }
    });
  }

  segment(bytes, index, durationSecs) {
    const timing = () => ({ start: 0, executeStart: 0, executeEnd: 0, end: 0 });
    const chunkMeta = {
      level: 0, sn: index, part: -1, id: 0, size: bytes.byteLength, partial: false,
      duration: durationSecs, iframe: false, transmuxing: timing(),
      buffering: { audio: timing(), video: timing(), audiovideo: timing() },
    };
    const first = index === 0;
    const messages = [
      {
        cmd: "demux", data: bytes, decryptdata: null, chunkMeta,
        state: {
          discontinuity: first, contiguous: !first, accurateTimeOffset: true, trackSwitch: first,
          timeOffset: index * durationSecs, initSegmentChange: first,
        },
      },
      { cmd: "flush", chunkMeta },
    ];
    if (first) {
      messages.unshift({ cmd: "configure", config: { duration: durationSecs, defaultInitPts: null } });
    }
    return this.ask("flush", ...messages);
  }

  end() {
    this.worker.terminate();
  }
}

async function pass(engine, segments, durationSecs) {
  // Copied outside of the measured time: what is transferred is gone.
  const copies = segments.map((segment) => segment.slice(0));
  const total = { video: 0, audio: 0, bytes: 0 };
  const start = performance.now();
  for (const [index, bytes] of copies.entries()) {
    for (const { kind, samples, bytes: made } of await engine.segment(bytes, index, durationSecs)) {
      total[kind] += samples;
      total.bytes += made;
    }
  }
  return { millis: performance.now() - start, ...total };
}

const START = {
  ours: () => Wrapped.start(new Worker("/pages/transmux-worker.js", { type: "module" })),
  "hls.js": () => HlsJs.start(),
  "mux.js": () => Wrapped.start(new Worker("/pages/transmux-mux.js")),
};

// `name` is a key of START. A fresh worker; the first pass is the cold one.
async function measure(name, urls, durationSecs, passes) {
  const segments = await Promise.all(
    urls.map(async (url) => {
      const answer = await fetch(url);
      if (!answer.ok) throw new Error(`${url} answered with status ${answer.status}`);
      return answer.arrayBuffer();
    }),
  );
  const engine = await START[name]();
  const done = [];
  for (let count = 0; count < passes; count += 1) done.push(await pass(engine, segments, durationSecs));
  engine.end();
  return { bytes: segments.reduce((sum, { byteLength }) => sum + byteLength, 0), passes: done };
}

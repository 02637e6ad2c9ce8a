// Runs before the scripts of every measured page, ours and the other alike: takes the time at which
// a canvas shows a picture, and of what comes before.
(() => {
  const WIDTH_PX = 32;
  const HEIGHT_PX = 18;
  // A picture has many colours, over much of the canvas; an empty scene, a loading screen and a
  // sphere without its texture have few.
  const MIN_COLOURS = 12;
  const MIN_SHARE = 0.25;

  const seen = { at: {}, picture: null };
  window.immersiveBench = seen;
  const note = (name) => {
    seen.at[name] ??= performance.now();
  };

  // A WebGL canvas may otherwise be empty once it was shown.
  for (const type of [HTMLCanvasElement, window.OffscreenCanvas]) {
    if (!type) continue;
    const getContext = type.prototype.getContext;
    type.prototype.getContext = function (kind, options) {
      const isGl = kind === "webgl" || kind === "webgl2";
      return getContext.call(this, kind, isGl ? { ...options, preserveDrawingBuffer: true } : options);
    };
  }

  const sample = new OffscreenCanvas(WIDTH_PX, HEIGHT_PX);
  const brush = sample.getContext("2d", { willReadFrequently: true });

  // Elements below `root`, open shadow roots among them.
  function* all(root, name) {
    for (const element of root.querySelectorAll("*")) {
      if (element.localName === name) yield element;
      if (element.shadowRoot) yield* all(element.shadowRoot, name);
    }
  }

  function colours(canvas) {
    brush.clearRect(0, 0, WIDTH_PX, HEIGHT_PX);
    brush.drawImage(canvas, 0, 0, WIDTH_PX, HEIGHT_PX);
    const { data } = brush.getImageData(0, 0, WIDTH_PX, HEIGHT_PX);
    const kinds = new Set();
    let bright = 0;
    for (let i = 0; i < data.length; i += 4) {
      const [red, green, blue, alpha] = data.subarray(i, i + 4);
      if (alpha < 255 || Math.max(red, green, blue) < 40) continue;
      bright += 1;
      kinds.add((red >> 4) << 8 | (green >> 4) << 4 | (blue >> 4));
    }
    return { kinds: kinds.size, share: bright / (WIDTH_PX * HEIGHT_PX) };
  }

  function look() {
    // No picture comes before a decoded frame: until then nothing is read back from a canvas.
    let decoded = null;
    for (const video of all(document, "video")) {
      note("video element");
      if (video.readyState >= 1) note("metadata");
      if (video.readyState >= 2) {
        note("decoded frame");
        decoded = video;
      }
    }
    for (const canvas of all(document, "canvas")) {
      note("canvas");
      if (!decoded || !canvas.width || !canvas.height) continue;
      const found = colours(canvas);
      seen.last = found;
      if (found.kinds < MIN_COLOURS || found.share < MIN_SHARE) continue;
      note("picture");
      seen.picture = {
        ...found,
        at: seen.at.picture,
        video: [decoded.videoWidth, decoded.videoHeight],
        canvas: [canvas.width, canvas.height],
      };
      return;
    }
  }

  // A WebGPU canvas can be read only until it is shown: both sides are looked at right after
  // whatever of theirs was called to draw, before the browser shows it.
  const afterwards = (callback) => (...values) => {
    try {
      return callback(...values);
    } finally {
      if (!seen.picture) look();
    }
  };
  const hook = (prototype, name) => {
    const original = prototype[name];
    prototype[name] = function (callback) {
      return original.call(this, afterwards(callback));
    };
  };
  hook(window, "requestAnimationFrame");
  hook(HTMLVideoElement.prototype, "requestVideoFrameCallback");

  // Milestones are taken also while nobody draws.
  const keepLooking = () => {
    if (!seen.picture) requestAnimationFrame(keepLooking);
  };
  requestAnimationFrame(keepLooking);
})();

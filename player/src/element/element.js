// The class behind <immersive-player>. It forwards and holds nothing of its own: what a video
// element can do, the inner video does; everything else is answered by `create()`'s object, which
// lives in WebAssembly and keeps the host only while it is connected.

const MEDIA_EVENTS = [
  "abort", "canplay", "canplaythrough", "durationchange", "emptied", "ended", "loadeddata",
  "loadedmetadata", "loadstart", "pause", "play", "playing", "progress", "ratechange", "resize",
  "seeked", "seeking", "stalled", "suspend", "timeupdate", "volumechange", "waiting",
];
const MEDIA_PROPERTIES = [
  "autoplay", "buffered", "crossOrigin", "currentTime", "defaultMuted", "defaultPlaybackRate",
  "duration", "ended", "loop", "muted", "networkState", "paused", "playbackRate", "played",
  "playsInline", "poster", "preload", "preservesPitch", "readyState", "seekable", "seeking",
  "textTracks", "videoHeight", "videoWidth", "volume",
];
const MEDIA_ATTRIBUTES = [
  "autoplay", "crossorigin", "loop", "muted", "playsinline", "poster", "preload",
];

const FAULT =
  "The player has met a fault of its own and has stopped. Reload the page to go on.";
let faulty = false;
const players = new Set();

const STOP = Symbol("stop");

// WebAssembly asks for this, in the page and in the worker, and is told by `close` when an instance
// of it has trapped. After that nothing of it may be called again: every player stops and says so.
export function watchForTraps(close) {
  // WebAssembly of others may be on the page: our file is the one that calls this.
  const file = new Error().stack?.match(/[^\s(@]+?(?=:wasm-function)/)?.[0] ?? "";
  const hear = ({ error, reason = error }) => {
    if (faulty || !(reason instanceof WebAssembly.RuntimeError)) return;
    if (!reason.stack.includes(file)) return;
    faulty = true;
    close();
    for (const player of players) player.deref()?.[STOP]();
  };
  addEventListener("error", hear);
  addEventListener("unhandledrejection", hear);
}

const tell = (target, type, about) => target.dispatchEvent(Object.assign(new Event(type), about));

// `videoRenditions`, as media-tracks and media-chrome know it.
class VideoRenditionList extends EventTarget {
  #player;
  #entries = [];

  constructor(host, player) {
    super();
    this.#player = player;
    host.addEventListener("renditionschange", () => this.#refresh());
    host.addEventListener("renditionchange", () => this.dispatchEvent(new Event("change")));
  }

  #refresh() {
    for (const [index, rendition] of this.#entries.entries()) {
      delete this[index];
      tell(this, "removerendition", { rendition });
    }
    this.#entries = this.#player.get("renditionEntries");
    Object.assign(this, this.#entries);
    for (const rendition of this.#entries) tell(this, "addrendition", { rendition });
  }

  get length() { return this.#entries.length; }
  get selectedIndex() { return this.#player.get("selectedRendition"); }
  set selectedIndex(index) { this.#player.set("selectedRendition", index); }
  get activeIndex() { return this.#player.get("shownRendition"); }
  getRenditionById(id) { return this.#entries.find((entry) => entry.id === id) ?? null; }
  [Symbol.iterator]() { return this.#entries[Symbol.iterator](); }
}

// `audioTracks`, as HTML has it: one of them is enabled.
class AudioTrackList extends EventTarget {
  #player;
  #entries = [];

  constructor(host, player) {
    super();
    this.#player = player;
    host.addEventListener("audiotrackschange", () => {
      for (const [index, track] of this.#entries.entries()) {
        delete this[index];
        tell(this, "removetrack", { track });
      }
      this.#entries = player.get("audioEntries").map((entry, index) => Object.defineProperty(
        entry, "enabled", {
          enumerable: true,
          get: () => player.get("selectedAudio") === index,
          // One is always heard: it is chosen by enabling it, and ends with another one.
          set: (on) => on && player.set("selectedAudio", index),
        },
      ));
      Object.assign(this, this.#entries);
      for (const track of this.#entries) tell(this, "addtrack", { track });
    });
    host.addEventListener("audiotrackchange", () => this.dispatchEvent(new Event("change")));
  }

  get length() { return this.#entries.length; }
  getTrackById(id) { return this.#entries.find((entry) => entry.id === id) ?? null; }
  [Symbol.iterator]() { return this.#entries[Symbol.iterator](); }
}

// Nothing reaches an instance that has trapped.
function guarded(player) {
  return new Proxy(player, {
    get: (target, name) => (...values) => (faulty ? undefined : target[name](...values)),
  });
}

export function defineElement(tag, attributes, reflected, properties, methods, create) {
  if (customElements.get(tag)) return;

  class ImmersivePlayer extends HTMLElement {
    static observedAttributes = [...MEDIA_ATTRIBUTES, ...attributes];

    #root = this.attachShadow({ mode: "open", delegatesFocus: true });
    #video = document.createElement("video");
    #player = guarded(create());
    #internals = this.attachInternals?.();
    #reference = new WeakRef(this);
    #renditions = new VideoRenditionList(this, this.#player);
    #audioTracks = new AudioTrackList(this, this.#player);

    constructor() {
      super();
      this.#video.playsInline = true;
      for (const type of MEDIA_EVENTS) {
        this.#video.addEventListener(type, () => this.dispatchEvent(new Event(type)));
      }
    }

    connectedCallback() {
      // Properties that were set before the class was defined hide its accessors.
      for (const name of [...MEDIA_PROPERTIES, ...reflected, ...properties]) {
        if (Object.hasOwn(this, name)) {
          const value = this[name];
          delete this[name];
          this[name] = value;
        }
      }
      players.add(this.#reference);
      this.#player.connected(this, this.#root, this.#video, this.#internals?.states);
    }

    disconnectedCallback() {
      players.delete(this.#reference);
      this.#player.disconnected();
    }

    [STOP]() {
      this.#video.pause();
      const message = document.createElement("div");
      message.setAttribute("role", "alert");
      message.className = "fault";
      message.textContent = FAULT;
      this.#root.append(message);
      this.dispatchEvent(new Event("error"));
    }

    attributeChangedCallback(name, _old, value) {
      if (MEDIA_ATTRIBUTES.includes(name)) {
        if (value === null) this.#video.removeAttribute(name);
        else this.#video.setAttribute(name, value);
        // The attribute gives the state at the beginning; afterwards the property rules.
        if (name === "muted" && this.#video.readyState === 0) this.#video.muted = value !== null;
      } else {
        this.#player.attributeChanged(name, value);
      }
    }

    get videoRenditions() {
      return this.#renditions;
    }

    get audioTracks() {
      return this.#audioTracks;
    }

    addTextTrack(...values) {
      return this.#video.addTextTrack(...values);
    }

    async play() {
      try {
        await this.#video.play();
      } catch (error) {
        // The stream came after the call: it resets the video, and then plays. Whoever waits here
        // waits for that, as with a file.
        if (error.name !== "AbortError" || this.#video.paused) throw error;
        await this.#video.play();
      }
    }

    pause() {
      this.#video.pause();
    }

    canPlayType(type) {
      if (/^(application\/(vnd\.apple|x-)mpegurl|audio\/(x-)?mpegurl)/i.test(type)) return "maybe";
      return this.#video.canPlayType(type);
    }

    static {
      const define = (name, get, set) =>
        Object.defineProperty(this.prototype, name, {
          configurable: true, enumerable: true, get, set,
        });
      for (const name of MEDIA_PROPERTIES) {
        define(
          name,
          function () { return this.#video[name]; },
          function (value) { this.#video[name] = value; },
        );
      }
      for (const name of reflected) {
        const attribute = name.replace(/[A-Z]/g, (letter) => "-" + letter.toLowerCase());
        define(
          name,
          function () { return this.#player.get(name) ?? this.getAttribute(attribute) ?? ""; },
          function (value) {
            if (value === false || value === null || value === undefined) {
              this.removeAttribute(attribute);
            } else {
              this.setAttribute(attribute, value === true ? "" : value);
            }
          },
        );
      }
      for (const name of properties) {
        define(
          name,
          function () { return this.#player.get(name); },
          function (value) { this.#player.set(name, value); },
        );
      }
      for (const name of methods) {
        this.prototype[name] = function (...values) {
          return this.#player.call(name, values);
        };
      }
    }
  }

  customElements.define(tag, ImmersivePlayer);
}

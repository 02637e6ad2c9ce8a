// Type declarations for <immersive-player>.

export type Projection =
  | "auto" | "equirect" | "equirect180" | "fisheye" | "cubemap" | "eac" | "flat";

/** Mono, top and bottom, or side by side. */
export type Stereo = "auto" | "mono" | "tb" | "sbs";

/** All angles are degrees. */
export interface View {
  /** 0 is the centre of the equirectangular frame, positive to the right. */
  yaw: number;
  /** Positive up. */
  pitch: number;
  /** Positive clockwise. */
  roll: number;
  /** Vertical field of view. */
  fov: number;
}

export interface VideoRendition {
  readonly id: string;
  readonly width?: number;
  readonly height?: number;
  /** Bits per second. */
  readonly bitrate?: number;
  readonly frameRate?: number;
  readonly codec?: string;
}

export interface VideoRenditionList extends EventTarget, Iterable<VideoRendition> {
  readonly length: number;
  readonly [index: number]: VideoRendition;
  /** -1 for automatic. */
  selectedIndex: number;
  getRenditionById(id: string): VideoRendition | null;
}

export interface AudioTrack {
  readonly id: string;
  readonly kind: "main" | "alternative" | "descriptions";
  readonly label: string;
  readonly language: string;
  /** One is always enabled; enabling another one changes over without a gap. */
  enabled: boolean;
}

export interface AudioTrackList extends EventTarget, Iterable<AudioTrack> {
  readonly length: number;
  readonly [index: number]: AudioTrack;
  getTrackById(id: string): AudioTrack | null;
}

export interface Stats {
  backend: "webgpu" | "webgl2" | null;
  renderedFrames: number;
  droppedFrames: number;
  /** Mean time to bring a frame to the GPU, in milliseconds. */
  uploadMs: number;
  bandwidthKbps: number;
  /** Index into `videoRenditions` of what is shown. */
  rendition: number | null;
  bufferSecs: number;
  /** Behind the live edge; null on demand. */
  latencySecs: number | null;
  rebufferCount: number;
  rebufferSecs: number;
  /** How often playback was helped over a hole in the media. */
  gapJumps: number;
  /** How often it was woken with data at hand. */
  nudges: number;
  /** From `src` to the first frame. */
  startupMs: number | null;
  requests: number;
  bytes: number;
}

export interface PlayerError {
  /** As in MediaError. */
  readonly code: number;
  /** What is wrong, in plain words. */
  readonly message: string;
  readonly detail: {
    kind: "network" | "http" | "playlist" | "media" | "unsupported" | "decode";
    url?: string;
    /** HTTP status. */
    status?: number;
    /** What went wrong, and what was tried. */
    tried: string;
  };
}

export interface ImmersivePlayerEventMap extends HTMLElementEventMap {
  /** The camera moved. */
  viewchange: CustomEvent;
  projectionchange: CustomEvent;
  immersivechange: CustomEvent;
  /** `videoRenditions` has new entries: those that can be played here. */
  renditionschange: CustomEvent;
  /** Another rendition is shown. */
  renditionchange: CustomEvent;
  streamtypechange: CustomEvent;
  /** `audioTracks` has new entries. */
  audiotrackschange: CustomEvent;
  /** Another sound is heard. */
  audiotrackchange: CustomEvent;
  /** Playback has come into a range that the publisher marked (EXT-X-DATERANGE). */
  daterangeenter: CustomEvent<DateRange>;
  /** And is out of it. */
  daterangeleave: CustomEvent<{ readonly id: string }>;
}

/** EXT-X-DATERANGE of RFC 8216bis. */
export interface DateRange {
  readonly id: string;
  readonly class: string | null;
  readonly startDate: Date;
  /** null while it is open. */
  readonly endDate: Date | null;
  /** Everything else as it stands in the playlist: "SCTE35-OUT", "X-...". */
  readonly attributes: Readonly<Record<string, string>>;
}

/** What HTMLVideoElement has and <immersive-player> has too. */
type VideoMembers = Pick<
  HTMLVideoElement,
  | "addTextTrack" | "autoplay" | "buffered" | "canPlayType" | "controls" | "crossOrigin" | "currentTime"
  | "defaultMuted" | "defaultPlaybackRate" | "duration" | "ended" | "load" | "loop" | "muted"
  | "networkState" | "pause" | "paused" | "play" | "playbackRate" | "played" | "playsInline"
  | "poster" | "preload" | "preservesPitch" | "readyState" | "seekable" | "seeking" | "src"
  | "textTracks" | "videoHeight" | "videoWidth" | "volume"
>;

export interface ImmersivePlayerElement extends HTMLElement, VideoMembers {
  readonly error: PlayerError | null;

  projection: Projection;
  stereo: Stereo;
  yaw: number;
  pitch: number;
  roll: number;
  fov: number;
  minFov: number;
  maxFov: number;
  /** Smallest and largest yaw in degrees: "-90 90". */
  yawRange: string;
  /** Smallest and largest pitch in degrees: "-45 45". */
  pitchRange: string;
  /** Look around by turning the device. */
  gyro: boolean;
  /** Turn by itself, in degrees per second. */
  autorotate: boolean | number | string;

  lookAt(view: Partial<View>, options?: { /** Seconds. */ duration?: number }): void;
  /** Back to where the view began. */
  recenter(): void;
  enterImmersive(): Promise<void>;
  exitImmersive(): Promise<void>;
  /** Has to be called from a click or tap on some devices. */
  requestMotionPermission(): Promise<boolean>;
  /** A PNG of exactly the current view. */
  captureFrame(size?: { width?: number; height?: number }): Promise<Blob>;

  /**
   * With the attribute `trace`, set before `src`: everything that playback was decided by, as a text
   * for `cargo xtask replay`. The addresses in it are as they were asked for.
   */
  exportTrace(): Promise<string>;

  /** The same stream elsewhere, played when `src` fails for good. */
  backup: string;
  /** Tells servers how playback goes (CTA-5004-A): "query", or "headers", which they must allow. */
  cmcd: "" | "query" | "headers";

  /** Takes few bytes; without it, as the browser's own data saver says. */
  saveData: boolean;

  readonly videoRenditions: VideoRenditionList;
  readonly audioTracks: AudioTrackList;
  readonly streamType: "live" | "on-demand" | "unknown";
  readonly liveEdgeStart: number;
  readonly targetLiveWindow: number;
  /** Seconds behind the live edge. */
  readonly latency: number | null;
  readonly stats: Stats;

  addEventListener<K extends keyof ImmersivePlayerEventMap>(
    type: K,
    listener: (this: ImmersivePlayerElement, event: ImmersivePlayerEventMap[K]) => unknown,
    options?: boolean | AddEventListenerOptions,
  ): void;
  addEventListener(
    type: string,
    listener: EventListenerOrEventListenerObject,
    options?: boolean | AddEventListenerOptions,
  ): void;
}

declare global {
  interface HTMLElementTagNameMap {
    "immersive-player": ImmersivePlayerElement;
  }
}

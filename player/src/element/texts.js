// Subtitles. Text tracks of the inner video hold the cues, so `textTracks` is what pages know from
// any video; what is showing is drawn into a layer over the picture, because the video itself
// is not seen.

// Live streams bring subtitles without end.
const MOST_CUES = 5000;
// Lines that a picture is taken to have, for cues that count in lines (WebVTT section 7.2).
const LINES = 15;

export class Texts {
  #video;
  #layer;
  #tracks = [];
  // All that were ever made.
  #pool = [];
  #redraw = () => this.#draw();
  #changed = () => {
    this.#draw();
    this.#layer.dispatchEvent(new Event("choose"));
  };

  constructor(video, layer) {
    this.#video = video;
    this.#layer = layer;
    video.textTracks.addEventListener("change", this.#changed);
  }

  // Whatever was chosen of the tracks before, by its name, stays chosen. Tracks cannot be taken out
  // of a video: those of an earlier stream are used again. (`<track>` elements could, but one
  // without a file holds playback back for ever.)
  setTracks(entries) {
    const chosen = this.#tracks[this.selected()]?.label;
    for (const track of this.#tracks) {
      track.mode = "hidden";
      for (const cue of [...track.cues]) track.removeCue(cue);
      track.mode = "disabled";
    }
    const free = new Set(this.#pool);
    this.#tracks = entries.map(({ label, language, kind }) => {
      const known = [...free].find((track) =>
        track.kind === kind && track.label === label && track.language === language);
      free.delete(known);
      return known ?? this.#add(kind, label, language);
    });
    const known = entries.findIndex(({ label }) => label === chosen);
    this.select(known >= 0 ? known : entries.findIndex((entry) => entry.default));
    this.#draw();
  }

  #add(kind, label, language) {
    const track = this.#video.addTextTrack(kind, label, language);
    track.mode = "disabled";
    track.addEventListener("cuechange", this.#redraw);
    this.#pool.push(track);
    return track;
  }

  // Start, end, settings and text of each cue, one after the other.
  addCues(index, flat) {
    const track = this.#tracks[index];
    // A track that is disabled has no list of cues; what comes for it comes too late.
    if (!track?.cues) return;
    for (let at = 0; at < flat.length; at += 4) {
      const cue = new VTTCue(flat[at], flat[at + 1], flat[at + 3]);
      apply(cue, flat[at + 2]);
      const same = [...track.cues].some((other) =>
        other.startTime === cue.startTime && other.endTime === cue.endTime && other.text === cue.text);
      if (!same) track.addCue(cue);
    }
    while (track.cues.length > MOST_CUES) track.removeCue(track.cues[0]);
  }

  // -1 for none.
  select(index) {
    this.#tracks.forEach((track, at) => {
      const mode = at === index ? "showing" : "disabled";
      if (track.mode !== mode) track.mode = mode;
    });
  }

  // The track whose cues are wanted: one that shows, else one that a page listens to.
  selected() {
    const of = (mode) => this.#tracks.findIndex((track) => track.mode === mode);
    return of("showing") >= 0 ? of("showing") : of("hidden");
  }

  close() {
    this.#video.textTracks.removeEventListener("change", this.#changed);
    this.setTracks([]);
    for (const track of this.#pool) track.removeEventListener("cuechange", this.#redraw);
  }

  #draw() {
    const boxes = [];
    for (const track of this.#video.textTracks) {
      const draws = track.mode === "showing" && /^(captions|subtitles)$/.test(track.kind);
      for (const cue of (draws && track.activeCues) || []) boxes.push(this.#box(cue, track.language));
    }
    this.#layer.replaceChildren(...boxes);
  }

  #box(cue, language) {
    const box = this.#video.ownerDocument.createElement("div");
    const text = this.#video.ownerDocument.createElement("span");
    box.className = "cue";
    box.lang = language;
    box.dir = "auto";
    text.append(cue.getCueAsHTML?.() ?? cue.text);
    box.append(text);
    place(box, cue);
    return box;
  }
}

function apply(cue, settings) {
  for (const setting of settings.split(/\s+/)) {
    const [name, value = ""] = setting.split(":");
    const [number, alignment] = value.split(",");
    const percent = parseFloat(number);
    // A value that is none throws, and is passed over, as browsers do in files.
    try {
      if (name === "line" && !Number.isNaN(percent)) {
        cue.snapToLines = !number.endsWith("%");
        cue.line = percent;
        if (alignment) cue.lineAlign = alignment;
      } else if (name === "position" && number.endsWith("%")) {
        cue.position = percent;
        if (alignment) cue.positionAlign = alignment;
      } else if (name === "size" && number.endsWith("%")) {
        cue.size = percent;
      } else if (name === "align" || name === "vertical") {
        cue[name] = value;
      }
    } catch { /* as above */ }
  }
}

// Cues without a place of their own stack at the bottom.
function place(box, { line, snapToLines, position, positionAlign, size, align }) {
  box.style.textAlign = align;
  if (position !== "auto" || size !== 100) {
    const at = position === "auto" ? 50 : position;
    const side = positionAlign === "auto" ? align : positionAlign;
    const before = /left|start/.test(side) ? 0 : /right|end/.test(side) ? size : size / 2;
    const left = Math.min(Math.max(at - before, 0), 100 - size);
    box.style.marginLeft = `${Math.max(left, 0)}%`;
    box.style.width = `${Math.min(size, 100)}%`;
  }
  if (line === "auto" || (snapToLines && line < 0)) return;
  const percent = Math.min(Math.max(snapToLines ? (line * 100) / LINES : line, 0), 100);
  box.classList.add("placed");
  if (percent < 50) box.style.top = `${percent}%`;
  else box.style.bottom = `${100 - percent}%`;
}

// The operator's page: asks the origin how it is every two seconds and shows it.

const REFRESH_MILLIS = 2000;
const PICTURE_MILLIS = 5000;
const LISTED_RECORDINGS = 20;

const byId = (id) => document.getElementById(id);
const before = new Map();
const cards = new Map();

/** A number with its unit, the unit small. */
function figure(element, text) {
  const [, value, unit] = /^([^a-zA-Z]*)(.*)$/.exec(text);
  const small = document.createElement("small");
  small.textContent = unit;
  element.replaceChildren(value, small);
}

function bits(perSecond) {
  if (!(perSecond >= 0)) return "–";
  if (perSecond >= 1e9) return `${(perSecond / 1e9).toFixed(2)} Gb/s`;
  if (perSecond >= 1e6) return `${(perSecond / 1e6).toFixed(1)} Mb/s`;
  return `${Math.round(perSecond / 1e3)} kb/s`;
}

function bytes(count) {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let at = 0;
  while (count >= 1000 && at < units.length - 1) {
    count /= 1000;
    at += 1;
  }
  return `${count.toFixed(at > 1 ? 1 : 0)} ${units[at]}`;
}

function duration(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const [days, hours, minutes] = [Math.floor(whole / 86400), Math.floor(whole / 3600) % 24, Math.floor(whole / 60) % 60];
  if (days) return `${days} d ${hours} h`;
  if (hours) return `${hours} h ${minutes} min`;
  if (minutes) return `${minutes} min ${whole % 60} s`;
  return `${whole} s`;
}

/** Bits per second since this counter was read last; NaN the first time. */
function rate(key, count, now) {
  const last = before.get(key);
  before.set(key, { count, now });
  if (!last || count < last.count || now <= last.now) return NaN;
  return ((count - last.count) * 8000) / (now - last.now);
}

function play(url) {
  return `./?url=${encodeURIComponent(url)}`;
}

function list(element, texts, decorate = () => {}) {
  element.hidden = texts.length === 0;
  const items = texts.map((text, index) => {
    const item = document.createElement("li");
    item.textContent = text;
    decorate(item, index);
    return item;
  });
  element.replaceChildren(...items);
}

function card(stream) {
  let known = cards.get(stream.name);
  if (!known) {
    const element = byId("stream").content.cloneNode(true).firstElementChild;
    const image = element.querySelector("img");
    image.addEventListener("error", () => image.classList.add("none"));
    image.addEventListener("load", () => image.classList.remove("none"));
    known = { element, image, pictureAt: 0 };
    cards.set(stream.name, known);
    byId("streams").append(element);
  }
  return known;
}

const STATES = { live: "Live", waiting: "Waiting for the encoder", ended: "Ended" };

function showStream(stream, now) {
  const known = card(stream);
  const find = (selector) => known.element.querySelector(selector);
  find("h3").textContent = stream.name;
  find(".source").textContent = stream.source ? `from ${stream.source}` : "no encoder";
  const state = find(".state");
  state.textContent = STATES[stream.state] ?? stream.state;
  state.className = `state ${stream.state}`;
  const link = find(".picture");
  link.href = play(stream.url);
  link.setAttribute("aria-label", `Play ${stream.name}`);
  const set = (key, text) => figure(find(`[data-key=${key}]`), text);
  const [inRate, outRate] = [rate(`${stream.name} in`, stream.ingest_bytes, now), rate(`${stream.name} out`, stream.bytes_served, now)];
  set("viewers", String(stream.viewers));
  set("in", bits(inRate));
  set("out", bits(outRate));
  find("[data-key=age]").textContent = new Date(stream.started_unix_secs * 1000).toLocaleTimeString([], { timeStyle: "short" });
  const rungs = stream.rungs.toSorted((a, b) => b.width - a.width);
  const texts = rungs.map((rung) => {
    const size = rung.width ? `${rung.width}×${rung.height}` : "Sound";
    return `${size}, ${bits(rung.average_bps)}${rung.dropped ? ", dropped" : ""}`;
  });
  list(find(".rungs"), texts, (item, index) => item.classList.toggle("dropped", rungs[index].dropped));
  list(find(".warnings"), stream.warnings);
  if (stream.state === "live" && now - known.pictureAt >= PICTURE_MILLIS) {
    known.pictureAt = now;
    known.image.src = `api/streams/${encodeURIComponent(stream.name)}/picture.jpg?at=${Math.floor(now / PICTURE_MILLIS)}`;
  }
  return { inRate: inRate || 0, outRate: outRate || 0 };
}

function showStreams(report, now) {
  const rates = report.streams.map((stream) => showStream(stream, now));
  for (const [name, known] of cards) {
    if (!report.streams.some((stream) => stream.name === name)) {
      known.element.remove();
      cards.delete(name);
    }
  }
  const sum = (values) => values.reduce((total, value) => total + value, 0);
  byId("nothing").hidden = report.streams.length > 0;
  byId("live").textContent = report.streams.filter((stream) => stream.state === "live").length;
  byId("viewers").textContent = sum(report.streams.map((stream) => stream.viewers));
  figure(byId("in"), bits(sum(rates.map((each) => each.inRate))));
  figure(byId("out"), bits(sum(rates.map((each) => each.outRate))));
  byId("uptime").textContent = duration(report.uptime_secs);
  byId("version").textContent = report.version;
  const notices = report.notices.map((notice) => {
    const line = document.createElement("p");
    line.textContent = notice.text;
    return line;
  });
  const box = byId("notices");
  // Read out only what is new.
  if (box.textContent !== notices.map((line) => line.textContent).join("")) box.replaceChildren(...notices);
  box.hidden = notices.length === 0;
}

function cell(row, content, className = "") {
  const element = document.createElement("td");
  element.className = className;
  element.append(content);
  row.append(element);
  return element;
}

function showRecordings(recordings) {
  byId("recordings-section").hidden = recordings.length === 0;
  const newest = recordings.slice(-LISTED_RECORDINGS).reverse();
  const rows = newest.map((recording) => {
    const row = document.createElement("tr");
    const name = cell(row, recording.name);
    if (!recording.complete) {
      const going = document.createElement("span");
      going.className = "going";
      going.textContent = "recording";
      name.append(going);
    }
    cell(row, new Date(recording.began_unix_ms).toLocaleString());
    cell(row, duration(recording.duration_ms / 1000), "n");
    cell(row, bytes(recording.bytes), "n");
    const link = document.createElement("a");
    link.href = play(recording.url);
    link.textContent = "Play";
    link.setAttribute("aria-label", `Play ${recording.name}`);
    cell(row, link);
    return row;
  });
  // What has the focus stays.
  if (!byId("recordings").contains(document.activeElement)) byId("recordings").replaceChildren(...rows);
  const hidden = recordings.length - newest.length;
  byId("more").textContent = hidden > 0 ? `${hidden} older ones are in /api/recordings.` : "";
}

function showLink(state, text) {
  byId("link").className = `link ${state}`;
  if (byId("link-text").textContent !== text) byId("link-text").textContent = text;
}

async function json(path) {
  const response = await fetch(path, { cache: "no-store" });
  if (!response.ok) throw new Error(`${response.status}`);
  return response.json();
}

async function refresh() {
  try {
    const [report, recordings] = await Promise.all([json("api/streams"), json("api/recordings")]);
    showStreams(report, Date.now());
    showRecordings(recordings);
    showLink("ok", "Up to date");
  } catch {
    showLink("lost", "The origin does not answer: trying again");
  }
  setTimeout(refresh, document.hidden ? REFRESH_MILLIS * 5 : REFRESH_MILLIS);
}

byId("publish-to").textContent = `rtmp://${location.hostname}/live`;
refresh();

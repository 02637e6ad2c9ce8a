// What a browser knows of the network before anything has come through it.

const KEY = "immersive-player:bandwidth-bps";
// Where it knows no more, a browser says this for whatever is faster, in Mb/s.
const MOST_THAT_IS_TOLD = 10;

// Bits per second: what the last session found, unless the network is slower now; 0 if unknown.
export function bandwidthHint() {
  const { downlink } = navigator.connection ?? {};
  const told = downlink < MOST_THAT_IS_TOLD ? downlink * 1e6 : Infinity;
  let found = 0;
  try {
    found = Number(localStorage.getItem(KEY)) || 0;
  } catch {} // A page may be forbidden to keep anything.
  return found ? Math.min(found, told) : told % Infinity || 0;
}

export function rememberBandwidth(bps) {
  try {
    localStorage.setItem(KEY, Math.round(bps));
  } catch {} // As above, or its store is full.
}

// Whether the viewer has asked for few bytes.
export function savesData() {
  return navigator.connection?.saveData === true;
}

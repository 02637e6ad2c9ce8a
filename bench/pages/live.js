// hls.js as it comes, which includes its low-latency mode, without anything that draws: whatever
// time a sphere takes is not counted against it.
const video = document.getElementById("flat");
const hls = new Hls();
hls.loadSource(new URLSearchParams(location.search).get("url"));
hls.attachMedia(video);
hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());
Object.assign(window, { hls, peer: video });

// hls.js as its README has it: load, attach, play when the playlist is there.
const video = document.getElementById("sphere");
const hls = new Hls();
hls.loadSource(new URLSearchParams(location.search).get("url"));
hls.attachMedia(video);
hls.on(Hls.Events.MANIFEST_PARSED, () => video.play());

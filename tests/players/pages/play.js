// Plays ?url=... with ?player=hls.js or ?player=shaka, close to the live edge with ?low.
const asked = new URLSearchParams(location.search);
const video = document.querySelector('video');
const low = asked.has('low');

const players = {
  'hls.js'(url) {
    const silent = () => {};
    const hls = new Hls({
      lowLatencyMode: low,
      debug: {
        trace: silent, debug: silent, log: silent, info: silent, warn: console.warn, error: console.error,
      },
    });
    // For tests that choose a sound.
    window.hls = hls;
    hls.on(Hls.Events.ERROR, (_, { type, details, fatal }) => told.push(`error: ${type} ${details}${fatal ? ', fatal' : ''}`));
    hls.loadSource(url);
    hls.attachMedia(video);
    video.play();
  },
  async shaka(url) {
    shaka.log.setLevel(shaka.log.Level.WARNING);
    const player = new shaka.Player();
    player.addEventListener('error', ({ detail }) => told.push(`error: ${detail.code} ${detail.data}`));
    player.configure({ streaming: { lowLatencyMode: low } });
    await player.attach(video);
    await player.load(url);
    // Before that, loading would interrupt it.
    await video.play();
  },
};

players[asked.get('player')](asked.get('url'));

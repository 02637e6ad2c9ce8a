// Media Capabilities: whether videos are decoded without dropping frames. Each is
// [contentType, width, height, bitrate, framerate]. Where a browser does not know, they are.
export const areSmooth = (videos) => Promise.all(videos.map(
  async ([contentType, width, height, bitrate, framerate]) => {
    try {
      const video = { contentType, width, height, bitrate, framerate };
      const info = await navigator.mediaCapabilities.decodingInfo({ type: "media-source", video });
      return info.smooth;
    } catch {
      return true;
    }
  },
));

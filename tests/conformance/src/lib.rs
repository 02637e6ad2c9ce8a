//! Media against ffmpeg and ffprobe: what goes in comes out, packet for packet.

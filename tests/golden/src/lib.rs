//! Pictures against CPU mathematics and ffmpeg v360.

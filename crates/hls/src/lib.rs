//! HLS playlists: parsed, merged on reload, written.

//! The playback brain: a state machine without I/O.

pub mod io;

//! Whole playback sessions on a virtual clock and a simulated network.

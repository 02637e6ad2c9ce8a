//! What can be set before playing. The defaults are what ships.

/// Limits and habits of an [`crate::Engine`].
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// Media to hold ahead of the playhead.
    pub buffer_target_secs: f64,
    /// Bytes to hold ahead of the playhead at most: browsers refuse more than 150 MB of video.
    pub buffer_max_bytes: u64,
    /// Media to keep behind the playhead, for short seeks back.
    pub back_buffer_secs: f64,
    /// The rule that chooses renditions: one of [`crate::RULES`].
    pub rule: &'static str,
    /// What the network is believed to carry before anything is known, bits per second.
    pub start_bandwidth_bps: f64,
    /// Distance from the end of a live playlist that does not ask for one, in target durations
    /// (RFC 8216bis section 6.3.3 asks for at least three).
    pub live_hold_back_targets: f64,
    /// Whether parts of segments are played before the segments are complete, where a stream
    /// offers them (low-latency HLS).
    pub low_latency: bool,
    /// How long nothing may arrive, and for half of that there may be nothing left to play, before
    /// playback fails.
    pub give_up_after_secs: f64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            buffer_target_secs: 30.0,
            buffer_max_bytes: 100_000_000,
            back_buffer_secs: 20.0,
            rule: crate::abr::DEFAULT_RULE,
            start_bandwidth_bps: 1_500_000.0,
            live_hold_back_targets: 3.0,
            low_latency: true,
            give_up_after_secs: 60.0,
        }
    }
}

//! How each message crosses.

use immersive_engine::io::{
    Cmcd, Cue, DateRangeInfo, Event, Failure, FailureKind, RenditionInfo, SeekReason, Severity,
    Stats, StreamType, TrackInfo,
};
use wasm_bindgen::JsValue;

use super::wire::{wire_enum, wire_struct};
use crate::driver::{Command, MediaSnapshot, PlayerEvent};

wire_enum!(Command {
    0u8 => Load { url, start_secs, seed, bandwidth_hint_bps, backup_url, cmcd, trace },
    1u8 => Unload,
    2u8 => SelectRendition(index),
    3u8 => Viewport { width_px, height_px, fov_degrees },
    4u8 => Media(snapshot),
    5u8 => MediaFailed { code, message },
    6u8 => Online(online),
    7u8 => Visible(visible),
    8u8 => SelectAudio(index),
    9u8 => SelectText(index),
    10u8 => LargestTexture(side_px),
    11u8 => SaveData(saves_data),
    12u8 => ExportTrace,
});

wire_struct!(MediaSnapshot {
    position_secs,
    paused,
    seeking,
    ended,
    ready_state,
    playback_rate,
    decoded_frames,
    dropped_frames,
});

wire_enum!(PlayerEvent {
    0u8 => Attach(source),
    1u8 => Seek { position_secs, reason },
    2u8 => SetPlaybackRate(rate),
    3u8 => Engine(event),
    4u8 => Failed(failure),
    5u8 => Stats(stats),
    6u8 => DriverLost(detail),
    7u8 => Trace(text),
});

wire_enum!(Event {
    0u8 => Renditions(renditions),
    1u8 => StreamType(stream_type),
    2u8 => RenditionSelected { index, automatic },
    3u8 => RenditionShown { index },
    4u8 => Buffering(buffering),
    5u8 => Warning { severity, text },
    6u8 => AudioTracks(tracks),
    7u8 => AudioSelected { index },
    8u8 => TextTracks(tracks),
    9u8 => Cues { track, cues },
    10u8 => DateRangeEntered(range),
    11u8 => DateRangeLeft { id },
});

wire_struct!(RenditionInfo { bandwidth_bps, width_px, height_px, codecs, frame_rate });
wire_struct!(DateRangeInfo { id, class, start_ms, end_ms, attributes });
wire_struct!(TrackInfo { name, language, default, forced, characteristics });
wire_struct!(Cue { start_secs, end_secs, settings, text });
wire_struct!(Failure { kind, url, status, detail });
wire_struct!(Stats {
    bandwidth_kbps,
    rendition,
    buffer_secs,
    latency_secs,
    live_edge_secs,
    rebuffer_count,
    rebuffer_secs,
    gap_jumps,
    nudges,
    startup_ms,
    requests,
    bytes,
});
wire_enum!(Severity { 0u8 => Unnoticed, 1u8 => Degraded, 2u8 => Interrupted });
wire_enum!(Cmcd { 0u8 => Off, 1u8 => Query, 2u8 => Headers });
wire_enum!(StreamType { 0u8 => Live, 1u8 => OnDemand });
wire_enum!(SeekReason { 0u8 => Start, 1u8 => Gap, 2u8 => Nudge, 3u8 => BehindWindow, 4u8 => LiveEdge });
wire_enum!(FailureKind {
    0u8 => Network,
    1u8 => Http,
    2u8 => Playlist,
    3u8 => Media,
    4u8 => Unsupported,
    5u8 => Decode,
});

/// What must be moved, not copied, with an event: the handle of a `MediaSource`.
pub fn transferred(event: &PlayerEvent) -> Option<&JsValue> {
    match event {
        PlayerEvent::Attach(source) => Some(source),
        _ => None,
    }
}

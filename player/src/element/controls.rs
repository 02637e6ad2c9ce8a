//! From what the player knows to what the controls show.

use immersive_engine::io::StreamType;
use web_sys::HtmlVideoElement;

use super::player::Player;
use super::stream::Stream;
use super::{fullscreen, media, messages};
use crate::ui::UiState;

/// This close to where live playback holds back to counts as live.
const LIVE_TOLERANCE_SECS: f64 = 6.0;

/// Everything that the controls show, as it is now.
pub fn ui_state(player: &Player) -> UiState {
    let video = &player.video;
    let stream = player.stream.borrow();
    let live = stream.stream_type == Some(StreamType::Live);
    let position_secs = video.current_time();
    UiState {
        started: stream.started || awaits_autoplay(video),
        playing: !video.paused(),
        ended: video.ended(),
        buffering: is_buffering(video, &stream),
        muted: video.muted(),
        volume: video.volume(),
        position_secs,
        duration_secs: video.duration(),
        seekable: media::seekable(video),
        buffered_end_secs: media::buffered_end_secs(video, position_secs),
        live,
        at_live_edge: live && live_edge_secs(video, &stream) - position_secs < LIVE_TOLERANCE_SECS,
        latency_secs: stream.stats.latency_secs,
        fullscreen: fullscreen::is_on(&player.host),
        can_fullscreen: fullscreen::is_possible(&player.host),
        can_immerse: false,
        immersed: false,
        renditions: stream.renditions.clone(),
        selected: stream.selected,
        shown: stream.shown,
        audio_tracks: stream.audio_tracks.clone(),
        audio: stream.audio,
        text_tracks: stream.text_tracks.clone(),
        text: player.texts.selected(),
        offline: stream.offline && !player.source.is_file(),
        message: stream.failure.as_ref().map(messages::message),
    }
}

/// Autoplay may still begin; once everything is there and it has not, the browser forbids it.
fn awaits_autoplay(video: &HtmlVideoElement) -> bool {
    const HAVE_ENOUGH_DATA: u16 = 4;
    video.autoplay() && video.ready_state() < HAVE_ENOUGH_DATA
}

fn is_buffering(video: &HtmlVideoElement, stream: &Stream) -> bool {
    let has_source = video.network_state() != 0 || !stream.renditions.is_empty();
    let wants_data = !video.paused() || video.seeking();
    let lacks_data = video.ready_state() < 3 && !video.ended();
    stream.failure.is_none() && wants_data && (stream.buffering || lacks_data) && has_source
}

/// Where live playback is meant to be now; before that is known, the end of what can be sought to.
pub fn live_edge_secs(video: &HtmlVideoElement, stream: &Stream) -> f64 {
    let seekable = media::seekable(video);
    let edge_secs = stream.stats.live_edge_secs.unwrap_or(seekable.end_secs);
    edge_secs.clamp(seekable.start_secs, seekable.end_secs)
}

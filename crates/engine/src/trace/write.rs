//! Inputs to lines.

use std::fmt::{Display, Write};
use std::time::Duration;

use super::{FIRST_LINE, FULL};
use crate::Config;
use crate::io::*;

/// Collects the lines of one session.
#[derive(Debug)]
pub(crate) struct Recorder {
    text: String,
    limit_bytes: usize,
    recording: bool,
}

impl Recorder {
    /// Memory for a little more than `limit_bytes` at most.
    pub(crate) fn new(limit_bytes: usize) -> Self {
        Self { text: String::new(), limit_bytes, recording: false }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// Takes down an input; a `Load` begins anew. `requests_before` is the number of the last request.
    pub(crate) fn record(
        &mut self,
        config: &Config,
        requests_before: u64,
        now: Instant,
        input: &Input<'_>,
    ) {
        if matches!(input, Input::Load(_)) {
            self.text.clear();
            self.recording = true;
            self.text.push_str(FIRST_LINE);
            self.text.push('\n');
            write_config(&mut self.text, config, requests_before);
        }
        if !self.recording {
            return;
        }
        if self.text.len() >= self.limit_bytes {
            self.recording = false;
            self.text.push_str(FULL);
            self.text.push('\n');
            return;
        }
        let mut line = Line(&mut self.text);
        let _ = write!(line.0, "{}", now.as_micros());
        line.input(input);
        self.text.push('\n');
    }
}

fn write_config(text: &mut String, config: &Config, requests_before: u64) {
    // By its parts, so that a new field is not forgotten here.
    let Config {
        buffer_target_secs,
        buffer_max_bytes,
        back_buffer_secs,
        rule,
        start_bandwidth_bps,
        live_hold_back_targets,
        low_latency,
        give_up_after_secs,
    } = config;
    let _ = writeln!(
        text,
        "config buffer_target_secs={} buffer_max_bytes={buffer_max_bytes} back_buffer_secs={} \
         rule={rule} start_bandwidth_bps={} live_hold_back_targets={} low_latency={low_latency} \
         give_up_after_secs={} requests_before={requests_before}",
        Real(*buffer_target_secs),
        Real(*back_buffer_secs),
        Real(*start_bandwidth_bps),
        Real(*live_hold_back_targets),
        Real(*give_up_after_secs)
    );
}

/// A number that is read as the same bits: what a browser downloads has no decimals for it.
struct Real(f64);

impl Display for Real {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let whole = self.0 as i32;
        if f64::from(whole).to_bits() == self.0.to_bits() {
            write!(f, "{whole}")
        } else {
            write!(f, "x{:x}", self.0.to_bits())
        }
    }
}

/// One line: each field brings the space before it.
struct Line<'t>(&'t mut String);

impl Line<'_> {
    fn put(&mut self, field: impl Display) {
        let _ = write!(self.0, " {field}");
    }

    fn put_or_none(&mut self, field: Option<impl Display>) {
        match field {
            Some(field) => self.put(field),
            None => self.put('-'),
        }
    }

    fn flag(&mut self, flag: bool) {
        self.put(u8::from(flag));
    }

    fn micros(&mut self, duration: Duration) {
        self.put(duration.as_micros());
    }

    fn text(&mut self, text: &str) {
        self.0.push(' ');
        match text {
            "" => self.0.push_str("\\e"),
            "-" => self.0.push_str("\\-"),
            _ => {
                for c in text.chars() {
                    match c {
                        ' ' => self.0.push_str("\\s"),
                        '\n' => self.0.push_str("\\n"),
                        '\r' => self.0.push_str("\\r"),
                        '\t' => self.0.push_str("\\t"),
                        '\\' => self.0.push_str("\\\\"),
                        other => self.0.push(other),
                    }
                }
            }
        }
    }

    fn answer(&mut self, verb: &str, request: RequestId, transfer: Transfer) {
        self.put(verb);
        self.put(request.0);
        self.micros(transfer.first_byte_after);
        self.micros(transfer.complete_after);
        self.put(transfer.bytes);
    }

    fn input(&mut self, input: &Input<'_>) {
        match input {
            Input::Load(load) => self.load(load),
            Input::Unload => self.put("unload"),
            Input::Tick => self.put("tick"),
            Input::SelectRendition(choice) => {
                self.put("rendition");
                self.put_or_none(*choice);
            }
            Input::SelectAudio(index) => self.put(format_args!("audio {index}")),
            Input::SelectText(choice) => {
                self.put("subtitles");
                self.put_or_none(*choice);
            }
            Input::Viewport { width_px, height_px, fov_degrees } => {
                let fov_degrees = Real(*fov_degrees);
                self.put(format_args!("viewport {width_px} {height_px} {fov_degrees}"));
            }
            Input::LargestTexture { side_px } => self.put(format_args!("texture {side_px}")),
            Input::SaveData(saves) => self.put(format_args!("saver {}", u8::from(*saves))),
            Input::RenditionsRated { smooth } => {
                self.put("rated");
                smooth.iter().for_each(|smooth| self.flag(*smooth));
            }
            Input::Media(state) => self.media(state),
            Input::Visible(visible) => self.put(format_args!("visible {}", u8::from(*visible))),
            Input::RenditionsProbed { playable } => {
                self.put("probed");
                playable.iter().for_each(|playable| self.flag(*playable));
            }
            Input::SinkOpen => self.put("open"),
            Input::Progress { request, received_bytes } => {
                self.put(format_args!("progress {} {received_bytes}", request.0));
            }
            Input::PlaylistLoaded { request, final_url, body, transfer } => {
                self.answer("playlist", *request, *transfer);
                self.text(final_url);
                self.text(body);
            }
            Input::AuxiliaryLoaded { request, transfer } => {
                self.answer("auxiliary", *request, *transfer);
            }
            Input::TextLoaded { request, body, transfer } => {
                self.answer("cues", *request, *transfer);
                self.text(body);
            }
            Input::SegmentLoaded { request, transfer, tracks } => {
                self.answer("segment", *request, *transfer);
                tracks.iter().for_each(|track| self.track(track));
            }
            Input::RequestFailed { request, error } => self.failed(*request, error),
            Input::Appended { request } => self.put(format_args!("appended {}", request.0)),
            Input::AppendFailed { request, error } => {
                self.put(format_args!("refused {}", request.0));
                match error {
                    AppendError::QuotaExceeded => self.put("quota"),
                    AppendError::Rejected { detail } => {
                        self.put("rejected");
                        self.text(detail);
                    }
                }
            }
            Input::MediaFailed { code, message } => {
                self.put(format_args!("broke {code}"));
                self.text(message);
            }
            Input::Online(online) => self.put(format_args!("online {}", u8::from(*online))),
        }
    }

    fn load(&mut self, load: &Load<'_>) {
        self.put("load");
        self.text(load.url);
        self.put_or_none(load.start_secs.map(Real));
        self.put(load.seed);
        self.put_or_none(load.bandwidth_hint_bps.map(Real));
        match load.backup_url {
            Some(url) => self.text(url),
            None => self.put('-'),
        }
        self.put(match load.cmcd {
            Cmcd::Off => "off",
            Cmcd::Query => "query",
            Cmcd::Headers => "headers",
        });
    }

    fn media(&mut self, state: &MediaState<'_>) {
        self.put("media");
        self.put(Real(state.position_secs));
        self.0.push(' ');
        let flags = [(state.paused, 'p'), (state.seeking, 's'), (state.ended, 'e')];
        let before = self.0.len();
        self.0.extend(flags.into_iter().filter(|(set, _)| *set).map(|(_, name)| name));
        if self.0.len() == before {
            self.0.push('-');
        }
        self.put(state.ready_state);
        self.put(Real(state.playback_rate));
        self.put(state.decoded_frames);
        self.put(state.dropped_frames);
        self.put(Real(state.wall_clock_ms));
        for range in state.buffered {
            self.put(format_args!("{}..{}", Real(range.start_secs), Real(range.end_secs)));
        }
    }

    fn track(&mut self, track: &TrackTiming) {
        self.put(match track.kind {
            TrackKind::Video => "video",
            TrackKind::Audio => "audio",
        });
        self.text(&track.codec);
        for at in [track.start, track.end] {
            self.put(at.ticks);
            self.put(at.timescale);
        }
    }

    fn failed(&mut self, request: RequestId, error: &RequestError) {
        self.put(format_args!("failed {}", request.0));
        match error {
            RequestError::Status { status, retry_after } => {
                self.put(format_args!("status {status}"));
                self.put_or_none(retry_after.map(|after| after.as_micros()));
            }
            RequestError::Network { detail } => {
                self.put("network");
                self.text(detail);
            }
            RequestError::Timeout => self.put("timeout"),
            RequestError::Malformed { detail } => {
                self.put("malformed");
                self.text(detail);
            }
            RequestError::Unsupported { detail } => {
                self.put("unsupported");
                self.text(detail);
            }
        }
    }
}

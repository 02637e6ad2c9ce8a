//! Lines to inputs.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use immersive_media::time::{Timescale, Timestamp};

use super::{FIRST_LINE, FULL};
use crate::Config;
use crate::io::*;

/// What is wrong with the text of a trace, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TraceError {
    line: usize,
    detail: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {} of the trace: {}", self.line, self.detail)
    }
}

impl std::error::Error for TraceError {}

/// The text of a trace, being read.
#[derive(Debug)]
pub struct Trace<'t> {
    /// The settings of the engine that it was taken down from.
    pub config: Config,
    /// The number of the last request that the engine had made before.
    pub requests_before: u64,
    lines: std::str::Lines<'t>,
    line: usize,
}

impl<'t> Trace<'t> {
    /// Reads the head of a trace.
    ///
    /// # Errors
    /// It is not a trace, or of another version, or was made with settings that are not known here.
    pub fn parse(text: &'t str) -> Result<Self, TraceError> {
        let mut lines = text.lines();
        let error = |line, detail| Err(TraceError { line, detail });
        if lines.next() != Some(FIRST_LINE) {
            return error(
                1,
                format!("expected \"{FIRST_LINE}\": this is no trace that can be read here"),
            );
        }
        let mut fields = lines.next().unwrap_or_default().split(' ');
        if fields.next() != Some("config") {
            return error(2, "expected the settings, \"config name=value ...\"".to_owned());
        }
        let mut config = Config::default();
        let mut requests_before = 0;
        for field in fields {
            let is_known = match field.strip_prefix("requests_before=") {
                Some(number) => number.parse().map(|number| requests_before = number).is_ok(),
                None => set(&mut config, field).is_some(),
            };
            if !is_known {
                return error(2, format!("\"{field}\" is no setting of this version's engine"));
            }
        }
        Ok(Self { config, requests_before, lines, line: 2 })
    }

    /// Calls `then` with every input and its time, in order.
    ///
    /// # Errors
    /// A line that cannot be read; everything before it was handed on.
    pub fn each(&mut self, mut then: impl FnMut(Instant, Input<'_>)) -> Result<(), TraceError> {
        for text in self.lines.by_ref() {
            self.line += 1;
            if text == FULL {
                return Ok(());
            }
            let mut fields = Fields(text.split(' '));
            let read = fields.number().and_then(|micros| {
                let verb = fields.next()?;
                fields.input(verb, &mut |input| then(Instant::from_micros(micros), input))
            });
            if read.is_none() {
                let shown: String = text.chars().take(80).collect();
                let detail = format!("cannot be read as \"micros verb fields\": {shown}");
                return Err(TraceError { line: self.line, detail });
            }
        }
        Ok(())
    }
}

fn set(config: &mut Config, field: &str) -> Option<()> {
    fn to<T: FromStr>(place: &mut T, value: &str) -> Option<()> {
        *place = value.parse().ok()?;
        Some(())
    }
    fn real(place: &mut f64, value: &str) -> Option<()> {
        let Real(number) = value.parse().ok()?;
        *place = number;
        Some(())
    }
    let (name, value) = field.split_once('=')?;
    match name {
        "buffer_target_secs" => real(&mut config.buffer_target_secs, value),
        "buffer_max_bytes" => to(&mut config.buffer_max_bytes, value),
        "back_buffer_secs" => real(&mut config.back_buffer_secs, value),
        "start_bandwidth_bps" => real(&mut config.start_bandwidth_bps, value),
        "live_hold_back_targets" => real(&mut config.live_hold_back_targets, value),
        "low_latency" => to(&mut config.low_latency, value),
        "give_up_after_secs" => real(&mut config.give_up_after_secs, value),
        "rule" => {
            config.rule = crate::RULES.into_iter().find(|rule| *rule == value)?;
            Some(())
        }
        _ => None,
    }
}

/// A number as [`super::write`] writes it, or with decimals.
struct Real(f64);

impl FromStr for Real {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let number = match text.strip_prefix('x') {
            Some(bits) => u64::from_str_radix(bits, 16).ok().map(f64::from_bits),
            None => text.parse().ok(),
        };
        number.map(Self).ok_or(())
    }
}

/// The fields of a line; every reader gives `None` if there is no such field.
struct Fields<'t>(std::str::Split<'t, char>);

impl<'t> Fields<'t> {
    fn next(&mut self) -> Option<&'t str> {
        self.0.next()
    }

    fn number<T: FromStr>(&mut self) -> Option<T> {
        self.next()?.parse().ok()
    }

    fn real(&mut self) -> Option<f64> {
        self.number().map(|Real(number)| number)
    }

    fn number_or_none<T: FromStr>(&mut self) -> Option<Option<T>> {
        match self.next()? {
            "-" => Some(None),
            field => field.parse().ok().map(Some),
        }
    }

    fn flag(&mut self) -> Option<bool> {
        flag(self.next()?)
    }

    /// All that is left.
    fn flags(&mut self) -> Option<Vec<bool>> {
        self.0.by_ref().map(flag).collect()
    }

    fn micros(&mut self) -> Option<Duration> {
        self.number().map(Duration::from_micros)
    }

    fn request(&mut self) -> Option<RequestId> {
        self.number().map(RequestId)
    }

    fn transfer(&mut self) -> Option<Transfer> {
        let (first_byte_after, complete_after) = (self.micros()?, self.micros()?);
        Some(Transfer { first_byte_after, complete_after, bytes: self.number()? })
    }

    fn text(&mut self) -> Option<String> {
        unescaped(self.next()?)
    }

    fn text_or_none(&mut self) -> Option<Option<String>> {
        match self.next()? {
            "-" => Some(None),
            field => unescaped(field).map(Some),
        }
    }

    fn input(&mut self, verb: &str, then: &mut dyn FnMut(Input<'_>)) -> Option<()> {
        match verb {
            "load" => self.load(then)?,
            "unload" => then(Input::Unload),
            "tick" => then(Input::Tick),
            "open" => then(Input::SinkOpen),
            "rendition" => then(Input::SelectRendition(self.number_or_none()?)),
            "subtitles" => then(Input::SelectText(self.number_or_none()?)),
            "audio" => then(Input::SelectAudio(self.number()?)),
            "viewport" => {
                let (width_px, height_px) = (self.number()?, self.number()?);
                then(Input::Viewport { width_px, height_px, fov_degrees: self.real()? });
            }
            "texture" => then(Input::LargestTexture { side_px: self.number()? }),
            "saver" => then(Input::SaveData(self.flag()?)),
            "rated" => then(Input::RenditionsRated { smooth: &self.flags()? }),
            "media" => self.media(then)?,
            "visible" => then(Input::Visible(self.flag()?)),
            "online" => then(Input::Online(self.flag()?)),
            "probed" => then(Input::RenditionsProbed { playable: &self.flags()? }),
            "appended" => then(Input::Appended { request: self.request()? }),
            "broke" => {
                let code = self.number()?;
                then(Input::MediaFailed { code, message: &self.text()? });
            }
            _ => self.answer(verb, then)?,
        }
        // What is left over was written by somebody else.
        self.next().is_none().then_some(())
    }

    /// What answers a request.
    fn answer(&mut self, verb: &str, then: &mut dyn FnMut(Input<'_>)) -> Option<()> {
        let request = self.request()?;
        match verb {
            "progress" => then(Input::Progress { request, received_bytes: self.number()? }),
            "playlist" => {
                let (transfer, final_url, body) = (self.transfer()?, self.text()?, self.text()?);
                let (final_url, body) = (final_url.as_str(), body.as_str());
                then(Input::PlaylistLoaded { request, final_url, body, transfer });
            }
            "auxiliary" => then(Input::AuxiliaryLoaded { request, transfer: self.transfer()? }),
            "cues" => {
                let (transfer, body) = (self.transfer()?, self.text()?);
                then(Input::TextLoaded { request, body: &body, transfer });
            }
            "segment" => {
                let transfer = self.transfer()?;
                let mut tracks = Vec::new();
                while let Some(kind) = self.next() {
                    tracks.push(self.track(kind)?);
                }
                then(Input::SegmentLoaded { request, transfer, tracks: &tracks });
            }
            "failed" => then(Input::RequestFailed { request, error: self.request_error()? }),
            "refused" => {
                let error = match self.next()? {
                    "quota" => AppendError::QuotaExceeded,
                    "rejected" => AppendError::Rejected { detail: self.text()? },
                    _ => return None,
                };
                then(Input::AppendFailed { request, error });
            }
            _ => return None,
        }
        Some(())
    }

    fn load(&mut self, then: &mut dyn FnMut(Input<'_>)) -> Option<()> {
        let url = self.text()?;
        let start_secs = self.number_or_none::<Real>()?.map(|Real(secs)| secs);
        let seed = self.number()?;
        let bandwidth_hint_bps = self.number_or_none::<Real>()?.map(|Real(bps)| bps);
        let backup_url = self.text_or_none()?;
        let cmcd = match self.next()? {
            "off" => Cmcd::Off,
            "query" => Cmcd::Query,
            "headers" => Cmcd::Headers,
            _ => return None,
        };
        let backup_url = backup_url.as_deref();
        then(Input::Load(Load {
            url: &url,
            start_secs,
            seed,
            bandwidth_hint_bps,
            backup_url,
            cmcd,
        }));
        Some(())
    }

    fn media(&mut self, then: &mut dyn FnMut(Input<'_>)) -> Option<()> {
        let position_secs = self.real()?;
        let flags = self.next()?;
        let (ready_state, playback_rate) = (self.number()?, self.real()?);
        let (decoded_frames, dropped_frames) = (self.number()?, self.number()?);
        let wall_clock_ms = self.real()?;
        let range = |field: &str| {
            let (start, end) = field.split_once("..")?;
            let [Real(start_secs), Real(end_secs)] = [start.parse().ok()?, end.parse().ok()?];
            Some(TimeRange { start_secs, end_secs })
        };
        let buffered: Vec<TimeRange> = self.0.by_ref().map(range).collect::<Option<_>>()?;
        then(Input::Media(MediaState {
            position_secs,
            paused: flags.contains('p'),
            seeking: flags.contains('s'),
            ended: flags.contains('e'),
            ready_state,
            playback_rate,
            buffered: &buffered,
            decoded_frames,
            dropped_frames,
            wall_clock_ms,
        }));
        Some(())
    }

    fn track(&mut self, kind: &str) -> Option<TrackTiming> {
        let kind = match kind {
            "video" => TrackKind::Video,
            "audio" => TrackKind::Audio,
            _ => return None,
        };
        let codec = self.text()?;
        let (start, end) = (self.timestamp()?, self.timestamp()?);
        Some(TrackTiming { kind, codec, start, end })
    }

    fn timestamp(&mut self) -> Option<Timestamp> {
        Some(Timestamp::new(self.number()?, self.number::<Timescale>()?))
    }

    fn request_error(&mut self) -> Option<RequestError> {
        Some(match self.next()? {
            "status" => {
                let status = self.number()?;
                let retry_after = self.number_or_none()?.map(Duration::from_micros);
                RequestError::Status { status, retry_after }
            }
            "network" => RequestError::Network { detail: self.text()? },
            "timeout" => RequestError::Timeout,
            "malformed" => RequestError::Malformed { detail: self.text()? },
            "unsupported" => RequestError::Unsupported { detail: self.text()? },
            _ => return None,
        })
    }
}

fn flag(field: &str) -> Option<bool> {
    match field {
        "0" => Some(false),
        "1" => Some(true),
        _ => None,
    }
}

fn unescaped(field: &str) -> Option<String> {
    let mut out = String::with_capacity(field.len());
    let mut chars = field.chars();
    while let Some(c) = chars.next() {
        out.push(match c {
            '\\' => match chars.next()? {
                's' => ' ',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'e' => continue,
                other @ ('\\' | '-') => other,
                _ => return None,
            },
            other => other,
        });
    }
    Some(out)
}

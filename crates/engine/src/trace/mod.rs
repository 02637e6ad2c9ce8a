//! A session as a text: every input of the engine with its time, so that what happened on a
//! viewer's machine can be played again, step by step, on a desk.
//!
//! Only with the feature `trace`. A host switches it on with [`crate::Engine::start_trace`], at any
//! time; a trace begins with the next `Load`, because from there on the inputs determine all
//! outputs. [`crate::Engine::trace`] hands out the text so far, and [`Trace`] reads it.
//!
//! # Format
//!
//! UTF-8, one line for each input. The first line is `immersive-trace 1`, the second
//! `config name=value ...` with every field of [`crate::Config`], and `requests_before`: requests are
//! numbered on from there. Every other line is
//! `micros verb fields...`, separated by single spaces; times are microseconds on the host's clock.
//! Numbers that are not whole are `x` and the bits of a 64-bit float in hexadecimal, so that they are
//! read as they were, and may have decimals instead. In texts, space, newline, carriage
//! return, tab and backslash are `\s \n \r \t \\`; an empty text is `\e`; what is absent is `-`, and
//! a text that is a single minus is `\-`.
//!
//! | verb | fields |
//! |---|---|
//! | `load` | url, start secs, seed, bandwidth hint bps, backup url, CMCD (`off` `query` `headers`) |
//! | `unload`, `tick`, `open` | |
//! | `rendition`, `subtitles` | index or `-` |
//! | `audio` | index |
//! | `viewport` | width px, height px, vertical field of view in degrees |
//! | `media` | position secs, flags (`p`aused `s`eeking `e`nded, or `-`), readyState, rate, frames decoded, dropped, wall clock ms, then `start..end` for each buffered range |
//! | `texture` | longest side in px |
//! | `visible`, `online`, `saver` | 0 or 1 |
//! | `probed`, `rated` | a 0 or 1 for each rendition |
//! | `progress` | request, bytes |
//! | `playlist` | request, first byte after µs, complete after µs, bytes, final url, body |
//! | `auxiliary` | request, first byte, complete, bytes |
//! | `cues` | request, first byte, complete, bytes, body |
//! | `segment` | request, first byte, complete, bytes, then for each track `video` or `audio`, codec, start ticks, start timescale, end ticks, end timescale |
//! | `failed` | request, then `status` with the status and Retry-After µs; `network`, `malformed` or `unsupported` with a detail; or `timeout` |
//! | `appended` | request |
//! | `refused` | request, then `quota`, or `rejected` with a detail |
//! | `broke` | MediaError code, message |
//!
//! A trace that grew over its limit ends with the line `full`. Addresses stand in it as they were
//! asked for, tokens included: it is as private as they are.

mod read;
mod write;

pub use read::{Trace, TraceError};
pub(crate) use write::Recorder;

/// What a trace begins with.
const FIRST_LINE: &str = "immersive-trace 1";

/// What a trace ends with that was cut off.
const FULL: &str = "full";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::Config;
    use crate::io::*;

    fn written(config: &Config, inputs: &[(u64, Input<'_>)]) -> String {
        let mut recorder = Recorder::new(usize::MAX);
        for (micros, input) in inputs {
            recorder.record(config, 7, Instant::from_micros(*micros), input);
        }
        recorder.text().to_owned()
    }

    fn again(text: &str) -> String {
        let mut trace = Trace::parse(text).unwrap();
        let mut recorder = Recorder::new(usize::MAX);
        let (config, requests) = (trace.config.clone(), trace.requests_before);
        trace.each(|now, input| recorder.record(&config, requests, now, &input)).unwrap();
        recorder.text().to_owned()
    }

    fn load(url: &str) -> Input<'_> {
        Input::Load(Load {
            url,
            start_secs: None,
            seed: 3,
            bandwidth_hint_bps: Some(0.1 + 0.2),
            backup_url: Some("-"),
            cmcd: Cmcd::Headers,
        })
    }

    proptest! {
        #[test]
        fn what_was_written_is_what_is_read(
            text in any::<String>(), a in any::<u64>(), n in any::<u32>(), x in any::<f64>(), flag in any::<bool>(),
        ) {
            let x = if x.is_nan() { 0.0 } else { x };
            let request = RequestId(a);
            let transfer = Transfer {
                first_byte_after: std::time::Duration::from_micros(a / 2),
                complete_after: std::time::Duration::from_micros(a),
                bytes: a,
            };
            let start = immersive_media::time::Timestamp::new(-(i64::from(n)), std::num::NonZeroU32::MIN);
            let track = TrackTiming { kind: TrackKind::Audio, codec: text.clone(), start, end: start };
            let detail = text.clone();
            let buffered = [TimeRange { start_secs: -x, end_secs: x }];
            let state = MediaState {
                position_secs: x, paused: flag, seeking: !flag, ended: flag, ready_state: 3,
                playback_rate: x / 3.0, buffered: &buffered, decoded_frames: a, dropped_frames: a / 3,
                wall_clock_ms: x,
            };
            let (flags, tracks) = ([flag, !flag], [track.clone(), track]);
            let inputs = [
                load(&text),
                Input::Media(state),
                Input::Media(MediaState::default()),
                Input::Tick,
                Input::SelectRendition(flag.then_some(n as usize)),
                Input::SelectText(None),
                Input::SelectAudio(n as usize),
                Input::Viewport { width_px: n, height_px: n / 2, fov_degrees: x },
                Input::Visible(flag),
                Input::Online(!flag),
                Input::RenditionsProbed { playable: &flags },
                Input::RenditionsProbed { playable: &[] },
                Input::RenditionsRated { smooth: &flags },
                Input::LargestTexture { side_px: n },
                Input::SaveData(flag),
                Input::SinkOpen,
                Input::Progress { request, received_bytes: a },
                Input::PlaylistLoaded { request, final_url: &text, body: &text, transfer },
                Input::AuxiliaryLoaded { request, transfer },
                Input::TextLoaded { request, body: &text, transfer },
                Input::SegmentLoaded { request, transfer, tracks: &tracks },
                Input::SegmentLoaded { request, transfer, tracks: &[] },
                Input::RequestFailed { request, error: RequestError::Timeout },
                Input::RequestFailed { request, error: RequestError::Network { detail: detail.clone() } },
                Input::RequestFailed { request, error: RequestError::Malformed { detail: detail.clone() } },
                Input::RequestFailed { request, error: RequestError::Unsupported { detail: detail.clone() } },
                Input::RequestFailed {
                    request,
                    error: RequestError::Status { status: 404, retry_after: flag.then_some(transfer.complete_after) },
                },
                Input::Appended { request },
                Input::AppendFailed { request, error: AppendError::QuotaExceeded },
                Input::AppendFailed { request, error: AppendError::Rejected { detail } },
                Input::MediaFailed { code: 3, message: &text },
                Input::Unload,
            ].map(|input| (a, input));
            let config = Config { buffer_target_secs: x, ..Config::default() };
            let text = written(&config, &inputs);
            prop_assert_eq!(text.lines().count(), inputs.len() + 2);
            prop_assert_eq!(again(&text), text);
        }

        #[test]
        fn no_text_makes_the_reader_panic(text in any::<String>(), line in "[a-z0-9 .\\\\-]{0,80}") {
            let _ = Trace::parse(&text);
            let whole = [FIRST_LINE, "\nconfig\n1 ", &line, "\n", &text].concat();
            let _ = Trace::parse(&whole).and_then(|mut trace| trace.each(|_, _| {}));
        }
    }

    #[test]
    fn a_trace_begins_with_a_load_and_stops_at_its_limit() {
        let config = Config::default();
        let mut recorder = Recorder::new(400);
        recorder.record(&config, 7, Instant::default(), &Input::Tick);
        assert_eq!(recorder.text(), "");
        recorder.record(&config, 7, Instant::default(), &load("http://h/a"));
        for _ in 0..100 {
            recorder.record(&config, 7, Instant::default(), &Input::Tick);
        }
        assert!(recorder.text().ends_with("\nfull\n"), "{}", recorder.text());
        assert!(recorder.text().len() < 500);
        let mut ticks = 0;
        Trace::parse(recorder.text()).unwrap().each(|_, _| ticks += 1).unwrap();
        assert!(ticks > 1);
        recorder.record(&config, 7, Instant::default(), &load("http://h/b"));
        assert_eq!(recorder.text().lines().count(), 3, "{}", recorder.text());
    }

    #[test]
    fn an_error_names_line_and_remedy() {
        let text = [FIRST_LINE, "\nconfig rule=plan\n5 tick\n6 dance 1\n"].concat();
        let error = Trace::parse(&text).unwrap().each(|_, _| {}).unwrap_err().to_string();
        assert!(error.contains("line 4") && error.contains("dance"), "{error}");
        let error = Trace::parse("#EXTM3U").err().unwrap().to_string();
        assert!(error.contains("immersive-trace 1"), "{error}");
        let text = [FIRST_LINE, "\nconfig colour=red\n"].concat();
        let error = Trace::parse(&text).err().unwrap().to_string();
        assert!(error.contains("colour"), "{error}");
    }
}

#![no_main]
//! A host that does anything at any time: answers late, twice, wrongly, or not at all.

use std::time::Duration;

use immersive_engine::io::{
    AppendError, Cmcd, Fetch, Input, Instant, Load, MediaState, Output, RequestError, RequestId,
    Resource, TimeRange, TrackKind, TrackTiming, Transfer,
};
use immersive_engine::{Config, Engine};
use immersive_fuzz::Bytes;
use immersive_media::time::{MPEG_TS_TIMESCALE, Timestamp};
use libfuzzer_sys::fuzz_target;

const MASTER: &str = "#EXTM3U\n#EXT-X-MEDIA:TYPE=AUDIO,GROUP-ID=\"a\",NAME=\"a\",DEFAULT=YES,URI=\"a.m3u8\"\n\
    #EXT-X-STREAM-INF:BANDWIDTH=1000000,RESOLUTION=640x320,CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"a\"\nlow.m3u8\n\
    #EXT-X-STREAM-INF:BANDWIDTH=5000000,RESOLUTION=1920x960,CODECS=\"avc1.64001f,mp4a.40.2\",AUDIO=\"a\"\nhigh.m3u8\n";
const RECORDING: &str = "#EXTM3U\n#EXT-X-TARGETDURATION:4\n#EXT-X-MAP:URI=\"init.mp4\"\n\
    #EXTINF:4,\n0.m4s\n#EXTINF:4,\n1.m4s\n#EXT-X-DISCONTINUITY\n#EXT-X-KEY:METHOD=AES-128,URI=\"key\"\n\
    #EXTINF:2,\n2.m4s\n#EXTINF:4,\n3.m4s\n#EXT-X-ENDLIST\n";

/// After one input the engine comes to rest within so many outputs.
const MOST_OUTPUTS: usize = 10_000;
const MOST_INPUTS: usize = 400;

/// What the host remembers.
#[derive(Default)]
struct Host {
    fetches: Vec<Fetch>,
    appends: Vec<RequestId>,
    renditions: usize,
    now: Instant,
}

impl Host {
    fn drain(&mut self, engine: &mut Engine) {
        for _ in 0..MOST_OUTPUTS {
            match engine.poll() {
                None => return,
                Some(Output::Fetch(fetch)) => {
                    assert!(self.fetches.iter().all(|other| other.request != fetch.request));
                    self.fetches.push(fetch);
                }
                Some(Output::Cancel(request)) => {
                    self.fetches.retain(|fetch| fetch.request != request);
                }
                Some(Output::Append { request, timestamp_offset_secs }) => {
                    assert!(timestamp_offset_secs.is_finite());
                    self.appends.push(request);
                }
                Some(Output::Seek { position_secs, .. }) => assert!(position_secs.is_finite()),
                Some(Output::ProbeRenditions(renditions)) => self.renditions = renditions.len(),
                Some(_) => {}
            }
        }
        panic!("the engine does not come to rest");
    }

    /// A request that is open, or any other number.
    fn request(&self, bytes: &mut Bytes<'_>) -> RequestId {
        let index = usize::from(bytes.byte());
        let open = self.fetches.get(index % self.fetches.len().max(1));
        open.map_or(RequestId(index as u64), |fetch| fetch.request)
    }

    fn text(bytes: &mut Bytes<'_>) -> String {
        match bytes.byte() % 4 {
            0 => MASTER.to_owned(),
            1 => RECORDING.to_owned(),
            2 => live(bytes),
            _ => {
                let length = usize::from(bytes.short() % 600);
                String::from_utf8_lossy(bytes.slice(length)).into_owned()
            }
        }
    }

    /// The answer that a request wants, with contents by chance.
    fn answer(&mut self, engine: &mut Engine, bytes: &mut Bytes<'_>) {
        let Some(fetch) = self.fetches.get(usize::from(bytes.byte()) % self.fetches.len().max(1))
        else {
            return;
        };
        let (request, url) = (fetch.request, fetch.url.clone());
        let resource = fetch.resource.clone();
        self.fetches.retain(|fetch| fetch.request != request);
        let transfer = transfer(bytes);
        match resource {
            Resource::Playlist => {
                let body = Self::text(bytes);
                let loaded =
                    Input::PlaylistLoaded { request, final_url: &url, body: &body, transfer };
                engine.handle(self.now, loaded);
            }
            Resource::Segment { .. } => {
                let tracks: Vec<_> = (0..bytes.byte() % 4).map(|_| timing(bytes)).collect();
                engine
                    .handle(self.now, Input::SegmentLoaded { request, transfer, tracks: &tracks });
            }
            Resource::Text { .. } => {
                let body = ["WEBVTT\n\n", &Self::text(bytes)].concat();
                engine.handle(self.now, Input::TextLoaded { request, body: &body, transfer });
            }
            _ => engine.handle(self.now, Input::AuxiliaryLoaded { request, transfer }),
        }
    }

    fn step(&mut self, engine: &mut Engine, bytes: &mut Bytes<'_>) {
        self.now = self.now + Duration::from_millis(u64::from(bytes.short()) / 8);
        let now = self.now;
        match bytes.byte() % 20 {
            0 => engine.handle(now, Input::Load(load(bytes))),
            1 if bytes.byte() == 0 => engine.handle(now, Input::Unload),
            2 => match bytes.byte() % 3 {
                0 => engine.handle(now, Input::SelectRendition(choice(bytes))),
                1 => engine.handle(now, Input::SelectText(choice(bytes))),
                _ => engine.handle(now, Input::SelectAudio(choice(bytes).unwrap_or(0))),
            },
            3 => {
                let (width_px, height_px) = (u32::from(bytes.short()), u32::from(bytes.short()));
                let fov_degrees = number(bytes);
                match bytes.byte() % 4 {
                    0 => engine.handle(now, Input::LargestTexture { side_px: width_px }),
                    1 => engine.handle(now, Input::SaveData(height_px & 1 == 0)),
                    _ => engine.handle(now, Input::Viewport { width_px, height_px, fov_degrees }),
                }
            }
            4 | 5 => media(engine, now, bytes),
            6 => engine.handle(now, Input::Visible(bytes.byte() & 1 == 0)),
            7 => {
                let playable: Vec<bool> =
                    (0..self.renditions).map(|_| bytes.byte() & 3 != 0).collect();
                match bytes.byte() % 3 {
                    0 => engine.handle(now, Input::RenditionsRated { smooth: &playable }),
                    _ => engine.handle(now, Input::RenditionsProbed { playable: &playable }),
                }
            }
            8 => engine.handle(now, Input::SinkOpen),
            9 => {
                let request = self.request(bytes);
                let received_bytes = u64::from(bytes.short()) << (bytes.byte() % 40);
                engine.handle(now, Input::Progress { request, received_bytes });
            }
            10..=13 => self.answer(engine, bytes),
            14 => {
                let request = self.request(bytes);
                self.fetches.retain(|fetch| fetch.request != request);
                engine.handle(now, Input::RequestFailed { request, error: failure(bytes) });
            }
            15 | 16 => {
                let request = self.appends.pop().unwrap_or(RequestId(u64::from(bytes.byte())));
                engine.handle(now, Input::Appended { request });
            }
            17 => {
                let request = self.appends.pop().unwrap_or(RequestId(u64::from(bytes.byte())));
                let error = match bytes.byte() % 2 {
                    0 => AppendError::QuotaExceeded,
                    _ => AppendError::Rejected { detail: String::new() },
                };
                engine.handle(now, Input::AppendFailed { request, error });
            }
            18 => {
                let code = u16::from(bytes.byte() % 6);
                engine.handle(now, Input::MediaFailed { code, message: "it failed" });
            }
            19 => engine.handle(now, Input::Online(bytes.byte() & 1 == 0)),
            _ => {
                self.now = engine.next_wakeup().map_or(now, |at| at.max(now));
                engine.handle(self.now, Input::Tick);
            }
        }
    }
}

fn load(bytes: &mut Bytes<'_>) -> Load<'static> {
    Load {
        url: "https://example.com/live/a.m3u8",
        start_secs: (bytes.byte() & 1 == 0).then(|| number(bytes)),
        seed: u64::from(bytes.byte()),
        bandwidth_hint_bps: (bytes.byte() & 1 == 0).then(|| number(bytes)),
        backup_url: (bytes.byte() & 1 == 0).then_some("https://backup.example/live/a.m3u8"),
        cmcd: [Cmcd::Off, Cmcd::Query, Cmcd::Headers][usize::from(bytes.byte() % 3)],
    }
}

/// A live playlist whose window lies anywhere.
fn live(bytes: &mut Bytes<'_>) -> String {
    let first = u64::from(bytes.short());
    let mut text = format!("#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:{first}\n");
    for sequence in first..first + u64::from(bytes.byte() % 12) {
        if bytes.byte() % 16 == 0 {
            text.push_str("#EXT-X-DISCONTINUITY\n");
        }
        text.push_str(&format!("#EXTINF:{},\n{sequence}.ts\n", f64::from(bytes.byte()) / 64.0));
    }
    text
}

/// Sensible numbers, and those that are not.
fn number(bytes: &mut Bytes<'_>) -> f64 {
    match bytes.byte() % 8 {
        0 => f64::NAN,
        1 => f64::INFINITY,
        2 => -f64::from(bytes.short()),
        3 => 0.0,
        4 => f64::from_le_bytes(bytes.take()),
        _ => f64::from(bytes.short()) / 64.0,
    }
}

fn choice(bytes: &mut Bytes<'_>) -> Option<usize> {
    Some(usize::from(bytes.byte())).filter(|index| *index < 128)
}

fn transfer(bytes: &mut Bytes<'_>) -> Transfer {
    let first_byte_after = Duration::from_millis(u64::from(bytes.byte()));
    let complete_after = Duration::from_millis(u64::from(bytes.short()));
    Transfer { first_byte_after, complete_after, bytes: u64::from(bytes.short()) << 4 }
}

fn timing(bytes: &mut Bytes<'_>) -> TrackTiming {
    let kind = if bytes.byte() & 1 == 0 { TrackKind::Video } else { TrackKind::Audio };
    let ticks = match bytes.byte() % 4 {
        0 => i64::from_le_bytes(bytes.take()) >> 2,
        _ => i64::from(bytes.short()) * 1000,
    };
    let time = |ticks| Timestamp::new(ticks, MPEG_TS_TIMESCALE);
    let end = ticks + i64::from(bytes.short()) * 10;
    TrackTiming { kind, codec: "avc1.64001f".into(), start: time(ticks), end: time(end) }
}

fn failure(bytes: &mut Bytes<'_>) -> RequestError {
    let detail = String::new();
    match bytes.byte() % 5 {
        0 => RequestError::Status {
            status: bytes.short() % 600,
            retry_after: (bytes.byte() & 1 == 0).then(|| Duration::from_secs(bytes.byte().into())),
        },
        1 => RequestError::Network { detail },
        2 => RequestError::Timeout,
        3 => RequestError::Malformed { detail },
        _ => RequestError::Unsupported { detail },
    }
}

fn media(engine: &mut Engine, now: Instant, bytes: &mut Bytes<'_>) {
    let mut buffered = Vec::new();
    let mut end_secs = 0.0;
    for _ in 0..bytes.byte() % 4 {
        let start_secs = end_secs + f64::from(bytes.byte()) / 16.0;
        end_secs = start_secs + f64::from(bytes.byte()) / 8.0;
        buffered.push(TimeRange { start_secs, end_secs });
    }
    let flags = bytes.byte();
    let state = MediaState {
        position_secs: number(bytes),
        paused: flags & 1 != 0,
        seeking: flags & 2 != 0,
        ended: flags & 4 != 0,
        ready_state: flags >> 4 & 7,
        playback_rate: 1.0,
        buffered: &buffered,
        decoded_frames: u64::from(bytes.short()),
        dropped_frames: u64::from(bytes.byte()),
        wall_clock_ms: number(bytes),
    };
    engine.handle(now, Input::Media(state));
}

fuzz_target!(|bytes: &[u8]| {
    let mut bytes = Bytes(bytes);
    let mut engine = Engine::new(Config::default());
    let mut host = Host::default();
    engine.handle(host.now, Input::Load(load(&mut bytes)));
    host.drain(&mut engine);
    for _ in 0..MOST_INPUTS {
        if bytes.is_empty() {
            break;
        }
        host.step(&mut engine, &mut bytes);
        host.drain(&mut engine);
        let _ = engine.next_wakeup();
        let _ = engine.stats();
    }
});

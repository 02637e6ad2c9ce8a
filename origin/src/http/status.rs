//! How the origin is doing, for machines.

use std::fmt::Write;
use std::sync::atomic::Ordering::Relaxed;

use axum::body::Body;
use axum::http::Response;
use axum::http::request::Parts;
use serde::Serialize;

use super::App;
use super::respond::{self, Cache, Content};
use crate::clock;
use crate::ingest::rtmp;
use crate::live::ladder::RESTARTS;
use crate::live::latency::BUCKETS_MS;
use crate::live::stream::RungReport;
use crate::notices::Notice;

/// `/healthz`.
pub fn health(_: &App, request: &Parts) -> Response<Body> {
    never_cached("ok\n".to_owned(), "text/plain; charset=utf-8", request)
}

#[derive(Serialize)]
struct Report {
    version: &'static str,
    uptime_secs: u64,
    streams: Vec<StreamReport>,
    /// What operators should know and do something about.
    notices: Vec<Notice>,
}

#[derive(Serialize)]
struct StreamReport {
    name: String,
    /// `live`, `waiting` for its publisher to return, or `ended`.
    state: &'static str,
    url: String,
    source: Option<String>,
    started_unix_secs: u64,
    ingest_bytes: u64,
    lost_tags: u64,
    viewers: u64,
    requests: u64,
    bytes_served: u64,
    rungs: Vec<RungReport>,
    warnings: Vec<String>,
}

/// `/api/streams`.
pub fn streams(app: &App, request: &Parts) -> Response<Body> {
    let uptime_secs = clock::monotonic().saturating_sub(app.started).as_secs();
    let report = Report {
        version: env!("CARGO_PKG_VERSION"),
        uptime_secs,
        streams: stream_reports(app),
        notices: app.notices.all(),
    };
    let json = serde_json::to_string_pretty(&report).unwrap_or_default();
    never_cached(json, "application/json", request)
}

fn stream_reports(app: &App) -> Vec<StreamReport> {
    let publications = app.hub.publications();
    let now = clock::monotonic();
    let report = |stream: std::sync::Arc<crate::live::stream::Stream>| {
        let publication = publications.iter().find(|publication| publication.name == stream.name);
        StreamReport {
            name: stream.name.clone(),
            state: match (publication, stream.has_ended()) {
                (Some(_), false) => "live",
                (None, false) => "waiting",
                (_, true) => "ended",
            },
            url: format!("/hls/{}.m3u8", stream.name),
            source: publication.map(|publication| publication.source.clone()),
            started_unix_secs: stream.started.as_secs(),
            ingest_bytes: publication.map_or(0, |publication| publication.bytes.load(Relaxed)),
            lost_tags: publication.map_or(0, |publication| publication.lost_tags.load(Relaxed)),
            viewers: app.viewers.count(&stream.name, now),
            requests: stream.served.requests.load(Relaxed),
            bytes_served: stream.served.bytes.load(Relaxed),
            rungs: stream.rungs().iter().map(|rung| rung.report()).collect(),
            warnings: [
                publication.map(|publication| publication.warnings()),
                Some(stream.warnings()),
            ]
            .into_iter()
            .flatten()
            .flatten()
            .collect(),
        }
    };
    app.registry.all().into_iter().map(report).collect()
}

/// `/metrics`, in the text format of Prometheus.
pub fn metrics(app: &App, request: &Parts) -> Response<Body> {
    let mut text = Metrics::default();
    let uptime_secs = clock::monotonic().saturating_sub(app.started).as_secs();
    text.family("immersive_uptime_seconds", "gauge", "Time since the program was started.");
    text.value("immersive_uptime_seconds", "", uptime_secs);
    text.family("immersive_http_requests_total", "counter", "Requests answered, by outcome.");
    let counters = &app.counters;
    for (outcome, counter) in
        [("ok", &counters.ok), ("refused", &counters.refused), ("failed", &counters.failed)]
    {
        text.value(
            "immersive_http_requests_total",
            &format!("outcome=\"{outcome}\""),
            counter.load(Relaxed),
        );
    }
    text.family("immersive_http_body_bytes_total", "counter", "Body bytes sent.");
    text.value("immersive_http_body_bytes_total", "", counters.bytes.load(Relaxed));
    text.family(
        "immersive_ffmpeg_restarts_total",
        "counter",
        "Times that an encoder had to be started again.",
    );
    text.value("immersive_ffmpeg_restarts_total", "", RESTARTS.load(Relaxed));
    text.family(
        "immersive_rtmp_rejected_total",
        "counter",
        "RTMP connections refused or broken off.",
    );
    text.value("immersive_rtmp_rejected_total", "", rtmp::REJECTED.load(Relaxed));
    text.places(app);
    text.family("immersive_notices", "gauge", "Conditions that operators should look after.");
    text.value("immersive_notices", "", app.notices.all().len() as u64);
    let recordings = app.catalog.all();
    text.family("immersive_recordings", "gauge", "Recordings, by whether they are complete.");
    let complete = recordings.iter().filter(|recording| recording.state().complete).count();
    for (label, count) in [("true", complete), ("false", recordings.len() - complete)] {
        text.value("immersive_recordings", &format!("complete=\"{label}\""), count as u64);
    }
    text.family("immersive_recordings_bytes", "gauge", "Bytes of all recordings.");
    let bytes = recordings.iter().map(|recording| recording.bytes()).sum();
    text.value("immersive_recordings_bytes", "", bytes);
    text.streams(&stream_reports(app));
    never_cached(text.0, "text/plain; version=0.0.4; charset=utf-8", request)
}

#[derive(Default)]
struct Metrics(String);

impl Metrics {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn value(&mut self, name: &str, labels: &str, value: u64) {
        let braces = if labels.is_empty() { String::new() } else { format!("{{{labels}}}") };
        let _ = writeln!(self.0, "{name}{braces} {value}");
    }

    fn places(&mut self, app: &App) {
        let protocols = [("http", &app.http_places), ("rtmp", &app.rtmp_places)];
        self.family("immersive_connections", "gauge", "Connections that are open.");
        for (protocol, places) in protocols {
            let labels = format!("protocol=\"{protocol}\"");
            self.value("immersive_connections", &labels, places.taken().into());
        }
        let name = "immersive_connections_refused_total";
        self.family(name, "counter", "Connections that were one too many.");
        for (protocol, places) in protocols {
            self.value(name, &format!("protocol=\"{protocol}\""), places.refused());
        }
    }

    fn streams(&mut self, streams: &[StreamReport]) {
        type Figure = fn(&StreamReport) -> u64;
        let figures: [(&str, &str, &str, Figure); 7] = [
            (
                "immersive_stream_viewers",
                "gauge",
                "Clients that asked for a playlist lately.",
                |s| s.viewers,
            ),
            ("immersive_stream_warnings", "gauge", "Warnings since it began.", |s| {
                s.warnings.len() as u64
            }),
            ("immersive_stream_live", "gauge", "1 while it is being published.", |s| {
                u64::from(s.state == "live")
            }),
            ("immersive_stream_ingest_bytes_total", "counter", "Bytes received.", |s| {
                s.ingest_bytes
            }),
            ("immersive_stream_lost_tags_total", "counter", "Messages dropped unread.", |s| {
                s.lost_tags
            }),
            ("immersive_stream_requests_total", "counter", "Requests answered.", |s| s.requests),
            ("immersive_stream_body_bytes_total", "counter", "Body bytes sent.", |s| {
                s.bytes_served
            }),
        ];
        for (name, kind, help, figure) in figures {
            self.family(name, kind, help);
            for stream in streams {
                self.value(name, &format!("stream=\"{}\"", stream.name), figure(stream));
            }
        }
        type RungFigure = fn(&RungReport) -> u64;
        let figures: [(&str, &str, &str, RungFigure); 4] = [
            ("immersive_rung_segments_total", "counter", "Segments made.", |r| r.segments),
            ("immersive_rung_bytes_total", "counter", "Bytes made.", |r| r.bytes),
            ("immersive_rung_average_bits_per_second", "gauge", "Measured bit rate.", |r| {
                r.average_bps
            }),
            ("immersive_rung_dropped", "gauge", "1 when it was given up.", |r| {
                u64::from(r.dropped)
            }),
        ];
        for (name, kind, help, figure) in figures {
            self.family(name, kind, help);
            for stream in streams {
                for rung in &stream.rungs {
                    self.value(name, &labels(stream, rung), figure(rung));
                }
            }
        }
        self.part_latency(streams);
    }

    fn part_latency(&mut self, streams: &[StreamReport]) {
        let name = "immersive_rung_part_latency_seconds";
        let help = "From the arrival of a part's last sample from the network until players can have the part.";
        self.family(name, "histogram", help);
        for (stream, rung) in streams.iter().flat_map(|s| s.rungs.iter().map(move |r| (s, r))) {
            let (labels, counted) = (labels(stream, rung), &rung.part_latency);
            let bounds = BUCKETS_MS.iter().map(|ms| (*ms as f64 / 1_000.0).to_string());
            for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(counted.up_to) {
                self.value(&format!("{name}_bucket"), &format!("{labels},le=\"{bound}\""), count);
            }
            let sum = counted.sum.as_secs_f64();
            let _ = writeln!(self.0, "{name}_sum{{{labels}}} {sum}");
            let count = counted.up_to.last().copied().unwrap_or(0);
            self.value(&format!("{name}_count"), &labels, count);
        }
    }
}

/// Names need no escapes, see [`crate::hub::is_stream_name`].
fn labels(stream: &StreamReport, rung: &RungReport) -> String {
    format!("stream=\"{}\",rung=\"{}\"", stream.name, rung.id)
}

fn never_cached(text: String, content_type: &'static str, request: &Parts) -> Response<Body> {
    let content = Content { bytes: text.into(), content_type, cache: Cache::Never, etag: None };
    respond::content(content, &request.method, &request.headers)
}

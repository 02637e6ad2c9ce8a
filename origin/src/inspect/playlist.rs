//! Playlists, and the first segment of each.

use anyhow::Result;
use immersive_hls::{Definitions, Master, Media, Playlist, RenditionKind};

use super::feed::{Feeder, Outcome, Piece};
use super::report::{MediaPlaylist, Rendition, Report, Track, Variant};
use super::source::Headers;
use super::{media, place};

/// Types that servers give playlists (RFC 8216bis, section 4).
const PLAYLIST_TYPES: [&str; 2] = ["application/vnd.apple.mpegurl", "audio/mpegurl"];
/// EXTINF may differ from the media by so much before it is worth a word.
const TOLERANCE_SECS: f64 = 0.25;

/// Looks at a playlist and what it leads to.
///
/// # Errors
/// When the playlist itself cannot be read.
pub fn inspect(input: &str) -> Result<Report> {
    let read = place::read_playlist(input, &Definitions::default())?;
    let mut report = Report { input: input.to_owned(), ..Report::default() };
    check_headers("the playlist", read.headers.as_ref(), &PLAYLIST_TYPES, &mut report.problems);
    match read.playlist {
        Playlist::Media(found) => {
            report.kind = "media playlist";
            report.playlist = Some(summary(&found));
            check_playlist("", &found, &mut report.problems);
            (report.tracks, report.data) = first_segment("", &found, &mut report.problems);
        }
        Playlist::Master(master) => {
            report.kind = "multivariant playlist";
            master_playlist(&master, &mut report);
        }
    }
    Ok(report)
}

fn master_playlist(master: &Master, report: &mut Report) {
    let imports = Definitions(master.definitions.clone());
    for variant in &master.variants {
        let name = format!("variant {} kbit/s: ", variant.bandwidth_bps / 1000);
        let (playlist, tracks) = follow(&name, &variant.url, &imports, &mut report.problems);
        let mut problems = Vec::new();
        if let Some(codecs) = &variant.codecs {
            check_codecs(codecs, &tracks, variant.audio_group.is_some(), &mut problems);
        } else {
            problems.push("CODECS is missing: players must load a segment to know them".into());
        }
        let picture = tracks.iter().find_map(|track| track.resolution);
        if let (Some(stated), Some(found)) = (variant.resolution, picture)
            && stated != found
        {
            problems.push(format!(
                "RESOLUTION is {}x{}, the pictures have {}x{}",
                stated.0, stated.1, found.0, found.1
            ));
        }
        if variant.bandwidth_bps == 0 {
            problems.push("BANDWIDTH is missing: players cannot choose".into());
        }
        report.problems.extend(problems.into_iter().map(|problem| [&name, &*problem].concat()));
        report.variants.push(Variant {
            url: place::of_url(&variant.url),
            bandwidth_bps: variant.bandwidth_bps,
            resolution: variant.resolution,
            codecs: variant.codecs.clone(),
            frame_rate: variant.frame_rate,
            video_layout: variant.required_video_layout.clone(),
            playlist,
            tracks,
        });
    }
    for rendition in &master.renditions {
        let name = format!("{} \"{}\": ", kind(rendition.kind), rendition.name);
        let playable = matches!(rendition.kind, RenditionKind::Audio | RenditionKind::Video);
        let tracks = match &rendition.url {
            Some(url) if playable => follow(&name, url, &imports, &mut report.problems).1,
            _ => Vec::new(),
        };
        report.renditions.push(Rendition {
            kind: kind(rendition.kind).into(),
            group: rendition.group.clone(),
            name: rendition.name.clone(),
            language: rendition.language.clone(),
            url: rendition.url.as_deref().map(place::of_url),
            tracks,
        });
    }
}

fn kind(kind: RenditionKind) -> &'static str {
    match kind {
        RenditionKind::Audio => "audio",
        RenditionKind::Video => "video",
        RenditionKind::Subtitles => "subtitles",
        RenditionKind::ClosedCaptions => "closed captions",
    }
}

/// A media playlist and its first segment; what cannot be read is a problem.
fn follow(
    name: &str,
    url: &str,
    imports: &Definitions,
    problems: &mut Vec<String>,
) -> (Option<MediaPlaylist>, Vec<Track>) {
    let read = match place::read_playlist(&place::of_url(url), imports) {
        Ok(read) => read,
        Err(error) => {
            problems.push(format!("{name}{error:#}"));
            return (None, Vec::new());
        }
    };
    let what = [name, "the playlist"].concat();
    check_headers(&what, read.headers.as_ref(), &PLAYLIST_TYPES, problems);
    let Playlist::Media(found) = read.playlist else {
        problems.push(format!("{name}a multivariant playlist where a media playlist belongs"));
        return (None, Vec::new());
    };
    check_playlist(name, &found, problems);
    let (tracks, _) = first_segment(name, &found, problems);
    (Some(summary(&found)), tracks)
}

fn summary(found: &Media) -> MediaPlaylist {
    let changes = found
        .segments
        .windows(2)
        .filter(|pair| pair[0].discontinuity_sequence != pair[1].discontinuity_sequence);
    let keys = found.segments.iter().flat_map(|segment| segment.keys.iter());
    let mut methods: Vec<String> =
        keys.map(|key| format!("{:?} ({})", key.method, key.format)).collect();
    methods.sort();
    methods.dedup();
    MediaPlaylist {
        live: !found.ended,
        low_latency: found.is_low_latency(),
        target_duration_secs: found.target_duration_secs,
        segments: found.segments.len(),
        duration_secs: found.segments.iter().map(|segment| segment.duration_secs).sum(),
        media_sequence: found.media_sequence.0,
        discontinuities: changes.count(),
        encryption: if methods.is_empty() { "none".into() } else { methods.join(", ") },
    }
}

fn check_playlist(name: &str, found: &Media, problems: &mut Vec<String>) {
    let mut say = |what: String| problems.push([name, &*what].concat());
    if found.segments.is_empty() {
        say("the playlist has no segment".into());
    }
    // Rounded to the nearest second (RFC 8216bis, 4.4.3.1).
    let too_long =
        found.segments.iter().find(|s| s.duration_secs.round() > found.target_duration_secs);
    if let Some(segment) = too_long {
        say(format!(
            "segment {} has {} s, more than the target duration of {} s",
            segment.sequence.0, segment.duration_secs, found.target_duration_secs
        ));
    }
    let gaps = found.segments.iter().filter(|segment| segment.gap).count();
    if gaps > 0 {
        say(format!("{gaps} segments are missing (EXT-X-GAP)"));
    }
    let listed: f64 = found.segments.iter().map(|segment| segment.duration_secs).sum();
    if !found.ended && listed < 3.0 * found.target_duration_secs {
        say("fewer than three target durations are listed: players have no room to buffer".into());
    }
}

/// Its tracks, and what comes with them.
fn first_segment(
    name: &str,
    found: &Media,
    problems: &mut Vec<String>,
) -> (Vec<Track>, Vec<String>) {
    let Some(segment) = found.segments.iter().find(|segment| !segment.gap) else {
        return (Vec::new(), Vec::new());
    };
    let piece = Piece::of(segment, None);
    let (tracks, outcome) = match media::tracks(&mut Feeder::default(), &piece) {
        Ok(found) => found,
        Err(error) => {
            problems.push(format!("{name}{error:#}"));
            return (Vec::new(), Vec::new());
        }
    };
    check_segment(name, segment.duration_secs, &tracks, &outcome, problems);
    (tracks, media::others(&outcome))
}

fn check_segment(
    name: &str,
    stated_secs: f64,
    tracks: &[Track],
    outcome: &Outcome,
    problems: &mut Vec<String>,
) {
    let found = media::problems(outcome);
    problems.extend(found.into_iter().map(|what| format!("{name}the first segment: {what}")));
    let what = [name, "the first segment"].concat();
    check_headers(&what, outcome.headers.as_ref(), &[], problems);
    let duration = tracks.iter().map(|track| track.duration_secs).reduce(f64::max);
    if let Some(duration) = duration
        && (duration - stated_secs).abs() > TOLERANCE_SECS
    {
        problems.push(format!(
            "{name}the first segment has {duration:.3} s, its EXTINF says {stated_secs:.3} s"
        ));
    }
}

fn check_headers(
    what: &str,
    headers: Option<&Headers>,
    types: &[&str],
    problems: &mut Vec<String>,
) {
    let Some(headers) = headers else { return };
    if headers.allow_origin.is_none() {
        problems.push(format!(
            "{what} comes without Access-Control-Allow-Origin: pages of other sites cannot play it"
        ));
    }
    let stated = headers.content_type.as_deref().unwrap_or("none");
    let essence = stated.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if !types.is_empty() && !types.contains(&essence.as_str()) {
        problems.push(format!("{what} has the type {stated}, not {}", types[0]));
    }
}

/// CODECS and the segment must name the same codecs; profiles may differ in detail.
fn check_codecs(codecs: &str, tracks: &[Track], other_audio: bool, problems: &mut Vec<String>) {
    let family = |codec: &str| codec.trim().split('.').next().unwrap_or_default().to_owned();
    let stated: Vec<String> = codecs.split(',').map(family).collect();
    let found: Vec<String> = tracks.iter().map(|track| family(&track.codec)).collect();
    for track in tracks {
        if !stated.contains(&family(&track.codec)) {
            problems.push(format!("CODECS is {codecs}, the segment has {}", track.codec));
        }
    }
    // Those of audio with a playlist of its own are stated too.
    if !tracks.is_empty() && !other_audio {
        for codec in stated.iter().filter(|codec| !found.contains(codec)) {
            problems.push(format!("CODECS names {codec}, the segment does not have it"));
        }
    }
}

//! WebVTT files (W3C WebVTT section 4) as HLS has them (RFC 8216bis section 3.1.4): when cues are
//! and what they say. Tags within a cue are left to who draws it.

/// What a file holds.
#[derive(Clone, Debug, PartialEq, Default)]
pub(crate) struct Webvtt {
    /// X-TIMESTAMP-MAP.
    pub(crate) map: Option<TimestampMap>,
    /// In the order of the file; times are the file's own.
    pub(crate) cues: Vec<crate::io::Cue>,
}

/// The cue time `local_secs` is the moment `mpegts_ticks` of the media.
#[derive(Clone, Copy, Debug, PartialEq, Default)]
pub(crate) struct TimestampMap {
    pub(crate) mpegts_ticks: u64,
    pub(crate) local_secs: f64,
}

/// `None`: this is no WebVTT. What is wrong within it is passed over, as browsers do.
pub(crate) fn parse(text: &str) -> Option<Webvtt> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let rest = text.strip_prefix("WEBVTT")?;
    if !(rest.is_empty() || rest.starts_with([' ', '\t', '\r', '\n'])) {
        return None;
    }
    let mut lines = rest.lines().map(|line| line.trim_end_matches('\r'));
    let mut out = Webvtt::default();
    // The header goes on to the first empty line.
    for line in lines.by_ref() {
        if let Some(map) = line.strip_prefix("X-TIMESTAMP-MAP=") {
            out.map = timestamp_map(map);
        }
        if line.is_empty() {
            break;
        }
        // Files without that line are seen too.
        if let Some(cue) = timing(line) {
            push_cue(&mut out.cues, cue, &mut lines);
            break;
        }
    }
    while let Some(line) = lines.next() {
        // Whatever is no time belongs to a comment, a style, or is the name of a cue.
        if let Some(cue) = timing(line) {
            push_cue(&mut out.cues, cue, &mut lines);
        }
    }
    Some(out)
}

fn push_cue<'a>(
    cues: &mut Vec<crate::io::Cue>,
    mut cue: crate::io::Cue,
    lines: &mut impl Iterator<Item = &'a str>,
) {
    for line in lines.take_while(|line| !line.is_empty()) {
        if !cue.text.is_empty() {
            cue.text.push('\n');
        }
        cue.text.push_str(line);
    }
    if cue.end_secs > cue.start_secs && !cue.text.is_empty() {
        cues.push(cue);
    }
}

/// `00:01.000 --> 00:02.000 line:0`.
fn timing(line: &str) -> Option<crate::io::Cue> {
    let (start, rest) = line.split_once("-->")?;
    let rest = rest.trim_start();
    let (end, settings) = rest.split_once([' ', '\t']).unwrap_or((rest, ""));
    Some(crate::io::Cue {
        start_secs: timestamp(start.trim())?,
        end_secs: timestamp(end)?,
        settings: settings.trim().to_owned(),
        text: String::new(),
    })
}

/// `LOCAL:00:00:00.000,MPEGTS:900000`, in either order.
fn timestamp_map(text: &str) -> Option<TimestampMap> {
    let mut map = TimestampMap::default();
    for part in text.split(',') {
        let (name, value) = part.trim().split_once(':')?;
        match name {
            "MPEGTS" => map.mpegts_ticks = value.trim().parse().ok()?,
            "LOCAL" => map.local_secs = timestamp(value.trim())?,
            _ => {}
        }
    }
    Some(map)
}

/// `mm:ss.ttt`, with hours before if there are any.
fn timestamp(text: &str) -> Option<f64> {
    let (whole, thousandths) = text.split_once(['.', ','])?;
    let mut secs = 0u64;
    let mut fields = 0;
    for field in whole.split(':') {
        secs = secs.checked_mul(60)?.checked_add(digits(field)?)?;
        fields += 1;
    }
    let millis = digits(thousandths).filter(|_| thousandths.len() == 3)?;
    (2..=3).contains(&fields).then(|| secs as f64 + millis as f64 / 1000.0)
}

fn digits(text: &str) -> Option<u64> {
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    text.parse().ok().filter(|_| plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cues_with_names_notes_settings_and_lines() {
        let text = "\u{feff}WEBVTT - a title\r\nX-TIMESTAMP-MAP=MPEGTS:900000,LOCAL:00:00:10.000\r\n\r\n\
            NOTE --\r\nnot a cue\r\n\r\nSTYLE\r\n::cue { color: red }\r\n\r\nfirst\r\n\
            00:11.500 --> 01:00:12.000 line:0 align:start\r\n<b>One</b>\r\ntwo\r\n\r\n\
            00:13.000 --> 00:13.000\r\nof no length\r\n\r\n00:14.000 --> 00:15.000\r\nlast";
        let found = parse(text).unwrap();
        let map = TimestampMap { mpegts_ticks: 900_000, local_secs: 10.0 };
        assert_eq!(found.map, Some(map));
        let cues: Vec<_> =
            found.cues.iter().map(|cue| (cue.start_secs, cue.text.as_str())).collect();
        assert_eq!(cues, [(11.5, "<b>One</b>\ntwo"), (14.0, "last")]);
        assert_eq!(found.cues[0].end_secs, 3612.0);
        assert_eq!(found.cues[0].settings, "line:0 align:start");
    }

    #[test]
    fn what_is_none_is_refused_and_what_is_odd_passed_over() {
        assert_eq!(parse("<!DOCTYPE html>"), None);
        assert_eq!(parse("WEBVTTX"), None);
        assert_eq!(parse("WEBVTT"), Some(Webvtt::default()));
        let odd = "WEBVTT\n00:01.000 --> 00:02.000\nno empty line before\n\n1:1 --> x\n\n99999999999999999999:00:00.000 --> 00:01.000\n";
        let cues = parse(odd).unwrap().cues;
        assert_eq!(cues.len(), 1);
    }
}

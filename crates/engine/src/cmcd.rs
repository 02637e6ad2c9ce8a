//! Common Media Client Data, version 2 (CTA-5004-A), request mode: what servers are told about how
//! playback goes, with every request, where a page asks for it.

use crate::Core;
use crate::io::*;
use crate::session::Session;

/// Which header a key travels in (section 2.3 of CTA-5004).
const OBJECT: usize = 0;
const REQUEST: usize = 1;
const SESSION: usize = 2;
const STATUS: usize = 3;
const HEADERS: [&str; 4] = ["CMCD-Object", "CMCD-Request", "CMCD-Session", "CMCD-Status"];

/// What has to be remembered between requests.
#[derive(Clone, Debug, Default)]
pub(crate) struct Reporter {
    mode: Cmcd,
    session_id: String,
    /// Interruptions that were told of.
    stalls: u32,
    told_start_delay: bool,
}

impl Reporter {
    pub(crate) fn new(core: &mut Core, mode: Cmcd) -> Self {
        let session_id = if mode == Cmcd::Off { String::new() } else { uuid(core) };
        Self { mode, session_id, ..Self::default() }
    }
}

/// Keys with their values, as structured fields (RFC 9651) have them; a value that is empty means
/// true.
struct Report(Vec<(usize, &'static str, String)>);

impl Report {
    fn put(&mut self, header: usize, key: &'static str, value: impl Into<String>) {
        self.0.push((header, key, value.into()));
    }

    fn count(&mut self, header: usize, key: &'static str, value: f64) {
        if value.is_finite() && value >= 0.0 {
            self.put(header, key, (value.round() as u64).to_string());
        }
    }

    fn list(&self, of: impl Fn(usize) -> bool) -> String {
        let mut out = String::new();
        for (_, key, value) in self.0.iter().filter(|(header, ..)| of(*header)) {
            if !out.is_empty() {
                out.push(',');
            }
            out.push_str(key);
            if !value.is_empty() {
                out.push('=');
                out.push_str(value);
            }
        }
        out
    }
}

impl Session {
    /// Adds the data to a request that is about to be made.
    pub(crate) fn report_to_server(&mut self, core: &Core, fetch: &mut Fetch) {
        if self.reporter.mode == Cmcd::Off {
            return;
        }
        let mut report = self.report(core, fetch);
        // The order of the keys is that of the alphabet.
        report.0.sort_by_key(|(_, key, _)| *key);
        if self.reporter.mode == Cmcd::Query {
            add_to_query(&mut fetch.url, &report.list(|_| true));
        } else {
            let lists = HEADERS.iter().enumerate();
            let lists = lists.map(|(index, name)| (*name, report.list(|header| header == index)));
            fetch.headers.extend(lists.filter(|(_, list)| !list.is_empty()));
        }
    }

    fn report(&mut self, core: &Core, fetch: &Fetch) -> Report {
        let mut report = Report(Vec::new());
        let stats = self.stats(core);
        report.put(SESSION, "sid", ["\"", &self.reporter.session_id, "\""].concat());
        report.put(SESSION, "v", "2");
        report.put(SESSION, "sf", "h");
        if let Some(stream_type) = self.stream_type {
            let name = if stream_type == StreamType::Live { "l" } else { "v" };
            report.put(SESSION, "st", name);
        }
        if let Some(millis) = stats.startup_ms.filter(|_| !self.reporter.told_start_delay) {
            self.reporter.told_start_delay = true;
            report.count(SESSION, "msd", millis);
        }
        if (self.player.playback_rate - 1.0).abs() > 0.001 {
            let percent = (self.player.playback_rate * 100.0).round() as u64;
            let rate = [&(percent / 100).to_string(), ".", &two_digits(percent % 100)].concat();
            report.put(SESSION, "pr", rate);
        }
        report.put(REQUEST, "sta", self.state_name(core));
        if let Some(secs) = stats.latency_secs {
            report.count(REQUEST, "ltc", secs * 1000.0);
        }
        if !self.visible {
            report.put(STATUS, "bg", "");
        }
        if stats.rebuffer_count != self.reporter.stalls {
            self.reporter.stalls = stats.rebuffer_count;
            report.put(STATUS, "bs", "");
        }
        self.report_object(fetch, &mut report);
        report
    }

    /// What is asked for, and how urgent it is.
    fn report_object(&self, fetch: &Fetch, report: &mut Report) {
        let kind = match &fetch.resource {
            Resource::Playlist => "m",
            Resource::Init { .. } => "i",
            Resource::Key => "k",
            Resource::Text { .. } => "c",
            Resource::Segment { tracks: Tracks::Audio, .. } => "a",
            Resource::Segment { tracks: Tracks::Video, .. } => "v",
            Resource::Segment { .. } => "av",
        };
        report.put(OBJECT, "ot", kind);
        let index = self.lanes.iter().position(|lane| lane.is_loading(fetch.request));
        let Some(index) = index else { return };
        let in_hundreds = |value: f64| (value / 100.0).round() * 100.0;
        // A list with what each value is about: version 2.
        let mut list = |header, key, value: f64| {
            let number = (value.max(0.0).round() as u64).to_string();
            report.put(header, key, ["(", &number, ";", kind, ")"].concat());
        };
        let rungs = &self.catalog.rungs;
        let download = self.lanes[index].download.as_ref();
        if let Some(rung) = download.and_then(|download| rungs.get(download.rung))
            && index == 0
            && rung.info.bandwidth_bps > 0
        {
            list(OBJECT, "br", rung.info.bandwidth_bps as f64 / 1000.0);
            let top = rungs.last().unwrap_or(rung);
            list(OBJECT, "tb", top.info.bandwidth_bps as f64 / 1000.0);
        }
        let ahead_ms = self.lane_ahead_secs(index).max(0.0) * 1000.0;
        list(REQUEST, "bl", in_hundreds(ahead_ms));
        list(REQUEST, "mtp", in_hundreds(self.estimator.estimate().bandwidth_bps / 1000.0));
        if let Some(download) = download {
            report.count(OBJECT, "d", download.duration_secs * 1000.0);
        }
        if self.player.playback_rate > 0.0 {
            report.count(REQUEST, "dl", in_hundreds(ahead_ms / self.player.playback_rate));
        }
        if ahead_ms < 500.0 {
            report.put(REQUEST, "su", "");
        }
    }

    /// The token of key `sta`.
    fn state_name(&self, core: &Core) -> &'static str {
        let player = &self.player;
        match () {
            () if player.ended => "e",
            () if player.seeking => "k",
            () if !core.metrics.has_first_frame() && !player.paused => "s",
            () if !core.metrics.has_first_frame() => "d",
            () if player.paused => "a",
            () if self.buffering => "r",
            () => "p",
        }
    }
}

fn two_digits(number: u64) -> String {
    [if number < 10 { "0" } else { "" }, &number.to_string()].concat()
}

/// Into the query, before a fragment.
fn add_to_query(url: &mut String, list: &str) {
    let end = url.find('#').unwrap_or(url.len());
    let mut added = String::from(if url[..end].contains('?') { "&" } else { "?" });
    added.push_str("CMCD=");
    for byte in list.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            added.push(char::from(byte));
        } else {
            added.push('%');
            for digit in [byte >> 4, byte & 15] {
                added.push(char::from(b"0123456789ABCDEF"[usize::from(digit)]));
            }
        }
    }
    url.insert_str(end, &added);
}

/// RFC 9562 section 5.4.
fn uuid(core: &mut Core) -> String {
    let bits = core.random.u128(..) & !(0xf << 76) & !(3 << 62) | 4 << 76 | 2 << 62;
    let mut text = String::new();
    for index in 0..32 {
        if matches!(index, 8 | 12 | 16 | 20) {
            text.push('-');
        }
        let digit = (bits >> (124 - 4 * index)) & 15;
        text.push(char::from(b"0123456789abcdef"[digit as usize]));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_query_is_added_before_the_fragment() {
        let mut url = "http://h/a.ts#x".to_owned();
        add_to_query(&mut url, "ot=av,sid=\"1\"");
        assert_eq!(url, "http://h/a.ts?CMCD=ot%3Dav%2Csid%3D%221%22#x");
        add_to_query(&mut url, "su");
        assert!(url.ends_with("&CMCD=su#x"), "{url}");
    }
}

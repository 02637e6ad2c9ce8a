//! What the page's query asks for.

use crate::address::{self, Problem};

/// The query, taken apart.
#[derive(Clone, Debug, PartialEq)]
pub enum Request {
    /// No address: the start page.
    Start,
    /// Play this.
    Watch(Watch),
    /// An address that cannot be played.
    Refuse {
        /// As it was given.
        url: String,
        /// What is wrong with it.
        problem: Problem,
    },
}

/// What to play and how.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Watch {
    /// As it was given; relative to the page.
    pub url: String,
    /// Attributes of the element that the query gives, by name.
    pub attributes: Vec<(&'static str, String)>,
    /// Without sound.
    pub muted: bool,
    /// Where to begin.
    pub start_secs: Option<f64>,
    /// Parameters that make no sense: name, value, and what would.
    pub ignored: Vec<(&'static str, String, &'static str)>,
}

const PROJECTIONS: &str = "auto, equirect, equirect180, fisheye, cubemap, eac, flat";
const STEREOS: &str = "auto, mono, tb, sbs";
const DEGREES: &str = "a number of degrees";

impl Request {
    /// `parameter` gives the decoded value of a query parameter.
    pub fn new(parameter: impl Fn(&str) -> Option<String>, page_is_secure: bool) -> Self {
        let url = match parameter("url") {
            Some(url) if !url.trim().is_empty() => url.trim().to_owned(),
            _ => return Self::Start,
        };
        if let Err(problem) = address::check(&url, page_is_secure) {
            return Self::Refuse { url, problem };
        }
        let mut watch = Watch { url, ..Watch::default() };
        watch.take_word("projection", &parameter, PROJECTIONS);
        watch.take_word("stereo", &parameter, STEREOS);
        for name in ["yaw", "pitch", "fov"] {
            watch.take_number(name, &parameter);
        }
        watch.muted = parameter("muted").is_some_and(|value| !matches!(&*value, "0" | "false"));
        if let Some(value) = parameter("t") {
            watch.start_secs = parse_time(&value);
            if watch.start_secs.is_none() {
                watch.ignored.push(("t", value, "seconds, or a time like 1h2m3s or 1:02:03"));
            }
        }
        Self::Watch(watch)
    }
}

impl Watch {
    fn take_word(
        &mut self,
        name: &'static str,
        parameter: &impl Fn(&str) -> Option<String>,
        words: &'static str,
    ) {
        let Some(value) = parameter(name) else { return };
        if words.split(", ").any(|word| word == value) {
            self.attributes.push((name, value));
        } else {
            self.ignored.push((name, value, words));
        }
    }

    fn take_number(&mut self, name: &'static str, parameter: &impl Fn(&str) -> Option<String>) {
        let Some(value) = parameter(name) else { return };
        if value.trim().parse::<f64>().is_ok_and(f64::is_finite) {
            self.attributes.push((name, value.trim().to_owned()));
        } else {
            self.ignored.push((name, value, DEGREES));
        }
    }
}

/// `90`, `90.5`, `90s`, `1h2m3s` or `1:02:03`.
fn parse_time(text: &str) -> Option<f64> {
    let text = text.trim();
    let secs = if text.contains(':') { parse_clock(text) } else { parse_units(text) }?;
    (secs.is_finite() && secs >= 0.0).then_some(secs)
}

fn parse_clock(text: &str) -> Option<f64> {
    let parts: Vec<&str> = text.split(':').collect();
    if parts.len() > 3 {
        return None;
    }
    parts.iter().try_fold(0.0, |total, part| Some(total * 60.0 + part.parse::<f64>().ok()?))
}

fn parse_units(text: &str) -> Option<f64> {
    let (mut total, mut rest) = (0.0, text);
    for (unit, secs) in [('h', 3600.0), ('m', 60.0)] {
        if let Some((count, after)) = rest.split_once(unit) {
            total += count.parse::<f64>().ok()? * secs;
            rest = after;
        }
    }
    let rest = rest.strip_suffix('s').unwrap_or(rest);
    if rest.is_empty() && text.ends_with(['h', 'm']) {
        return Some(total);
    }
    Some(total + rest.parse::<f64>().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(query: &[(&str, &str)]) -> Request {
        let get = |name: &str| {
            query.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        Request::new(get, false)
    }

    fn watch(query: &[(&str, &str)]) -> Watch {
        match request(query) {
            Request::Watch(watch) => watch,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn no_url_is_the_start_page() {
        assert_eq!(request(&[]), Request::Start);
        assert_eq!(request(&[("url", "  "), ("yaw", "3")]), Request::Start);
    }

    #[test]
    fn everything_that_is_asked_for_arrives() {
        let watch = watch(&[
            ("url", "/hls/test.m3u8"),
            ("projection", "equirect"),
            ("stereo", "tb"),
            ("yaw", "-90"),
            ("pitch", "12.5"),
            ("fov", "60"),
            ("muted", ""),
            ("t", "1m30s"),
        ]);
        assert_eq!(watch.url, "/hls/test.m3u8");
        let attribute = |name, value: &str| (name, value.to_owned());
        assert_eq!(
            watch.attributes,
            [
                attribute("projection", "equirect"),
                attribute("stereo", "tb"),
                attribute("yaw", "-90"),
                attribute("pitch", "12.5"),
                attribute("fov", "60"),
            ]
        );
        assert!(watch.muted && watch.ignored.is_empty());
        assert_eq!(watch.start_secs, Some(90.0));
    }

    #[test]
    fn nonsense_is_ignored_and_named() {
        let watch = watch(&[
            ("url", "/x.m3u8"),
            ("projection", "donut"),
            ("yaw", "left"),
            ("fov", "inf"),
            ("t", "-3"),
            ("muted", "0"),
        ]);
        assert!(watch.attributes.is_empty() && !watch.muted && watch.start_secs.is_none());
        let names: Vec<_> = watch.ignored.iter().map(|(name, ..)| *name).collect();
        assert_eq!(names, ["projection", "yaw", "fov", "t"]);
    }

    #[test]
    fn times_in_all_their_forms() {
        for (text, secs) in [
            ("90", 90.0),
            ("90.5", 90.5),
            ("90s", 90.0),
            ("1m", 60.0),
            ("1h", 3600.0),
            ("1h2m3s", 3723.0),
            ("1h3s", 3603.0),
            ("1:30", 90.0),
            ("1:02:03", 3723.0),
            ("0", 0.0),
        ] {
            assert_eq!(parse_time(text), Some(secs), "{text}");
        }
        for text in ["", "s", "x", "-5", "1:2:3:4", "nan", "inf", "1m2h", ":"] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn a_bad_address_is_refused_with_its_reason() {
        let refused = request(&[("url", "rtmp://localhost/live")]);
        let problem = Problem::Scheme("rtmp".to_owned());
        assert_eq!(refused, Request::Refuse { url: "rtmp://localhost/live".to_owned(), problem });
    }
}

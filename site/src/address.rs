//! Whether what somebody typed or linked to can be the address of a stream.

/// Why an address cannot be played from this page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Problem {
    /// A scheme that browsers do not stream from.
    Scheme(String),
    /// A host name without a scheme; the address that was probably meant.
    NoScheme(String),
    /// Not an address at all.
    Malformed,
    /// http from a page that came by https, which browsers block.
    Insecure,
    /// A page that embeds streams, or a file that is no playlist.
    NotAPlaylist,
}

/// Addresses that people paste and that are web pages, not streams.
const VIDEO_PAGES: [&str; 4] = ["youtube.com", "youtu.be", "vimeo.com", "facebook.com"];

/// Checks `text` before the browser resolves it against the page.
pub fn check(text: &str, page_is_secure: bool) -> Result<(), Problem> {
    let text = text.trim();
    let Some((scheme, rest)) = split_scheme(text) else {
        return check_relative(text);
    };
    if !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http") {
        return Err(Problem::Scheme(scheme.to_ascii_lowercase()));
    }
    let host = host(rest.trim_start_matches('/'));
    if host.is_empty() || !rest.starts_with("//") || text.contains(char::is_whitespace) {
        return Err(Problem::Malformed);
    }
    if is_video_page(host) {
        return Err(Problem::NotAPlaylist);
    }
    if page_is_secure && scheme.eq_ignore_ascii_case("http") && !is_this_machine(host) {
        return Err(Problem::Insecure);
    }
    Ok(())
}

/// What comes before the first colon, if that is a scheme (RFC 3986 section 3.1) and not the host
/// of `localhost:8080/live.m3u8`.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let valid = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '-' | '.'));
    let is_port = rest.starts_with(|c: char| c.is_ascii_digit());
    (valid && !is_port).then_some((scheme, rest))
}

/// A path on this server is fine; a forgotten `https://` is not.
fn check_relative(text: &str) -> Result<(), Problem> {
    if text.is_empty() || text.contains(char::is_whitespace) {
        return Err(Problem::Malformed);
    }
    let (first, has_more) = match text.split_once('/') {
        Some((first, _)) => (first, true),
        None => (text, false),
    };
    let looks_like_host = first.contains(':') || (first.contains('.') && has_more);
    if looks_like_host && !first.chars().all(|c| c == '.') {
        return Err(Problem::NoScheme(format!("https://{text}")));
    }
    Ok(())
}

/// The host of `[user@]host[:port][/path]`.
fn host(authority_and_path: &str) -> &str {
    let authority = authority_and_path.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if host.starts_with('[') {
        return host.split_inclusive(']').next().unwrap_or_default();
    }
    host.split(':').next().unwrap_or_default()
}

fn is_video_page(host: &str) -> bool {
    let host = host.to_ascii_lowercase();
    VIDEO_PAGES
        .iter()
        .any(|page| host.strip_suffix(page).is_some_and(|sub| sub.is_empty() || sub.ends_with('.')))
}

/// Browsers let secure pages load from these.
fn is_this_machine(host: &str) -> bool {
    matches!(host, "localhost" | "[::1]")
        || host.starts_with("127.")
        || host.ends_with(".localhost")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_streams_pass() {
        for text in [
            "https://example.org/live/test.m3u8",
            "HTTP://example.org:8080/a.m3u8?token=1#x",
            "/hls/test.m3u8",
            "./vod/MANIFEST.M3U8",
            "../hls/test.m3u8",
            "test.m3u8",
            "hls/test.m3u8",
            "  https://example.org/x  ",
            "https://user:pass@example.org/x.m3u8",
            "http://[::1]:8080/x.m3u8",
        ] {
            assert_eq!(check(text, false), Ok(()), "{text}");
        }
    }

    #[test]
    fn others_are_named() {
        let scheme = |name: &str| Problem::Scheme(name.to_owned());
        let no_scheme = |url: &str| Problem::NoScheme(url.to_owned());
        for (text, problem) in [
            ("rtmp://localhost/live/test", scheme("rtmp")),
            ("javascript:alert(1)", scheme("javascript")),
            ("FILE:///etc/passwd", scheme("file")),
            ("data:text/plain,x", scheme("data")),
            ("blob:https://example.org/1", scheme("blob")),
            ("", Problem::Malformed),
            ("https://", Problem::Malformed),
            ("https:example.org", Problem::Malformed),
            ("https://?x", Problem::Malformed),
            ("https://exa mple.org/x.m3u8", Problem::Malformed),
            ("not a url", Problem::Malformed),
            ("example.org/live.m3u8", no_scheme("https://example.org/live.m3u8")),
            ("localhost:8080/x.m3u8", no_scheme("https://localhost:8080/x.m3u8")),
            ("https://www.youtube.com/watch?v=1", Problem::NotAPlaylist),
        ] {
            assert_eq!(check(text, false), Err(problem), "{text}");
        }
        assert_eq!(check("https://notyoutube.com/x.m3u8", false), Ok(()));
    }

    #[test]
    fn secure_pages_load_http_from_this_machine_only() {
        assert_eq!(check("http://example.org/x.m3u8", true), Err(Problem::Insecure));
        for text in ["http://localhost:8080/x", "http://127.0.0.1/x", "http://[::1]/x", "/x.m3u8"] {
            assert_eq!(check(text, true), Ok(()), "{text}");
        }
    }
}

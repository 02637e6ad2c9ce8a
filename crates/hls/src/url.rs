//! References resolved against a base (RFC 3986 section 5.2), http and https alone.
//!
//! A small resolver of our own: general URL crates bring IDNA tables of a size that a player's
//! download feels, and they refuse the blanks and unescaped letters of real playlists. What a URL
//! may not contain is percent-encoded instead, as browsers do.

/// The absolute URL that `reference` means on the page `base`, or `None` if `base` is not absolute
/// or the result is neither http nor https.
pub fn resolve(base: &str, reference: &str) -> Option<String> {
    Base::of(base).resolve(reference)
}

/// What references are resolved against: playlists have a hundred thousand of them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Base<'a> {
    url: &'a str,
    /// Length of the URL up to and with the last slash of its path; 0 if there is something to
    /// resolve or to escape in it.
    folder: usize,
}

impl<'a> Base<'a> {
    pub(crate) fn of(url: &'a str) -> Self {
        let folder = without_query(url).rfind('/').map_or(0, |slash| slash + 1);
        let plain = is_plain(&url[..folder]) && is_plain_absolute(&url[..folder]);
        Self { url, folder: if plain { folder } else { 0 } }
    }

    /// The same for a URL that was looked at before.
    pub(crate) fn with_folder(url: &'a str, folder: usize) -> Self {
        Self { url, folder }
    }

    pub(crate) fn folder(self) -> usize {
        self.folder
    }

    pub(crate) fn resolve(self, reference: &str) -> Option<String> {
        self.plainly(reference).or_else(|| by_parts(self.url, reference))
    }

    /// The common case, quickly: there is nothing to drop or escape, and nothing to resolve but
    /// folders to leave.
    fn plainly(self, reference: &str) -> Option<String> {
        let mut folder = &self.url[..self.folder];
        let mut rest = reference;
        while let Some(after) = rest.strip_prefix("../") {
            folder = &folder[..=folder.strip_suffix('/')?.rfind('/')?];
            rest = after;
        }
        if !is_plain(rest) {
            return None;
        }
        if is_plain_absolute(reference) {
            return Some(reference.to_owned());
        }
        let relative =
            !rest.starts_with(['/', '?', '.']) && !rest.is_empty() && !rest.contains(':');
        let is_known = !folder.is_empty() && folder.len() == self.folder;
        (relative && (is_known || is_plain_absolute(folder))).then(|| [folder, rest].concat())
    }
}

/// Neither characters to escape, nor a fragment, nor dots that may be segments.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.iter().enumerate().all(|(at, byte)| match byte {
        b'.' => at == 0 || bytes[at - 1] != b'/',
        b'"' | b'#' | b'<' | b'>' | b'\\' | b'^' | b'`' | b'{' | b'|' | b'}' => false,
        _ => (b'!'..0x7f).contains(byte),
    })
}

/// Scheme, host and at least the slash of a path.
fn is_plain_absolute(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let authority = rest.and_then(|rest| rest.split_once('/')).map(|(authority, _)| authority);
    authority.is_some_and(|authority| is_host(authority) && !authority.contains('?'))
}

fn by_parts(base: &str, reference: &str) -> Option<String> {
    let reference = without_breaks(reference);
    let target = Parts::split(&reference);
    let base = Parts::split(base);
    let mut path = String::new();
    let (scheme, authority, query) = if let Some(scheme) = target.scheme {
        push_without_dots(&mut path, target.path);
        (scheme, target.authority?, target.query)
    } else if let Some(authority) = target.authority {
        push_without_dots(&mut path, target.path);
        (base.scheme?, authority, target.query)
    } else if target.path.is_empty() {
        path.push_str(base.path);
        (base.scheme?, base.authority?, target.query.or(base.query))
    } else {
        if target.path.starts_with('/') {
            push_without_dots(&mut path, target.path);
        } else {
            // Up to and with the last slash of the base's path; a base without a path has the
            // root's.
            let folder = &base.path[..base.path.rfind('/').map_or(0, |slash| slash + 1)];
            let folder = if folder.is_empty() { "/" } else { folder };
            push_without_dots(&mut path, &[folder, target.path].concat());
        }
        (base.scheme?, base.authority?, target.query)
    };
    let known = scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https");
    if !known || !is_host(authority) {
        return None;
    }
    let mut url = String::with_capacity(base.path.len() + reference.len() + 32);
    url.push_str(&scheme.to_ascii_lowercase());
    url.push_str("://");
    push_escaped(&mut url, authority);
    if !path.starts_with('/') {
        url.push('/');
    }
    push_escaped(&mut url, &path);
    if let Some(query) = query {
        url.push('?');
        push_escaped(&mut url, query);
    }
    Some(url)
}

/// The value of the first query parameter called `name`, as it stands in the URL.
pub(crate) fn query_parameter<'a>(url: &'a str, name: &str) -> Option<&'a str> {
    let pairs = Parts::split(url).query?.split('&');
    pairs
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// A URL without query and fragment: what stays when access tokens change.
pub(crate) fn without_query(url: &str) -> &str {
    let end = url.bytes().position(|byte| matches!(byte, b'?' | b'#'));
    &url[..end.unwrap_or(url.len())]
}

/// The five components of RFC 3986 section 3, without the fragment: it is never sent.
struct Parts<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
}

impl<'a> Parts<'a> {
    fn split(url: &'a str) -> Self {
        let url = url.split('#').next().unwrap_or(url);
        let (rest, query) = match url.split_once('?') {
            Some((rest, query)) => (rest, Some(query)),
            None => (url, None),
        };
        let (scheme, rest) = match rest.split_once(':') {
            Some((scheme, rest)) if is_scheme(scheme) => (Some(scheme), rest),
            _ => (None, rest),
        };
        let (authority, path) = match rest.strip_prefix("//") {
            Some(rest) => {
                let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
                (Some(authority), path)
            }
            None => (None, rest),
        };
        Self { scheme, authority, path, query }
    }
}

fn is_scheme(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
}

/// Not empty once user and port are taken off.
fn is_host(authority: &str) -> bool {
    let host = authority.rsplit('@').next().unwrap_or(authority);
    !host.is_empty() && !host.starts_with(':')
}

/// Browsers drop tabs and line breaks inside a URL, and controls and blanks around it.
fn without_breaks(reference: &str) -> String {
    let reference = reference.trim_matches(|character: char| character <= ' ');
    reference.chars().filter(|character| !matches!(character, '\t' | '\r' | '\n')).collect()
}

/// "Remove dot segments", RFC 3986 section 5.2.4.
fn push_without_dots(out: &mut String, path: &str) {
    let absolute = path.starts_with('/');
    let mut kept: Vec<&str> = Vec::new();
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/').peekable();
    while let Some(segment) = segments.next() {
        let last = segments.peek().is_none();
        match segment {
            "." | ".." => {
                if segment == ".." {
                    kept.pop();
                }
                if last {
                    kept.push("");
                }
            }
            _ => kept.push(segment),
        }
    }
    for (index, segment) in kept.iter().enumerate() {
        if index > 0 || absolute {
            out.push('/');
        }
        out.push_str(segment);
    }
}

/// Percent-encodes what neither RFC 3986 nor browsers leave in a URL. A `%` stays as it is: it was
/// written by someone who escaped.
fn push_escaped(out: &mut String, text: &str) {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    for byte in text.bytes() {
        let escape = byte <= b' ' || byte >= 0x7f || b"\"<>\\^`{|}".contains(&byte);
        if escape {
            out.push('%');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        } else {
            out.push(char::from(byte));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_quick_way_leads_to_the_same_place() {
        let bases = [
            "http://h/a/b.m3u8?x=/y#z",
            "https://u@h:8/",
            "http://h",
            "HTTP://h/a/b",
            "http://h?a/b",
            "http://h/a/../b/c",
            "http://h/a b/c",
            "http://h/a/b/c/d",
            "http://h/a//c",
            "x://h/a/",
            "http:///a/",
            "http://:80/a",
        ];
        let references = [
            "x.ts",
            "x/y.ts?a=b",
            "x/.y",
            ".x",
            "x:y",
            "x?a:b",
            "http://k/x",
            "http://k",
            "http://k?/x",
            "https://k/x/../y",
            "http://k/x#f",
            "http:///x",
            "//k/x",
            "?q",
            "",
            "x y",
            "x\ty",
            " x",
            "x|y",
            "\u{e9}",
            "x%20y",
            "HTTP://k/x",
            "http://:1/x",
            "x//y",
            "x/./y",
            "x#f",
            "../x",
            "../../x",
            "../",
            "../../../../x.ts",
            ".././x",
            "x/../y",
        ];
        let mut quick = 0;
        for base in bases {
            for reference in references {
                if let Some(url) = Base::of(base).plainly(reference) {
                    assert_eq!(Some(url), by_parts(base, reference), "{reference} at {base}");
                    quick += 1;
                }
            }
        }
        assert!(quick > 30, "{quick}");
    }

    /// RFC 3986 sections 5.4.1 and 5.4.2, without the fragments and with `/` for an empty path.
    #[test]
    fn the_examples_of_the_rfc() {
        for (reference, expected) in [
            ("g", "http://a/b/c/g"),
            ("./g", "http://a/b/c/g"),
            ("g/", "http://a/b/c/g/"),
            ("/g", "http://a/g"),
            ("//g", "http://g/"),
            ("?y", "http://a/b/c/d;p?y"),
            ("g?y", "http://a/b/c/g?y"),
            ("#s", "http://a/b/c/d;p?q"),
            ("g#s", "http://a/b/c/g"),
            ("g?y#s", "http://a/b/c/g?y"),
            (";x", "http://a/b/c/;x"),
            ("g;x", "http://a/b/c/g;x"),
            ("g;x?y#s", "http://a/b/c/g;x?y"),
            ("", "http://a/b/c/d;p?q"),
            (".", "http://a/b/c/"),
            ("./", "http://a/b/c/"),
            ("..", "http://a/b/"),
            ("../", "http://a/b/"),
            ("../g", "http://a/b/g"),
            ("../..", "http://a/"),
            ("../../", "http://a/"),
            ("../../g", "http://a/g"),
            ("../../../g", "http://a/g"),
            ("../../../../g", "http://a/g"),
            ("/./g", "http://a/g"),
            ("/../g", "http://a/g"),
            ("g.", "http://a/b/c/g."),
            (".g", "http://a/b/c/.g"),
            ("g..", "http://a/b/c/g.."),
            ("..g", "http://a/b/c/..g"),
            ("./../g", "http://a/b/g"),
            ("./g/.", "http://a/b/c/g/"),
            ("g/./h", "http://a/b/c/g/h"),
            ("g/../h", "http://a/b/c/h"),
            ("g;x=1/./y", "http://a/b/c/g;x=1/y"),
            ("g;x=1/../y", "http://a/b/c/y"),
            ("g?y/./x", "http://a/b/c/g?y/./x"),
            ("g?y/../x", "http://a/b/c/g?y/../x"),
            ("g#s/../x", "http://a/b/c/g"),
        ] {
            let url = resolve("http://a/b/c/d;p?q", reference);
            assert_eq!(url.as_deref(), Some(expected), "{reference}");
        }
    }

    #[test]
    fn what_real_playlists_hold() {
        for (base, reference, expected) in [
            ("https://cdn.example", "a.ts", "https://cdn.example/a.ts"),
            ("https://cdn.example?x=/y", "a.ts", "https://cdn.example/a.ts"),
            ("https://h:8443/live/m.m3u8?t=a/b", "seg 1.ts", "https://h:8443/live/seg%201.ts"),
            ("http://h/a/m.m3u8", " b.ts\t", "http://h/a/b.ts"),
            ("http://h/a/m.m3u8", "caf\u{e9}.ts", "http://h/a/caf%C3%A9.ts"),
            ("http://h/a/m.m3u8", "a%20b.ts?x={1}", "http://h/a/a%20b.ts?x=%7B1%7D"),
            ("http://h/a/m.m3u8", "HTTPS://Other/x.ts", "https://Other/x.ts"),
            ("http://h/a/m.m3u8", "//other:81/x.ts", "http://other:81/x.ts"),
            ("http://[::1]:8080/m.m3u8", "x.ts", "http://[::1]:8080/x.ts"),
            ("http://h/a/m.m3u8", "12:30/x.ts", "http://h/a/12:30/x.ts"),
            ("http://h/a/m.m3u8", "x//y.ts", "http://h/a/x//y.ts"),
        ] {
            assert_eq!(resolve(base, reference).as_deref(), Some(expected), "{reference}");
        }
    }

    #[test]
    fn only_http_and_https_with_a_host_come_out() {
        for reference in [
            "g:h",
            "javascript:alert(1)",
            "file:///etc/passwd",
            "data:,x",
            "http:g",
            "http:///x",
            "//",
            "https://:80/x",
        ] {
            assert_eq!(resolve("http://a/b/c/d;p?q", reference), None, "{reference}");
        }
        for base in ["", "m.m3u8", "/hls/m.m3u8", "//host/m.m3u8", "blob:https://h/1", "mailto:x"] {
            assert_eq!(resolve(base, "x.ts"), None, "{base}");
        }
    }

    #[test]
    fn query_parameters_and_tokens() {
        assert_eq!(query_parameter("http://h/m?a=1&b=2%20#b=3", "b"), Some("2%20"));
        assert_eq!(query_parameter("http://h/m", "b"), None);
        assert_eq!(without_query("http://h/m?token=1"), "http://h/m");
    }
}

//! URL paths as file names: decoded once, and never out of their folder.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

/// The segments of a URL path, percent-decoded once.
///
/// `None` when it could leave its folder or names something odd: `..`, a backslash, a control
/// character, an escaped slash, a colon (drive letters, alternate streams), a leading dot, a bad
/// escape, text that is not UTF-8.
pub fn segments(path: &str) -> Option<Vec<Cow<'_, str>>> {
    let path = path.strip_prefix('/')?;
    let mut segments = Vec::new();
    for raw in path.split('/') {
        let segment = decode(raw)?;
        let odd = |c: char| c.is_control() || matches!(c, '/' | '\\' | ':');
        if segment.starts_with('.') || segment.contains(odd) {
            return None;
        }
        segments.push(segment);
    }
    Some(segments)
}

/// The file that `segments` name below `root`, if it is a file and really there: links that lead
/// out of `root` do not count.
pub async fn file_below(root: &Path, segments: &[String]) -> Option<PathBuf> {
    let mut wanted = root.to_path_buf();
    wanted.extend(segments);
    let root = tokio::fs::canonicalize(root).await.ok()?;
    let found = tokio::fs::canonicalize(wanted).await.ok()?;
    let is_file = tokio::fs::metadata(&found).await.is_ok_and(|metadata| metadata.is_file());
    (is_file && found.starts_with(root)).then_some(found)
}

fn decode(raw: &str) -> Option<Cow<'_, str>> {
    if !raw.contains('%') {
        return Some(Cow::Borrowed(raw));
    }
    let mut bytes = Vec::with_capacity(raw.len());
    let mut rest = raw.as_bytes();
    while let Some((&first, tail)) = rest.split_first() {
        rest = tail;
        if first != b'%' {
            bytes.push(first);
            continue;
        }
        let (digits, tail) = rest.split_at_checked(2)?;
        rest = tail;
        let hex = |digit: u8| char::from(digit).to_digit(16);
        bytes.push((hex(digits[0])? * 16 + hex(digits[1])?) as u8);
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ordinary_paths() {
        assert_eq!(segments("/hls/test.m3u8").unwrap(), ["hls", "test.m3u8"]);
        assert_eq!(segments("/a%20b/%C3%A9.mp4").unwrap(), ["a b", "\u{e9}.mp4"]);
        assert_eq!(segments("/").unwrap(), [""]);
    }

    #[test]
    fn nothing_leaves_its_folder() {
        for path in [
            "/../x",
            "/a/../../x",
            "/%2e%2e/x",
            "/%2E./x",
            "/..%2fx",
            "/a%2f..%2fx",
            "/a%5c..%5cx",
            "/..\\x",
            "/C:/x",
            "/a%00b",
            "/.git/config",
            "/%",
            "/%2",
            "/%zz",
            "/%ff",
            "x",
            "",
        ] {
            assert_eq!(segments(path), None, "{path}");
        }
        // Decoded once: what remains is a name like any other.
        assert_eq!(segments("/%252e%252e").unwrap(), ["%2e%2e"]);
    }
}

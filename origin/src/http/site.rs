//! The site: static files with a content security policy.

use axum::body::Body;
use axum::http::header::HeaderName;
use axum::http::request::Parts;
use axum::http::{Response, StatusCode};

use super::respond::{self, Cache};
use super::{App, files};

/// A file of the site; `/` is its index.html.
pub async fn answer(app: &App, segments: &[String], request: &Parts) -> Response<Body> {
    let Some(site) = &app.site else {
        return respond::error(
            StatusCode::NOT_FOUND,
            "no site here: start the origin with --site DIR",
        );
    };
    let mut segments = segments.to_vec();
    if let Some(last) = segments.last_mut().filter(|last| last.is_empty()) {
        "index.html".clone_into(last);
    }
    let found = app.files.get(site, &segments).await;
    let hashed = segments.last().is_some_and(|name| has_hash(name));
    let cache = if hashed { Cache::Immutable } else { Cache::Revalidate };
    // No file of a site is too large to be read at once.
    let answer = found.as_ref().and_then(|found| {
        let bytes = found.bytes.as_ref()?;
        let is_page = respond::content_type(&found.path).starts_with("text/html");
        Some((files::content(found, cache, request)?, is_page.then(|| security_policy(bytes))))
    });
    let Some((mut response, policy)) = answer else {
        return respond::error(StatusCode::NOT_FOUND, "there is nothing at this address");
    };
    if let Some(policy) = policy {
        respond::set(&mut response, HeaderName::from_static("content-security-policy"), &policy);
        respond::set(
            &mut response,
            HeaderName::from_static("referrer-policy"),
            "strict-origin-when-cross-origin",
        );
    }
    response
}

/// Trunk puts 16 hexadecimal digits of the content's hash into the names of what it builds.
fn has_hash(name: &str) -> bool {
    let is_hash =
        |part: &str| part.len() == 16 && part.bytes().all(|byte| byte.is_ascii_hexdigit());
    name.split(['-', '_', '.']).any(is_hash)
}

/// Scripts only from the site itself and WebAssembly; the inline scripts of this very page by
/// their hashes. Media may come from anywhere: that is what the page is for.
fn security_policy(html: &[u8]) -> String {
    let hashes: String = inline_scripts(html)
        .map(|script| format!(" 'sha256-{}'", base64(&sha256(script))))
        .collect();
    format!(
        "default-src 'self'; script-src 'self' 'wasm-unsafe-eval'{hashes}; style-src 'self' 'unsafe-inline'; \
         img-src 'self' data: blob:; media-src * data: blob:; connect-src * data: blob:; worker-src 'self' blob:; \
         object-src 'none'; base-uri 'self'; form-action 'self'"
    )
}

/// The texts of `<script>` elements without `src`.
fn inline_scripts(html: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = html;
    std::iter::from_fn(move || {
        loop {
            let open = find(rest, b"<script")?;
            let tag = &rest[open..];
            let tag_end = find(tag, b">")?;
            let text = &tag[tag_end + 1..];
            let end = find(text, b"</script")?;
            rest = &text[end..];
            let has_source = find(&tag[..tag_end], b" src=").is_some();
            if !has_source && end > 0 {
                return Some(&text[..end]);
            }
        }
    })
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window.eq_ignore_ascii_case(needle))
}

fn sha256(bytes: &[u8]) -> [u8; 32] {
    use sha2::Digest;
    sha2::Sha256::digest(bytes).into()
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let byte = |at: usize| u32::from(chunk.get(at).copied().unwrap_or(0));
        let group = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            let given = digit <= chunk.len();
            let index = (group >> (18 - 6 * digit) & 63) as usize;
            text.push(if given { char::from(DIGITS[index]) } else { '=' });
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_of_rfc_4648() {
        for (bytes, text) in
            [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn inline_scripts_are_named_by_hash() {
        let html =
            b"<head><script src=\"a.js\"></script><SCRIPT type=\"module\">alert(1)</SCRIPT></head>";
        // printf 'alert(1)' | openssl dgst -sha256 -binary | base64
        let hash = "bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI=";
        let policy = security_policy(html);
        assert!(
            policy.contains(&format!("script-src 'self' 'wasm-unsafe-eval' 'sha256-{hash}';")),
            "{policy}"
        );
    }

    #[test]
    fn names_of_trunk() {
        assert!(has_hash("immersive-site-3f9a0c1b2d4e5f60_bg.wasm"));
        assert!(!has_hash("index.html"));
    }
}

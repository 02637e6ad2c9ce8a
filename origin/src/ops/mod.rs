//! The operator's page: live streams with their pictures, figures and what needs attention.
//!
//! Everything is in the program; the page loads nothing from elsewhere.

pub mod pictures;
pub mod viewers;

/// A file of the page: its text and media type.
pub fn file(name: &str) -> Option<(&'static str, &'static str)> {
    Some(match name {
        "page.html" => (include_str!("page.html"), "text/html; charset=utf-8"),
        "page.css" => (include_str!("page.css"), "text/css; charset=utf-8"),
        "page.js" => (include_str!("page.js"), "text/javascript; charset=utf-8"),
        _ => return None,
    })
}

/// Nothing but the page's own files.
pub const SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
     img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

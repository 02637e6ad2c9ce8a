//! Values as attribute lists and lines have them.

use std::fmt;

pub(super) const fn yes_no(yes: bool) -> &'static str {
    if yes { "YES" } else { "NO" }
}

/// A non-negative decimal with six places; what is not a number is zero.
pub(super) struct Seconds(pub(super) f64);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A saturating cast, which makes 0 of NaN and of what is negative.
        let micros = (self.0 * 1e6).round() as u64;
        write!(f, "{}.{:06}", micros / 1_000_000, micros % 1_000_000)
    }
}

/// A quoted string: it cannot contain line breaks or double quotes (RFC 8216bis section 4.2).
pub(super) struct Quoted<'a>(pub(super) &'a str);

impl fmt::Display for Quoted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("\"")?;
        for piece in self.0.split_inclusive(['"', '\r', '\n']) {
            match piece.strip_suffix(['"', '\r', '\n']) {
                Some(clean) => write!(f, "{clean}'")?,
                None => f.write_str(piece)?,
            }
        }
        f.write_str("\"")
    }
}

/// A URI on a line or in a quoted string: blanks, controls, quotes and a leading `#` are escaped.
pub(super) struct Uri<'a>(pub(super) &'a str);

impl fmt::Display for Uri<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, character) in self.0.char_indices() {
            let escaped = character <= ' ' || character == '"' || (at == 0 && character == '#');
            if escaped {
                write!(f, "%{:02X}", u32::from(character))?;
            } else {
                fmt::Write::write_char(f, character)?;
            }
        }
        Ok(())
    }
}

/// An enumerated string: what would end it is left out (RFC 8216bis section 4.2).
pub(super) struct Enumerated<'a>(pub(super) &'a str);

impl fmt::Display for Enumerated<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for piece in self.0.split(|c: char| c.is_whitespace() || matches!(c, ',' | '"')) {
            f.write_str(piece)?;
        }
        Ok(())
    }
}

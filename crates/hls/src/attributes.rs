//! Attribute lists (RFC 8216bis section 4.2), leniently.

/// `NAME=value,NAME="quoted, value"` as it stands in a playlist. Looking up scans: lists are short,
/// and most tags come once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attributes<'a>(pub(crate) &'a str);

impl<'a> Attributes<'a> {
    /// The value without its quotes; the first one if the name occurs twice.
    pub(crate) fn get(self, name: &str) -> Option<&'a str> {
        self.iter().find(|(key, _)| *key == name).map(|(_, value)| value)
    }

    /// Like [`Self::get`] for several names in one go.
    pub(crate) fn all<const N: usize>(self, names: [&str; N]) -> [Option<&'a str>; N] {
        let mut values = [None; N];
        for (name, value) in self.iter() {
            if let Some(at) = names.iter().position(|wanted| *wanted == name) {
                values[at].get_or_insert(value);
            }
        }
        values
    }

    /// Like [`Self::get`], owned; `None` for an empty value.
    pub(crate) fn text(self, name: &str) -> Option<String> {
        self.get(name).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// A decimal integer; what follows the digits is ignored, too many digits saturate.
    pub(crate) fn integer(self, name: &str) -> Option<u64> {
        integer(self.get(name)?)
    }

    /// A finite, non-negative number.
    pub(crate) fn decimal(self, name: &str) -> Option<f64> {
        seconds(self.get(name)?)
    }

    /// A finite number of either sign.
    pub(crate) fn signed_decimal(self, name: &str) -> Option<f64> {
        decimal(self.get(name)?)
    }

    /// Whether the value is `YES`.
    pub(crate) fn yes(self, name: &str) -> bool {
        self.get(name) == Some("YES")
    }

    /// Names and values in order.
    pub(crate) fn iter(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            // Byte by byte: these texts are short, and there are many.
            let until = |text: &'a str, end: fn(&u8) -> bool| {
                text.split_at(text.bytes().position(|byte| end(&byte)).unwrap_or(text.len()))
            };
            (_, rest) = until(rest, |byte| !matches!(byte, b',' | b' ' | b'\t'));
            if rest.is_empty() {
                return None;
            }
            let (name, value) = until(rest, |byte| matches!(byte, b'=' | b','));
            let name = name.trim_ascii();
            let Some(value) = value.strip_prefix('=') else {
                rest = value;
                return Some((name, ""));
            };
            let value = value.trim_ascii_start();
            let value = match value.strip_prefix('"') {
                Some(quoted) => {
                    let (value, after) = until(quoted, |byte| *byte == b'"');
                    rest = after.get(1..).unwrap_or("");
                    value
                }
                None => {
                    let (value, after) = until(value, |byte| *byte == b',');
                    rest = after;
                    value.trim_ascii_end()
                }
            };
            Some((name, value))
        })
    }
}

/// The digits at the beginning of `text`, saturating; `None` if there are none.
pub(crate) fn integer(text: &str) -> Option<u64> {
    let digits = text.trim_ascii().bytes().take_while(u8::is_ascii_digit);
    digits.fold(None, |value: Option<u64>, digit| {
        Some(value.unwrap_or(0).saturating_mul(10).saturating_add(u64::from(digit - b'0')))
    })
}

/// A finite number, or `None`: `nan`, `inf` and hexadecimal are not numbers here.
pub(crate) fn decimal(text: &str) -> Option<f64> {
    let text = text.trim_ascii();
    let plain = text.bytes().all(|byte| byte.is_ascii_digit() || b"+-.eE".contains(&byte));
    if plain { text.parse().ok().filter(|value: &f64| value.is_finite()) } else { None }
}

/// A finite, non-negative number.
pub(crate) fn seconds(text: &str) -> Option<f64> {
    decimal(text).filter(|value| *value >= 0.0)
}

/// `n[@o]`: length and offset.
pub(crate) fn byte_range(text: &str) -> Option<(u64, Option<u64>)> {
    match text.split_once('@') {
        Some((length, offset)) => Some((integer(length)?, integer(offset))),
        None => Some((integer(text)?, None)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_commas_blanks_and_missing_values_are_taken_as_they_come() {
        let list = Attributes(r#"A=1, B="x,y=z" ,C=2x3,,D=,E,F="open, end"#);
        let pairs: Vec<_> = list.iter().collect();
        let expected =
            [("A", "1"), ("B", "x,y=z"), ("C", "2x3"), ("D", ""), ("E", ""), ("F", "open, end")];
        assert_eq!(pairs, expected);
    }

    #[test]
    fn numbers_that_are_not_numbers_are_none() {
        let list = Attributes("A=nan,B=inf,C=-4,D=12abc,E=99999999999999999999999,F=1e3,G=abc");
        assert_eq!(list.decimal("A"), None);
        assert_eq!(list.decimal("B"), None);
        assert_eq!(list.decimal("C"), None);
        assert_eq!(list.signed_decimal("C"), Some(-4.0));
        assert_eq!(list.integer("D"), Some(12));
        assert_eq!(list.integer("E"), Some(u64::MAX));
        assert_eq!(list.decimal("F"), Some(1000.0));
        assert_eq!(list.integer("G"), None);
    }
}

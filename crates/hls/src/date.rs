//! ISO 8601 dates of EXT-X-PROGRAM-DATE-TIME and EXT-X-DATERANGE as milliseconds since 1970.

use std::fmt;

const MS_PER_DAY: i64 = 86_400_000;

/// Milliseconds since 1970-01-01T00:00:00Z, or `None` if `text` is not a date.
///
/// Lenient as browsers are: the zone may be `Z`, `+hh:mm`, `+hhmm`, `+hh` or missing (UTC), the
/// fraction of any length, the separator a `T`, `t` or blank.
pub(crate) fn parse(text: &str) -> Option<i64> {
    let mut scan = Scan { rest: text.trim().as_bytes() };
    let (year, month, day) = (scan.number(4)?, scan.after(b"-")?, scan.after(b"-")?);
    if !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let mut ms = days_from_civil(year, month, day) * MS_PER_DAY;
    if scan.rest.is_empty() {
        return Some(ms);
    }
    let (hour, minute) = (scan.after(b"Tt ")?, scan.after(b":")?);
    let second = scan.after(b":").unwrap_or(0);
    if hour > 24 || minute > 59 || second > 60 {
        return None;
    }
    ms += ((hour * 60 + minute) * 60 + second) * 1000;
    if scan.eat(b".,") {
        ms += scan.fraction_ms()?;
    }
    Some(ms - scan.zone_minutes()? * 60_000)
}

/// Writes `ms` since 1970 as `YYYY-MM-DDThh:mm:ss.sssZ`.
pub(crate) struct Iso8601(pub(crate) i64);

impl fmt::Display for Iso8601 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (days, ms) = (self.0.div_euclid(MS_PER_DAY), self.0.rem_euclid(MS_PER_DAY));
        let (year, month, day) = civil_from_days(days);
        let (seconds, ms) = (ms / 1000, ms % 1000);
        let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
    }
}

struct Scan<'a> {
    rest: &'a [u8],
}

impl Scan<'_> {
    fn eat(&mut self, any_of: &[u8]) -> bool {
        match self.rest.split_first() {
            Some((first, rest)) if any_of.contains(first) => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// Exactly `digits` digits.
    fn number(&mut self, digits: usize) -> Option<i64> {
        let mut value = 0;
        for &byte in self.rest.get(..digits)? {
            value = value * 10 + i64::from(byte.is_ascii_digit().then(|| byte - b'0')?);
        }
        self.rest = &self.rest[digits..];
        Some(value)
    }

    /// Two digits after one of these separators.
    fn after(&mut self, separator: &[u8]) -> Option<i64> {
        if self.eat(separator) { self.number(2) } else { None }
    }

    fn fraction_ms(&mut self) -> Option<i64> {
        let (mut ms, mut weight) = (0, 100);
        let mut digits = 0;
        while let Some(digit) = self.number(1) {
            ms += digit * weight;
            weight /= 10;
            digits += 1;
        }
        (digits > 0).then_some(ms)
    }

    fn zone_minutes(&mut self) -> Option<i64> {
        if self.rest.is_empty() || self.eat(b"Zz") {
            return self.rest.is_empty().then_some(0);
        }
        let sign = if self.eat(b"+") { 1 } else { self.eat(b"-").then_some(-1)? };
        let hours = self.number(2)?;
        self.eat(b":");
        let minutes = if self.rest.is_empty() { 0 } else { self.number(2)? };
        self.rest.is_empty().then_some(sign * (hours * 60 + minutes))
    }
}

/// Days since 1970-01-01 in the proleptic Gregorian calendar (Howard Hinnant, "chrono-Compatible
/// Low-Level Date Algorithms").
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// The inverse of [`days_from_civil`].
fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_forms_that_are_in_use() {
        for (text, ms) in [
            ("1970-01-01T00:00:00Z", 0),
            ("2010-02-19T14:54:23.031+08:00", 1_266_562_463_031),
            ("2010-02-19T14:54:23.031+0800", 1_266_562_463_031),
            ("2010-02-19T06:54:23.031Z", 1_266_562_463_031),
            ("2010-02-19T06:54:23.0314159", 1_266_562_463_031),
            ("2010-02-19 06:54:23", 1_266_562_463_000),
            ("2010-02-18T22:54:23-08", 1_266_562_463_000),
            ("2012-12-25", 1_356_393_600_000),
            ("1969-12-31T23:59:59.999Z", -1),
        ] {
            assert_eq!(parse(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn refuses_what_is_not_a_date() {
        for text in [
            "",
            "now",
            "2010-13-01",
            "2010-02-19T",
            "2010-02-19T25:00Z",
            "2010-02-19T14:54:23.Z",
            "2010-02-19T14:54:23+8",
            "\u{661}010-02-19",
        ] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn writes_what_it_reads() {
        for ms in [0, -1, 951_782_400_000, 4_107_542_399_999, 1_266_562_463_031] {
            assert_eq!(parse(&Iso8601(ms).to_string()), Some(ms));
        }
    }
}

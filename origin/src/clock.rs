//! The clocks, read in one place.

use std::sync::LazyLock;
use std::sync::atomic::{AtomicI64, Ordering::Relaxed};
use std::time::{Duration, Instant, SystemTime};

/// How far [`step`] has set the wall clock, milliseconds.
static STEPPED_MS: AtomicI64 = AtomicI64::new(0);

/// Time since 1970-01-01T00:00:00Z; zero on a machine whose clock stands before that.
#[expect(
    clippy::disallowed_methods,
    reason = "the origin is native; this is where its clock enters"
)]
pub fn unix_now() -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    let step = Duration::from_millis(STEPPED_MS.load(Relaxed).unsigned_abs());
    if STEPPED_MS.load(Relaxed) < 0 { now.saturating_sub(step) } else { now + step }
}

/// Sets this program's wall clock forward, or back, by so much, as an operator or a time server may
/// set the machine's: for tests.
pub fn step(by_ms: i64) {
    STEPPED_MS.fetch_add(by_ms, Relaxed);
}

/// Time since the first call: it only ever grows, whatever somebody does to the wall clock.
#[expect(clippy::disallowed_methods, reason = "as for the wall clock")]
pub fn monotonic() -> Duration {
    static FIRST: LazyLock<Instant> = LazyLock::new(Instant::now);
    let first = *FIRST;
    Instant::now().duration_since(first)
}

/// Civil date and time of `unix` in UTC: year, month, day, hour, minute, second, millisecond.
///
/// Days to dates as in Howard Hinnant's "chrono-Compatible Low-Level Date Algorithms".
pub fn civil_utc(unix: Duration) -> (i64, u32, u32, u32, u32, u32, u32) {
    let secs = unix.as_secs();
    let days = (secs / 86_400) as i64;
    let second_of_day = (secs % 86_400) as u32;
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_index = (5 * day_of_year + 2) / 153;
    let day = (day_of_year - (153 * month_index + 2) / 5 + 1) as u32;
    let month = if month_index < 10 { month_index + 3 } else { month_index - 9 } as u32;
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    (
        year,
        month,
        day,
        second_of_day / 3_600,
        second_of_day / 60 % 60,
        second_of_day % 60,
        unix.subsec_millis(),
    )
}

/// `2026-01-31T23:59:59.125Z`, as EXT-X-PROGRAM-DATE-TIME wants it (ISO 8601).
pub fn iso8601(unix: Duration) -> String {
    let (year, month, day, hour, minute, second, millis) = civil_utc(unix);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{millis:03}Z")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_agree_with_date_1() {
        // date -u -d @951782399.999 etc.
        assert_eq!(iso8601(Duration::from_millis(951_782_399_999)), "2000-02-28T23:59:59.999Z");
        assert_eq!(iso8601(Duration::from_secs(951_868_799)), "2000-02-29T23:59:59.000Z");
        assert_eq!(iso8601(Duration::from_secs(4_107_542_400)), "2100-03-01T00:00:00.000Z");
        assert_eq!(iso8601(Duration::ZERO), "1970-01-01T00:00:00.000Z");
    }
}

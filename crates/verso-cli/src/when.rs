//! Times: for programs as RFC 3339 in UTC, for people in their own time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

/// Milliseconds since the Unix epoch as programs read them, such as `2026-11-22T09:30:00.250Z`.
pub(crate) fn json(ms: u64) -> String {
    timestamp(ms).map_or_else(|| "?".to_owned(), |time| format!("{time:.3}"))
}

/// What time it is, in milliseconds since the Unix epoch.
pub(crate) fn now_ms() -> u64 {
    u64::try_from(Timestamp::now().as_millisecond()).unwrap_or_default()
}

/// Turns what [`json`] wrote into what a person reads, such as `2026-11-22 10:30`.
pub(crate) fn person_reads(json: &str) -> String {
    json.parse().map_or_else(|_unknown| json.to_owned(), local)
}

fn timestamp(ms: u64) -> Option<Timestamp> {
    Timestamp::from_millisecond(i64::try_from(ms).ok()?).ok()
}

fn local(time: Timestamp) -> String {
    time.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H:%M").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_for_programs_are_utc_with_milliseconds() {
        assert_eq!(json(1_700_000_000_050), "2023-11-14T22:13:20.050Z");
        assert_eq!(json(0), "1970-01-01T00:00:00.000Z");
        assert_eq!(json(u64::MAX), "?");
        assert_eq!(person_reads("?"), "?");
        assert_eq!(person_reads(&json(1_700_000_000_050)).len(), "2023-11-14 22:13".len());
    }
}

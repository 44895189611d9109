//! Times: for programs as RFC 3339 in UTC, for people in their own time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;

const MINUTE: u64 = 60_000;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;

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

/// Turns what [`json`] wrote into milliseconds since the Unix epoch.
pub(crate) fn ms(json: &str) -> Option<u64> {
    u64::try_from(json.parse::<Timestamp>().ok()?.as_millisecond()).ok()
}

/// How long ago something was, as a person says it. What is older than two months has a date, and so has what is yet to come by this
/// machine's clock, since one of two clocks is wrong then.
pub(crate) fn ago(now_ms: u64, then_ms: u64) -> String {
    let date = || timestamp(then_ms).map_or_else(|| "?".to_owned(), local);
    if then_ms > now_ms.saturating_add(MINUTE) {
        return format!("{}, ahead of this clock", date());
    }
    match now_ms.saturating_sub(then_ms) {
        0..MINUTE => "just now".to_owned(),
        passed if passed < 60 * DAY => format!("{} ago", span(passed)),
        _ => date(),
    }
}

/// How long something takes, as a person says it, in whole minutes, hours or days.
pub(crate) fn span(ms: u64) -> String {
    let counted = |count: u64, unit: &str| format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
    match ms {
        0..HOUR => counted(ms / MINUTE, "minute"),
        HOUR..DAY => counted(ms / HOUR, "hour"),
        _ => counted(ms / DAY, "day"),
    }
}

/// The time of the day, such as `10:30:05`.
pub(crate) fn time_of_day(ms: u64) -> String {
    let time = timestamp(ms).map(|time| time.to_zoned(TimeZone::system()));
    time.map_or_else(|| "?".to_owned(), |time| time.strftime("%H:%M:%S").to_string())
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

    #[test]
    fn ages_are_told_as_people_say_them() {
        const NOW: u64 = 1_700_000_000_000;
        let told = |seconds: u64| ago(NOW, NOW - seconds * 1000);
        assert_eq!([0, 59, 60, 119].map(told), ["just now", "just now", "1 minute ago", "1 minute ago"]);
        assert_eq!([120, 3_599, 3_600].map(told), ["2 minutes ago", "59 minutes ago", "1 hour ago"]);
        assert_eq!([7_200, 86_399, 86_400].map(told), ["2 hours ago", "23 hours ago", "1 day ago"]);
        assert_eq!(told(59 * 86_400), "59 days ago");
        assert!(told(60 * 86_400).starts_with("2023-09-1"), "{}", told(60 * 86_400));
        assert_eq!(ago(NOW, NOW + 30_000), "just now", "clocks differ by so much");
        let ahead = ago(NOW, NOW + 3_600_000);
        assert!(ahead.starts_with("2023-11-1") && ahead.ends_with(", ahead of this clock"), "{ahead}");
        assert_eq!(ago(NOW, u64::MAX), "?, ahead of this clock");
        assert_eq!(ms(&json(NOW)), Some(NOW));
        assert_eq!(ms("?"), None);
    }
}

//! Text for people: names that others chose, numbers, bytes, and times.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::Offset;
use verso_identity::Name;

/// A box, which every font has, for a character that would deceive a reader: control characters, and those that turn the direction of
/// writing.
const REPLACEMENT: char = '\u{25a1}';
const KIB: u64 = 1024;

/// Returns text of somebody else with every character replaced that could make it look like something else.
pub(crate) fn shown(text: &str) -> String {
    text.chars().map(|character| if Name::is_deceptive(character) { REPLACEMENT } else { character }).collect()
}

/// Cuts text to a number of bytes, at a character's end.
pub(crate) fn cut(text: &mut String, bytes: usize) {
    if text.len() > bytes {
        text.truncate(text.floor_char_boundary(bytes));
        text.push('…');
    }
}

/// A number as people read it: `513,425`.
pub(crate) fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len().saturating_add(digits.len() / 3));
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && digits.len().saturating_sub(index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A number of things: `1 node`, `513,425 nodes`.
pub(crate) fn counted(number: u64, one: &str, many: &str) -> String {
    if number == 1 { format!("1 {one}") } else { format!("{} {many}", grouped(number)) }
}

/// The length of a list as a number that is shown.
pub(crate) fn len<T>(list: &[T]) -> u64 {
    u64::try_from(list.len()).unwrap_or(u64::MAX)
}

/// An amount of bytes as people read it: `1.4 MB`.
pub(crate) fn bytes(number: u64) -> String {
    let units = [("kB", 1), ("MB", 2), ("GB", 3), ("TB", 4)];
    let fitting = units.iter().rev().find(|(_, power)| number >= KIB.pow(*power));
    match fitting {
        None => counted(number, "byte", "bytes"),
        Some((unit, power)) => {
            let one = KIB.pow(*power);
            let tenths = u128::from(number) * 10 / u128::from(one);
            if tenths < 100 {
                format!("{}.{} {unit}", tenths / 10, tenths % 10)
            } else {
                format!("{} {unit}", grouped(number / one))
            }
        }
    }
}

/// A round trip as people read it: `0.4 ms`, `23 ms`.
pub(crate) fn round_trip(microseconds: u64) -> String {
    if microseconds < 10_000 {
        format!("{}.{} ms", microseconds / 1000, microseconds % 1000 / 100)
    } else {
        format!("{} ms", grouped(microseconds / 1000))
    }
}

/// How long something is, in whole minutes, hours or days.
pub(crate) fn span(milliseconds: u64) -> String {
    let minutes = milliseconds / 60_000;
    match minutes {
        0..60 => counted(minutes, "minute", "minutes"),
        60..1440 => counted(minutes / 60, "hour", "hours"),
        _ => counted(minutes / 1440, "day", "days"),
    }
}

/// Time left, as a countdown: `4:05`, `23 h 10 min`.
pub(crate) fn countdown(milliseconds: u64) -> String {
    let seconds = milliseconds.div_ceil(1000);
    let (minutes, hours) = (seconds / 60, seconds / 3600);
    if hours > 0 { format!("{hours} h {} min", minutes % 60) } else { format!("{minutes}:{:02}", seconds % 60) }
}

/// A clock that turns instants into words. The words tell when and not how long ago, so they stay true while nothing is drawn.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    now: DateTime,
    offset: Offset,
}

impl Clock {
    pub(crate) fn new(now_ms: u64, utc_offset_minutes: i16) -> Self {
        let offset = Offset::from_seconds(i32::from(utc_offset_minutes).saturating_mul(60)).unwrap_or(Offset::UTC);
        Self { now: local(now_ms, offset), offset }
    }

    /// `at 09:12`, `yesterday at 18:40`, `on 12 November`, `on 3 May 2025`.
    pub(crate) fn when(&self, at_ms: u64) -> String {
        let at = local(at_ms, self.offset);
        let time = format!("{:02}:{:02}", at.hour(), at.minute());
        let yesterday = self.now.date().yesterday().ok();
        if at.date() == self.now.date() {
            format!("at {time}")
        } else if Some(at.date()) == yesterday {
            format!("yesterday at {time}")
        } else if at.year() == self.now.year() {
            format!("on {} at {time}", at.strftime("%-d %B"))
        } else {
            format!("on {}", at.strftime("%-d %B %Y"))
        }
    }

    /// The day that something belongs to in a list of days: `Today`, `Yesterday`, `12 November`.
    pub(crate) fn day(&self, at_ms: u64) -> String {
        let at = local(at_ms, self.offset);
        if at.date() == self.now.date() {
            "Today".to_owned()
        } else if Some(at.date()) == self.now.date().yesterday().ok() {
            "Yesterday".to_owned()
        } else if at.year() == self.now.year() {
            at.strftime("%-d %B").to_string()
        } else {
            at.strftime("%-d %B %Y").to_string()
        }
    }

    /// The time of day: `09:12`.
    pub(crate) fn time(&self, at_ms: u64) -> String {
        let at = local(at_ms, self.offset);
        format!("{:02}:{:02}", at.hour(), at.minute())
    }
}

/// Clocks of others may say anything: what no calendar has becomes its end.
fn local(at_ms: u64, offset: Offset) -> DateTime {
    let at = i64::try_from(at_ms).ok().and_then(|at| Timestamp::from_millisecond(at).ok()).unwrap_or(Timestamp::MAX);
    offset.to_datetime(at)
}

/// Capitalises the first letter of a sentence.
pub(crate) fn sentence(text: &str) -> String {
    let mut characters = text.chars();
    match characters.next() {
        Some(first) => first.to_uppercase().chain(characters).collect(),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: u64 = 60_000;
    const DAY: u64 = 24 * 60 * MINUTE;
    /// 2026-11-22 09:30 in UTC.
    const NOW: u64 = 1_795_339_800_000;

    #[test]
    fn times_are_told_so_that_they_stay_true() {
        let clock = Clock::new(NOW, 0);
        assert_eq!(clock.when(NOW), "at 09:30");
        assert_eq!(clock.when(NOW - 10 * 60 * MINUTE), "yesterday at 23:30");
        assert_eq!(clock.when(NOW - 3 * DAY), "on 19 November at 09:30");
        assert_eq!(clock.when(NOW - 400 * DAY), "on 18 October 2025");
        assert_eq!(Clock::new(NOW, 15 * 60).when(NOW), "at 00:30", "elsewhere it is the next day");
        assert_eq!(clock.when(u64::MAX), "on 30 December 9999", "a clock may say anything");
        assert_eq!(
            (clock.day(NOW), clock.day(NOW - DAY), clock.time(NOW)),
            ("Today".into(), "Yesterday".into(), "09:30".into())
        );
    }

    #[test]
    fn amounts_are_told_in_units_that_fit() {
        assert_eq!(
            ["1 byte", "1,023 bytes", "1.0 kB", "9.9 kB", "10 kB"],
            [1, 1023, 1024, 10_239, 10_240].map(bytes).each_ref().map(String::as_str)
        );
        assert_eq!(bytes(u64::MAX), "16,777,215 TB");
        assert_eq!((round_trip(412), round_trip(23_900)), ("0.4 ms".into(), "23 ms".into()));
        assert_eq!(
            (countdown(245_000), countdown(59_001), countdown(83_400_000)),
            ("4:05".into(), "1:00".into(), "23 h 10 min".into())
        );
    }

    #[test]
    fn a_span_is_told_in_the_greatest_unit_that_is_full() {
        let told = [61_000, 59 * MINUTE, 60 * MINUTE, 7_200_001, DAY - 1, DAY, 3 * DAY].map(span);
        assert_eq!(told, ["1 minute", "59 minutes", "1 hour", "2 hours", "23 hours", "1 day", "3 days"]);
        assert_eq!(span(u64::MAX), "213,503,982,334 days", "a clock may say anything");
    }

    #[test]
    fn text_is_cut_between_characters_and_deceives_nobody() {
        let mut text = "ääää".to_owned();
        cut(&mut text, 5);
        assert_eq!(text, "ää…");
        assert_eq!(shown("lap\u{202e}top\n"), "lap\u{25a1}top\u{25a1}");
    }
}

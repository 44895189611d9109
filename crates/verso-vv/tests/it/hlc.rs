//! The clock: never backwards, never dragged along, never failing.

use proptest::prelude::*;
use verso_vv::{Hlc, HlcClock, MAX_DRIFT_MS};

/// The last millisecond that a stamp can hold.
const END_OF_TIME_MS: u64 = (1 << 48) - 1;

#[test]
fn a_stamp_is_milliseconds_and_a_counter() {
    let mut clock = HlcClock::default();
    assert_eq!(clock.tick(1_000), Hlc::from_millis(1_000));
    assert_eq!(clock.tick(1_000), Hlc(Hlc::from_millis(1_000).0 + 1));
    assert_eq!(clock.tick(1_001), Hlc::from_millis(1_001));
    assert_eq!(format!("{} {:?}", clock.last(), clock.last()), "1001+0 Hlc(1001+0)");
}

#[test]
fn a_full_counter_advances_the_milliseconds() {
    let full = Hlc(Hlc::from_millis(5).0 | 0xffff);
    let mut clock = HlcClock::resume(full);
    assert_eq!(clock.tick(5), Hlc::from_millis(6));
    assert_eq!(clock.tick(5).millis(), 6);
}

#[test]
fn a_clock_that_is_set_back_does_not_take_stamps_back() {
    let mut clock = HlcClock::default();
    let before = clock.tick(10_000);
    let after = clock.tick(1);
    assert!(after > before);
    assert_eq!(after.millis(), 10_000);
}

#[test]
fn remote_times_are_adopted_up_to_the_drift_and_no_further() {
    let now = 1_000_000;
    let mut clock = HlcClock::default();
    clock.observe(Hlc(Hlc::from_millis(now + MAX_DRIFT_MS).0 | 0xffff), now);
    assert_eq!(clock.last().millis(), now + MAX_DRIFT_MS);

    let mut clock = HlcClock::default();
    clock.observe(Hlc::from_millis(now + MAX_DRIFT_MS + 1), now);
    assert_eq!(clock.last(), Hlc::default());
    clock.observe(Hlc(u64::MAX), now);
    assert_eq!(clock.tick(now), Hlc::from_millis(now));
}

#[test]
fn what_is_written_next_comes_after_what_was_observed() {
    let mut clock = HlcClock::default();
    clock.tick(1_000);
    let remote = Hlc(Hlc::from_millis(1_500).0 + 3);
    clock.observe(remote, 1_000);
    assert!(clock.tick(1_000) > remote);
}

#[test]
fn an_older_remote_time_changes_nothing() {
    let mut clock = HlcClock::resume(Hlc::from_millis(2_000));
    clock.observe(Hlc::from_millis(1_999), 2_000);
    assert_eq!(clock.last(), Hlc::from_millis(2_000));
}

#[test]
fn at_the_end_of_time_it_saturates() {
    assert_eq!(Hlc::from_millis(u64::MAX).millis(), END_OF_TIME_MS);
    assert_eq!(Hlc::from_millis(END_OF_TIME_MS + 1), Hlc::from_millis(END_OF_TIME_MS));
    let mut clock = HlcClock::resume(Hlc(u64::MAX));
    assert_eq!(clock.tick(u64::MAX), Hlc(u64::MAX));
    clock.observe(Hlc(u64::MAX), u64::MAX);
    assert_eq!(clock.last(), Hlc(u64::MAX));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn stamps_only_ever_rise(
        start in 0..u64::MAX / 2,
        steps in prop::collection::vec((any::<bool>(), 0..1_u64 << 40, any::<u64>()), 0..60),
    ) {
        let mut clock = HlcClock::resume(Hlc(start));
        let mut last = clock.last();
        for (remote, now, stamp) in steps {
            if remote {
                clock.observe(Hlc(stamp), now);
                prop_assert!(clock.last() >= last);
                // Only what lies within the drift moves it, so a liar moves it by a minute at most.
                prop_assert!(clock.last() == last || clock.last().millis() <= now + MAX_DRIFT_MS);
            } else {
                let given = clock.tick(now);
                prop_assert!(given > last);
                prop_assert!(given >= Hlc::from_millis(now));
            }
            last = clock.last();
        }
    }
}

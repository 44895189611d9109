//! [`Recovery`]: when a log that has failed is opened again.

use std::time::{Duration, Instant};

/// How long after a failure it is tried first. A disk that is full seldom has room sooner.
const FIRST: Duration = Duration::from_secs(1);

/// The longest time between two attempts, each of which reads what a checkpoint lacks: somebody who has made room doesn't wait longer.
const LONGEST: Duration = Duration::from_secs(30);

/// When to try: a second after a failure, then after twice as long each time. A log that fails again soon after it was opened counts as
/// never having worked.
#[derive(Debug)]
pub(crate) struct Recovery {
    /// When to try, while something has failed.
    next: Option<Instant>,
    /// How long to wait then.
    wait: Duration,
    /// When it was last tried.
    tried: Option<Instant>,
}

impl Recovery {
    pub(crate) const fn new() -> Self {
        Self { next: None, wait: FIRST, tried: None }
    }

    /// Nothing has failed.
    pub(crate) fn rest(&mut self) {
        self.next = None;
    }

    /// Something has failed. Tells whether to try now.
    pub(crate) fn is_due(&mut self, now: Instant) -> bool {
        let Some(next) = self.next else {
            if self.tried.is_none_or(|tried| now.saturating_duration_since(tried) > LONGEST) {
                self.wait = FIRST;
            }
            self.next = Some(now + self.wait);
            return false;
        };
        if now < next {
            return false;
        }
        self.wait = (self.wait * 2).min(LONGEST);
        (self.next, self.tried) = (Some(now + self.wait), Some(now));
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The seconds in which it is tried, of so many in which something has failed, from `start` on.
    fn attempts(recovery: &mut Recovery, start: Instant, seconds: u64) -> Vec<u64> {
        (0..seconds).filter(|second| recovery.is_due(start + Duration::from_secs(*second))).collect()
    }

    #[test]
    fn it_is_tried_ever_less_often() {
        let (mut recovery, start) = (Recovery::new(), Instant::now());
        assert_eq!(attempts(&mut recovery, start, 100), [1, 3, 7, 15, 31, 61, 91]);
    }

    #[test]
    fn what_fails_again_at_once_waits_longer_and_what_worked_for_long_does_not() {
        let (mut recovery, start) = (Recovery::new(), Instant::now());
        assert_eq!(attempts(&mut recovery, start, 4), [1, 3]);
        recovery.rest();
        assert_eq!(attempts(&mut recovery, start + Duration::from_secs(4), 6), [4]);
        recovery.rest();
        assert_eq!(attempts(&mut recovery, start + Duration::from_secs(100), 4), [1, 3]);
    }
}

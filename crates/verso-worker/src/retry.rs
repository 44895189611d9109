//! [`Retry`]: when a peer is dialled again.

use std::time::Duration;

use verso_wire::Reason;

/// The first wait before a peer is dialled again.
const FIRST: Duration = Duration::from_millis(100);

/// The longest wait: a peer that comes back is found within half a minute, and one that is away for days costs two packets a minute.
const LONGEST: Duration = Duration::from_secs(30);

/// How long a connection must have lasted for the next loss to start from the first wait again.
const HEALTHY: Duration = Duration::from_secs(10);

/// How long a refusal holds if nothing changes here. What changes at the peer does not show here, and it may not be able to dial: so it is asked again, once an
/// hour.
const REFUSAL: Duration = Duration::from_hours(1);

/// How many connections in a row may end by a fork and be followed by another at once. Each time one of the two has learnt of a fork, and a chain
/// seldom has more than one; a peer that says so each time is no longer worth the haste.
const FORKS: u32 = 16;

/// How long to wait: 100 ms, then twice as long each time, until a connection was healthy, ended because a fork was learnt of, or something changed that may
/// let the next attempt go another way. Whoever was refused waits for such a change, or an hour. All waits are spread over half to all of their length, so that
/// two devices that lost each other don't meet in step forever.
///
/// 1. Dial; tell what came of it: [`ended`](Self::ended) or [`failed`](Self::failed).
/// 2. Wait for [`wait`](Self::wait), or until something changes, which is told by [`changed`](Self::changed).
#[derive(Debug)]
pub(crate) struct Retry {
    next: Duration,
    standing: Standing,
    /// How many connections in a row a fork has ended.
    forks: u32,
}

/// What the peer said last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// Nothing that would be the same again.
    Open,
    /// No.
    Refused,
}

impl Retry {
    pub(crate) const fn new() -> Self {
        Self { next: FIRST, standing: Standing::Open, forks: 0 }
    }

    /// A connection has ended, for a reason if any.
    pub(crate) fn ended(&mut self, lasted: Duration, reason: Option<Reason>) {
        self.forks = if reason == Some(Reason::Fork) { self.forks.saturating_add(1) } else { 0 };
        if lasted >= HEALTHY || (1..=FORKS).contains(&self.forks) {
            self.next = FIRST;
        }
        self.note(reason);
    }

    /// No connection came about.
    pub(crate) fn failed(&mut self, reason: Reason) {
        self.note(Some(reason));
    }

    /// Something is not as it was: whom this device trusts, where it or the peer is, or the machine has slept.
    pub(crate) fn changed(&mut self) {
        *self = Self { forks: self.forks, ..Self::new() };
    }

    /// Tells whether the peer has refused, so that nothing is tried before something changes.
    pub(crate) fn is_refused(&self) -> bool {
        self.standing == Standing::Refused
    }

    /// Returns how long to wait before the peer is dialled, and counts it as tried. `random` is any byte, each time another.
    pub(crate) fn wait(&mut self, random: u8) -> Duration {
        let wait = match self.standing {
            Standing::Refused => REFUSAL,
            Standing::Open => {
                let wait = self.next;
                self.next = (wait * 2).min(LONGEST);
                wait
            }
        };
        wait / 2 + wait * u32::from(random) / (2 * u32::from(u8::MAX))
    }

    fn note(&mut self, reason: Option<Reason>) {
        self.standing = if reason.is_some_and(is_refusal) { Standing::Refused } else { Standing::Open };
    }
}

/// Tells whether one of the two has refused the other, as opposed to not having been reached: asking again at once changes nothing. A proof that failed is not
/// among them: so ends one that broke off because a machine fell asleep in the middle of it, or because a secret was being renewed.
pub(crate) const fn is_refusal(reason: Reason) -> bool {
    matches!(reason, Reason::NotTrusted | Reason::Revoked | Reason::Version | Reason::Downgrade)
}

/// Returns a byte that nobody can foresee; without randomness the longest wait is as good as another.
pub(crate) fn random() -> u8 {
    let mut byte = [u8::MAX];
    // What could not be filled stays as it is.
    getrandom::fill(&mut byte).unwrap_or_default();
    byte[0]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(retry: &mut Retry, count: usize) -> Vec<u128> {
        (0..count).map(|_| retry.wait(u8::MAX).as_millis()).collect()
    }

    /// One whose peer was away for long.
    fn patient() -> Retry {
        let mut retry = Retry::new();
        assert_eq!(waits(&mut retry, 11), [100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 30_000, 30_000]);
        retry
    }

    #[test]
    fn a_healthy_connection_makes_it_quick_again_and_a_short_one_does_not() {
        let mut retry = patient();
        retry.ended(HEALTHY / 2, None);
        assert_eq!(waits(&mut retry, 1), [30_000]);
        retry.ended(HEALTHY, Some(Reason::WorkerCrash));
        assert_eq!(waits(&mut retry, 2), [100, 200]);
    }

    #[test]
    fn whoever_learns_of_a_fork_connects_again_at_once() {
        let mut retry = patient();
        retry.ended(Duration::ZERO, Some(Reason::Fork));
        assert_eq!(waits(&mut retry, 2), [100, 200]);
    }

    #[test]
    fn a_peer_that_always_ends_by_a_fork_is_dialled_ever_less_often() {
        let mut retry = patient();
        for _ in 0..FORKS {
            retry.ended(Duration::ZERO, Some(Reason::Fork));
            assert_eq!(waits(&mut retry, 1), [100]);
        }
        retry.ended(Duration::ZERO, Some(Reason::Fork));
        assert_eq!(waits(&mut retry, 2), [200, 400]);
        // Anything else in between, and the next one counts again.
        retry.ended(Duration::ZERO, None);
        retry.ended(Duration::ZERO, Some(Reason::Fork));
        assert_eq!(waits(&mut retry, 1), [100]);
    }

    #[test]
    fn what_changed_is_tried_at_once() {
        let mut retry = patient();
        retry.changed();
        assert_eq!(waits(&mut retry, 2), [100, 200]);
    }

    #[test]
    fn a_refusal_is_not_tried_again_before_something_changed() {
        let refusals: Vec<Reason> = Reason::ALL.iter().copied().filter(|reason| is_refusal(*reason)).collect();
        assert_eq!(refusals.len(), 4);
        for reason in refusals {
            let mut retry = Retry::new();
            retry.failed(reason);
            assert_eq!(waits(&mut retry, 2), [3_600_000, 3_600_000], "{reason}");
            retry.changed();
            assert_eq!(waits(&mut retry, 2), [100, 200], "{reason}");
            // Told on a connection that was up it is the same.
            retry.ended(HEALTHY, Some(reason));
            assert_eq!(waits(&mut retry, 1), [3_600_000], "{reason}");
            retry.failed(Reason::Unreachable);
            assert_eq!(waits(&mut retry, 1), [100], "{reason}");
        }
    }

    /// Two that lost each other at the same moment, and dial each other at the same moment, would give way to each other each time.
    #[test]
    fn waits_are_spread_over_half_of_their_length() {
        for (random, expected) in [(0, 15_000), (u8::MAX, 30_000), (51, 18_000)] {
            let mut retry = patient();
            assert_eq!(retry.wait(random).as_millis(), expected);
        }
    }
}

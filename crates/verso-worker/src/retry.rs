//! [`Retry`]: when a peer is dialled again.

use std::time::Duration;

use verso_wire::Reason;

/// The first wait before a peer is dialled again.
const FIRST: Duration = Duration::from_millis(100);

/// The longest wait: a peer that comes back is found within half a minute, and one that is away for days costs two packets a minute.
const LONGEST: Duration = Duration::from_secs(30);

/// How long a connection must have lasted for the next loss to start from the first wait again.
const HEALTHY: Duration = Duration::from_secs(10);

/// How many connections in a row may end by a fork and be followed by another at once. Each time one of the two has learnt of a fork, and a chain
/// seldom has more than one; a peer that says so each time is no longer worth the haste.
const FORKS: u32 = 16;

/// How long to wait: 100 ms, then twice as long each time, until a connection was healthy or ended because a fork was learnt of.
#[derive(Debug)]
pub(crate) struct Retry {
    next: Duration,
    /// How many connections in a row a fork has ended.
    forks: u32,
}

impl Retry {
    pub(crate) const fn new() -> Self {
        Self { next: FIRST, forks: 0 }
    }

    /// A connection has ended, for a reason if any.
    pub(crate) fn ended(&mut self, lasted: Duration, reason: Option<Reason>) {
        self.forks = if reason == Some(Reason::Fork) { self.forks.saturating_add(1) } else { 0 };
        if lasted >= HEALTHY || (1..=FORKS).contains(&self.forks) {
            self.next = FIRST;
        }
    }

    /// Returns how long to wait before the peer is dialled, and counts it as tried.
    pub(crate) fn wait(&mut self) -> Duration {
        let wait = self.next;
        self.next = (wait * 2).min(LONGEST);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(retry: &mut Retry, count: usize) -> Vec<u128> {
        (0..count).map(|_| retry.wait().as_millis()).collect()
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
}

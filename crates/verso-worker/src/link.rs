//! [`Link`]: the connection with a peer as it is now, and who keeps it up to date.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, sleep};
use verso_transport::{KeyAgreement, PathInfo, RelayState, SyncConnection};
use verso_wire::limits::KEEP_ALIVE;
use verso_wire::{CloseCode, Reason};

use crate::board::Board;

/// How often a connection is looked at while data moves on it.
const WHILE_MOVING: Duration = Duration::from_secs(1);
/// How often it is looked at while none does: as often as QUIC wakes up for its sign of life, which measures the round trip anew.
const WHILE_QUIET: Duration = KEEP_ALIVE;

/// How long a connection may have no way to its peer. One that moves from a way to another has none for a round trip or two, and a new connection over a way that works
/// is made in as much.
const STRANDED: Duration = Duration::from_secs(5);

/// A connection with a peer, as it is now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// Which way it takes, and how long a round trip is; `None` while it has none, as for a moment when it moves to another.
    pub path: Option<PathInfo>,
    /// How the two ends agreed on their keys.
    pub key_agreement: KeyAgreement,
    /// Bytes handed to its streams, Noise included. Looked at once a second while data moves.
    pub bytes_sent: u64,
    /// Bytes read from its streams, Noise included. Looked at once a second while data moves.
    pub bytes_received: u64,
}

impl Link {
    fn of(connection: &SyncConnection) -> Self {
        Self {
            path: connection.path(),
            key_agreement: connection.key_agreement(),
            bytes_sent: connection.bytes_sent(),
            bytes_received: connection.bytes_received(),
        }
    }

    const fn bytes(&self) -> (u64, u64) {
        (self.bytes_sent, self.bytes_received)
    }

    /// Tells whether anybody has to be woken up for it. A round trip is never the same twice, so only a marked change of it counts.
    fn is_news_to(&self, before: &Self) -> bool {
        let kind = |link: &Self| link.path.as_ref().map(|path| path.kind.clone());
        let round_trip = |link: &Self| link.path.as_ref().map_or(Duration::ZERO, |path| path.round_trip);
        let (new, old) = (round_trip(self), round_trip(before));
        self.bytes() != before.bytes() || kind(self) != kind(before) || new.abs_diff(old) > old.max(A_MOMENT) / 4
    }
}

/// Since when a connection has had no way to its peer, and nothing has moved on it.
#[derive(Debug, Default)]
struct Stranded(Option<Instant>);

impl Stranded {
    /// Looks at the connection, as it is and as it was before. Tells whether it is lost: QUIC counts silence by ways, and where none is left it counts no more.
    fn is_lost(&mut self, now: &Link, before: &Link, at: Instant) -> bool {
        if now.path.is_some() || now.bytes() != before.bytes() {
            self.0 = None;
            return false;
        }
        at.duration_since(*self.0.get_or_insert(at)) >= STRANDED
    }
}

/// Four times the least difference of round trips that a person could notice.
const A_MOMENT: Duration = Duration::from_millis(4);

/// Shows the connection on the board while it is being served, and ends it if it has lost its way for good.
pub(crate) async fn shown<T>(board: &Board, connection: &SyncConnection, serving: impl Future<Output = T>) -> T {
    let show = || {
        let link = Link::of(connection);
        board.note_link(connection.peer(), &link, |before| link.is_news_to(before));
        link
    };
    let paths = async {
        connection.watch_path(|_path| drop(show())).await;
        std::future::pending().await
    };
    let figures = async {
        let mut before = show();
        let mut wait = WHILE_MOVING;
        let mut stranded = Stranded::default();
        loop {
            sleep(wait).await;
            let now = show();
            if stranded.is_lost(&now, &before, Instant::now()) {
                tracing::warn!(target: "verso.sync", peer = %connection.peer(), "a connection has lost its way to the peer");
                connection.close(CloseCode::from(Reason::Unreachable));
            }
            let is_quiet = now.bytes() == before.bytes() && now.path.is_some();
            wait = if is_quiet { WHILE_QUIET } else { WHILE_MOVING };
            before = now;
        }
    };
    tokio::select! {
        served = serving => served,
        // Neither of the two who only look ever ends.
        never = paths => never,
        never = figures => never,
    }
}

/// Shows on the board how it stands with this device's relay.
pub(crate) async fn show_relay(board: Arc<Board>, mut relay: watch::Receiver<RelayState>) {
    loop {
        let state = relay.borrow_and_update().clone();
        board.note_relay(state);
        if relay.changed().await.is_err() {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use verso_transport::PathKind;

    use super::*;

    fn link(ms: u64, bytes_sent: u64) -> Link {
        Link {
            path: Some(PathInfo {
                kind: PathKind::Direct { address: "192.0.2.1:7".parse().unwrap() },
                round_trip: Duration::from_millis(ms),
            }),
            key_agreement: KeyAgreement::PostQuantum,
            bytes_sent,
            bytes_received: 0,
        }
    }

    /// What has a way, or moves without one that is known, is not lost, and has all the time again.
    #[test]
    fn a_connection_without_a_way_is_lost() {
        let none = |bytes_sent| Link { path: None, ..link(40, bytes_sent) };
        let (begin, second) = (Instant::now(), Duration::from_secs(1));
        for interruption in [(link(40, 1), none(1)), (none(2), none(1))] {
            let mut stranded = Stranded::default();
            let mut is_lost = |now: &Link, before: &Link, after| stranded.is_lost(now, before, begin + after);
            assert!(!is_lost(&none(1), &link(40, 1), second));
            assert!(!is_lost(&none(1), &none(1), STRANDED));
            assert!(!is_lost(&interruption.0, &interruption.1, STRANDED + second));
            assert!(!is_lost(&none(2), &none(2), STRANDED + 2 * second));
            assert!(!is_lost(&none(2), &none(2), 2 * STRANDED + second));
            assert!(is_lost(&none(2), &none(2), 2 * STRANDED + 2 * second));
        }
    }

    #[test]
    fn a_round_trip_that_trembles_wakes_nobody() {
        assert!(!link(44, 1).is_news_to(&link(40, 1)));
        assert!(link(60, 1).is_news_to(&link(40, 1)));
        assert!(link(20, 1).is_news_to(&link(40, 1)));
        assert!(link(40, 2).is_news_to(&link(40, 1)));
        assert!(link(40, 1).is_news_to(&Link { path: None, ..link(40, 1) }));
    }
}

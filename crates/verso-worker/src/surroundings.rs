//! What changes around this device, so that whoever waits to dial again need not: its network, and its sleep.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval};
use verso_wire::{Application, Reason};

use crate::engine::wall_ms;
use crate::network::Network;

/// How often it is looked whether this machine has slept.
const LOOK: Duration = Duration::from_secs(1);

/// By how much the clocks may part between two looks: more than a clock that is set right little by little, or a busy machine, makes of a second.
const SLACK: Duration = Duration::from_secs(5);

/// Notices that the machine has slept: then the wall clock has gone on and the monotonic one has not, or, where that counts sleep, nobody has looked for
/// long. A wall clock that is put forward looks the same, and costs a dial.
#[derive(Debug)]
pub(crate) struct Vigil {
    wall_ms: u64,
    monotonic: Duration,
}

impl Vigil {
    pub(crate) const fn new(wall_ms: u64, monotonic: Duration) -> Self {
        Self { wall_ms, monotonic }
    }

    /// Takes in both clocks. Tells whether the machine has slept since the last look.
    pub(crate) fn look(&mut self, wall_ms: u64, monotonic: Duration) -> bool {
        let wall = Duration::from_millis(wall_ms.saturating_sub(self.wall_ms));
        let passed = monotonic.saturating_sub(self.monotonic);
        *self = Self { wall_ms, monotonic };
        wall > passed + SLACK || passed > LOOK + SLACK
    }
}

/// Watches until the transport closes, and wakes whoever waits to dial.
pub(crate) async fn watch<A: Application>(network: Arc<Network<A>>) {
    let moved = network.transport.watch_addresses(|| {
        tracing::info!(target: "verso.sync", "this device's addresses have changed");
        if network.transport.is_offline() {
            network.board.tell(verso_replica::Event::PeerOffline { peer: None, reason: Some(Reason::Offline) });
        }
        network.something_changed();
    });
    let woke = async {
        let start = Instant::now();
        let mut vigil = Vigil::new(wall_ms(), Duration::ZERO);
        let mut interval = interval(LOOK);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            if vigil.look(wall_ms(), start.elapsed()) {
                tracing::info!(target: "verso.sync", "this machine has slept");
                network.transport.look_at_network().await;
                network.something_changed();
            }
        }
    };
    tokio::select! {
        () = moved => {}
        () = woke => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn sleep_is_noticed_on_every_kind_of_clock() {
        let mut vigil = Vigil::new(1_000_000, Duration::ZERO);
        assert!(!vigil.look(1_001_000, SECOND));
        // A monotonic clock that stands still while the machine sleeps, as on Linux.
        assert!(vigil.look(1_062_000, SECOND * 2), "a minute");
        assert!(!vigil.look(1_063_000, SECOND * 3), "once");
        // One that goes on.
        assert!(vigil.look(1_163_000, SECOND * 103));
        assert!(!vigil.look(1_164_000, SECOND * 104));
    }

    #[test]
    fn a_busy_machine_and_a_clock_that_is_set_right_are_not_sleep() {
        let mut vigil = Vigil::new(1_000_000, Duration::ZERO);
        assert!(!vigil.look(1_004_000, SECOND * 4), "late");
        assert!(!vigil.look(1_001_000, SECOND * 5), "backwards");
        assert!(!vigil.look(1_004_500, SECOND * 6), "a few seconds forwards");
    }
}

//! Changes of the network this machine is in.

use iroh::Watcher as _;

use crate::endpoint::Transport;

impl Transport {
    /// Calls `tell` whenever the addresses at which peers may reach this device have changed: another network, a cable, a tunnel. Returns when the
    /// transport is closed.
    pub async fn watch_addresses(&self, mut tell: impl FnMut()) {
        // The endpoint itself is not held meanwhile: the operating system has the port for as long as anyone has it.
        let Some(mut watcher) = self.endpoint().map(|endpoint| endpoint.watch_addr()) else { return };
        let mut known = self.addresses();
        while watcher.updated().await.is_ok() {
            let now = self.addresses();
            if now != known {
                known = now;
                tell();
            }
        }
    }

    /// Has all paths looked at anew: this machine may have slept, or moved, and what was open may be dead.
    pub async fn look_at_network(&self) {
        if let Some(endpoint) = self.endpoint() {
            endpoint.network_change().await;
        }
    }
}

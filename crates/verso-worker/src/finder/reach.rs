//! Dialling with what is found: beside what is known, at once, and never instead of it.

use std::net::SocketAddr;

use tokio::sync::watch;
use verso_discovery::View;
use verso_identity::DeviceId;

/// How often a dial is begun anew because the device was found at another address meanwhile. A device has a few networks at most; more are somebody's
/// who repeats its announcements, and must not keep the dial from its end.
const MOST_NEW_BEGINNINGS: usize = 4;

/// How a device is recognised among those who are near.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    /// By a secret that it shares with this one.
    Secret,
    /// By what its pairing screen says in the clear, and anybody may say.
    Screen,
}

/// Watches where one device is found.
#[derive(Debug)]
pub(crate) struct Whereabouts {
    view: watch::Receiver<View>,
    device: DeviceId,
    by: By,
    /// Where it was when this was looked at last.
    last: Vec<SocketAddr>,
}

impl Whereabouts {
    pub(crate) const fn new(view: watch::Receiver<View>, device: DeviceId, by: By) -> Self {
        Self { view, device, by, last: Vec::new() }
    }

    /// Returns where it is.
    pub(crate) fn look(&mut self) -> &[SocketAddr] {
        self.last = found(&self.view.borrow_and_update(), &self.device, self.by);
        &self.last
    }

    /// Waits until it is found at an address at which it was not the last time.
    pub(crate) async fn news(&mut self) {
        loop {
            let before = std::mem::take(&mut self.last);
            if self.look().iter().any(|address| !before.contains(address)) {
                return;
            }
            if self.view.changed().await.is_err() {
                return std::future::pending().await;
            }
        }
    }

    /// As [`news`](Self::news), of an address that is none of these.
    async fn news_beyond(&mut self, tried: &[SocketAddr]) {
        loop {
            self.news().await;
            if self.last.iter().any(|address| !tried.contains(address)) {
                return;
            }
        }
    }
}

/// Dials at the addresses where the device is found and at those that are known of it, all at once; and begins anew, at once, if it is found somewhere
/// else meanwhile, since an address that nobody answers at keeps a dial for seconds.
pub(crate) async fn reach<T, E, F: Future<Output = Result<T, E>>>(
    mut whereabouts: Whereabouts,
    known: &[SocketAddr],
    mut dial: impl FnMut(Vec<SocketAddr>) -> F,
) -> Result<T, E> {
    for _ in 0..MOST_NEW_BEGINNINGS {
        let addresses = alternately(whereabouts.look(), known);
        tokio::select! {
            dialled = dial(addresses.clone()) => return dialled,
            () = whereabouts.news_beyond(&addresses) => {}
        }
    }
    dial(alternately(whereabouts.look(), known)).await
}

/// Only the first few are also tried apart from the others, so there are some of both among them: what is found may be false, and what is known may be
/// old.
fn alternately(found: &[SocketAddr], known: &[SocketAddr]) -> Vec<SocketAddr> {
    let longest = found.len().max(known.len());
    let pairs = (0..longest).flat_map(|at| [found.get(at), known.get(at)]);
    let mut addresses: Vec<SocketAddr> = Vec::with_capacity(found.len() + known.len());
    for address in pairs.flatten() {
        if !addresses.contains(address) {
            addresses.push(*address);
        }
    }
    addresses
}

fn found(view: &View, device: &DeviceId, by: By) -> Vec<SocketAddr> {
    match by {
        By::Secret => view.neighbours.peers.get(device).cloned().unwrap_or_default(),
        By::Screen => {
            let screens = view.neighbours.screens.iter().filter(|screen| screen.device == *device);
            screens.flat_map(|screen| &screen.addresses).copied().collect()
        }
    }
}

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

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use verso_discovery::Neighbours;

    use super::*;

    const PEER: DeviceId = DeviceId::from_bytes([7; 32]);

    fn at(numbers: &[u8]) -> Vec<SocketAddr> {
        numbers.iter().map(|number| SocketAddr::from(([192, 0, 2, *number], 4_242))).collect()
    }

    /// The peer is found at these addresses, and at no others.
    fn seen(numbers: &[u8]) -> View {
        let neighbours = Neighbours { peers: [(PEER, at(numbers))].into(), screens: Vec::new() };
        View { neighbours, ..View::default() }
    }

    #[test]
    fn neither_what_is_found_nor_what_is_known_comes_behind_the_other() {
        assert_eq!(alternately(&at(&[1, 2, 3]), &at(&[8, 2])), at(&[1, 8, 2, 3]));
        assert_eq!(alternately(&[], &at(&[8, 9])), at(&[8, 9]));
        assert_eq!(alternately(&at(&[1]), &at(&[8, 9])), at(&[1, 8, 9]));
    }

    /// Dials nobody who answers, while the peer is found at each of these addresses in turn; then somebody answers. Returns what was dialled.
    async fn dialled(known: &[u8], places: &[&[u8]]) -> Vec<Vec<SocketAddr>> {
        let sender = watch::Sender::new(View::default());
        let whereabouts = Whereabouts::new(sender.subscribe(), PEER, By::Secret);
        let (dials, answer) = (Mutex::new(Vec::new()), tokio::sync::Notify::new());
        let dial = |addresses| {
            dials.lock().unwrap().push(addresses);
            async {
                answer.notified().await;
                Ok::<_, ()>(())
            }
        };
        let known = at(known);
        // Enough for whatever follows from a change.
        let pause = || async {
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        };
        let moving = async {
            for place in places {
                pause().await;
                sender.send_replace(seen(place));
            }
            pause().await;
            answer.notify_one();
        };
        let (reached, ()) = tokio::join!(reach(whereabouts, &known, dial), moving);
        reached.unwrap();
        dials.into_inner().unwrap()
    }

    #[tokio::test]
    async fn a_dial_begins_anew_where_the_peer_is_found() {
        assert_eq!(dialled(&[8], &[&[1]]).await, [at(&[8]), at(&[1, 8])]);
        assert_eq!(dialled(&[], &[&[1], &[1, 2]]).await, [at(&[]), at(&[1]), at(&[1, 2])]);
        // It is under way there already, or there no more.
        assert_eq!(dialled(&[8], &[&[8], &[], &[8]]).await, [at(&[8])]);
    }

    #[tokio::test]
    async fn whoever_moves_about_in_a_peer_s_name_keeps_no_dial_from_its_end() {
        let places: Vec<[u8; 1]> = (1..50).map(|number| [number]).collect();
        let places: Vec<&[u8]> = places.iter().map(<[u8; 1]>::as_slice).collect();
        assert_eq!(dialled(&[99], &places).await.len(), MOST_NEW_BEGINNINGS + 1);
    }

    #[tokio::test]
    async fn a_return_is_news() {
        let sender = watch::Sender::new(seen(&[1]));
        let mut whereabouts = Whereabouts::new(sender.subscribe(), PEER, By::Secret);
        whereabouts.look();
        let mut news = Box::pin(whereabouts.news());
        for (place, is_news) in [(&[1][..], false), (&[], false), (&[1], true)] {
            sender.send_replace(seen(place));
            let told = tokio::select! {
                biased;
                () = &mut news => true,
                () = tokio::task::yield_now() => false,
            };
            assert_eq!(told, is_news, "{place:?}");
        }
    }
}

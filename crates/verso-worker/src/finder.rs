//! [`Finder`]: who is near, and who is told that this device is.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};
use verso_discovery::{
    DiscoveryHandle, DiscoveryOptions, DiscoveryState, Interfaces, Mode, Obstacle, PairingScreen, Profile,
    Relationship, View, discover,
};
use verso_identity::{DeviceId, Name};
use zeroize::Zeroizing;

use crate::board::Board;

mod circle;
mod reach;

pub(crate) use circle::circle;
pub(crate) use reach::{By, Whereabouts, reach};

/// How long the goodbye may take at the end. It takes less than half of that.
const GOODBYE: Duration = Duration::from_secs(1);

/// Whether and where a worker looks for others on the local network, and lets itself be found there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LocalDiscovery {
    /// It doesn't.
    Off,
    /// It does, from when it is of use: not before peers are synced with, or somebody is paired.
    On {
        /// Whether it lets itself be found.
        mode: Mode,
        /// Where.
        interfaces: Interfaces,
    },
}

impl Default for LocalDiscovery {
    /// On all interfaces, and to be found there by those who may.
    fn default() -> Self {
        Self::On { mode: Mode::default(), interfaces: Interfaces::default() }
    }
}

impl LocalDiscovery {
    /// Returns what discovery on `endpoint` is started with, if it is on.
    pub(crate) fn options(self, endpoint: &Endpoint) -> Option<DiscoveryOptions> {
        let Self::On { mode, interfaces } = self else { return None };
        let Endpoint { device, port, listen } = *endpoint;
        // An address that stands for all of them is none to announce.
        let listen = listen.filter(|listen| !listen.is_unspecified());
        Some(DiscoveryOptions { profile: Profile { device, port, mode }, interfaces, listen })
    }
}

/// Where a device can be dialled.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Endpoint {
    pub(crate) device: DeviceId,
    pub(crate) port: u16,
    /// The one address that it is bound to, if it is.
    pub(crate) listen: Option<IpAddr>,
}

/// Looks for others on the local network, and lets them find this device: those who are its peers while it syncs, strangers while a pairing screen is
/// open, and who has six words while these are shown.
///
/// It starts when it is first of use. Nothing waits for it, and nothing fails because of it: what keeps it from working is shown in its view and in
/// the status.
#[derive(Debug)]
pub(crate) struct Finder {
    /// `None` if it is switched off.
    options: Option<DiscoveryOptions>,
    wishes: Mutex<Wishes>,
    view: watch::Sender<View>,
    board: Arc<Board>,
    shutdown: CancellationToken,
    _stop: DropGuard,
}

/// What is wanted of it.
#[derive(Debug, Default)]
struct Wishes {
    running: Option<Running>,
    peers: Vec<Relationship>,
    /// Endpoints of six words: those of this device, and those that are looked for.
    endpoints: BTreeMap<u64, Relationship>,
    screens: BTreeMap<u64, Name>,
    /// How many wishes there have been, which numbers them.
    count: u64,
}

#[derive(Debug)]
struct Running {
    handle: DiscoveryHandle,
    task: JoinHandle<()>,
}

/// Something that is wanted for as long as this is held.
#[derive(Debug)]
pub(crate) struct Wish {
    finder: Arc<Finder>,
    number: u64,
}

impl Finder {
    pub(crate) fn new(options: Option<DiscoveryOptions>, board: Arc<Board>) -> Self {
        let shutdown = CancellationToken::new();
        Self {
            options,
            wishes: Mutex::default(),
            view: watch::Sender::new(View::default()),
            board,
            shutdown: shutdown.clone(),
            _stop: shutdown.drop_guard(),
        }
    }

    /// Tells whether it is switched on.
    pub(crate) const fn is_on(&self) -> bool {
        self.options.is_some()
    }

    /// Watches who is near, and looks for them from now on.
    pub(crate) fn look(self: &Arc<Self>) -> watch::Receiver<View> {
        self.wish(|_wishes| {});
        self.view.subscribe()
    }

    /// Watches who is found, if anybody is looked for.
    pub(crate) fn view(&self) -> watch::Receiver<View> {
        self.view.subscribe()
    }

    /// Lets peers find this device, and looks for them.
    pub(crate) fn look_for_peers(self: &Arc<Self>, peers: Vec<Relationship>) {
        self.wish(|wishes| wishes.peers = peers);
    }

    /// Lets peers find this device no more.
    pub(crate) fn leave_peers(&self) {
        self.change(|wishes| wishes.peers.clear());
    }

    /// Looks for an endpoint, or lets others find one of this device.
    pub(crate) fn open_endpoint(self: &Arc<Self>, endpoint: Relationship) -> Wish {
        self.open(|wishes, number| drop(wishes.endpoints.insert(number, endpoint)))
    }

    /// Shows strangers this device by its name.
    pub(crate) fn open_screen(self: &Arc<Self>, name: Name) -> Wish {
        self.open(|wishes, number| drop(wishes.screens.insert(number, name)))
    }

    fn open(self: &Arc<Self>, insert: impl FnOnce(&mut Wishes, u64)) -> Wish {
        self.wish(|wishes| {
            wishes.count += 1;
            insert(wishes, wishes.count);
            Wish { finder: Arc::clone(self), number: wishes.count }
        })
    }

    /// Ends, with a goodbye.
    pub(crate) async fn close(&self) {
        self.shutdown.cancel();
        let running = self.lock().running.take();
        if let Some(Running { task, .. }) = running {
            // Whoever hears no goodbye finds out soon enough.
            drop(timeout(GOODBYE, task).await);
        }
    }

    /// Changes what is wanted, and starts if that has not been done.
    fn wish<T>(self: &Arc<Self>, change: impl FnOnce(&mut Wishes) -> T) -> T {
        self.change(|wishes| {
            if wishes.running.is_none() && !self.shutdown.is_cancelled() {
                wishes.running = self.start();
            }
            change(wishes)
        })
    }

    fn change<T>(&self, change: impl FnOnce(&mut Wishes) -> T) -> T {
        let mut wishes = self.lock();
        let changed = change(&mut wishes);
        if let Some(Running { handle, .. }) = &wishes.running {
            // Those first that somebody waits for at this moment.
            handle.set_relationships(wishes.endpoints.values().chain(&wishes.peers).cloned().collect());
            handle.set_screen(
                wishes.screens.values().next_back().cloned().map_or(PairingScreen::Closed, PairingScreen::Open),
            );
        }
        changed
    }

    fn start(self: &Arc<Self>) -> Option<Running> {
        let options = self.options.clone()?;
        let mut seed = Zeroizing::new([0; 32]);
        if let Err(error) = getrandom::fill(seed.as_mut()) {
            let state = DiscoveryState::Blocked(Obstacle::Failed(error.to_string()));
            publish(&self.view, &self.board, View { state, ..View::default() });
            return None;
        }
        let (handle, running) = discover(options, seed, self.shutdown.clone());
        let (mut shown, view, board) = (handle.view(), self.view.clone(), Arc::clone(&self.board));
        let task = tokio::spawn(async move {
            let publishing = async {
                loop {
                    publish(&view, &board, shown.borrow_and_update().clone());
                    if shown.changed().await.is_err() {
                        return;
                    }
                }
            };
            // The one ends when the other does: what it shows is gone then.
            tokio::join!(running, publishing);
        });
        Some(Running { handle, task })
    }

    fn lock(&self) -> MutexGuard<'_, Wishes> {
        self.wishes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn publish(to: &watch::Sender<View>, board: &Board, view: View) {
    board.note_discovery(&view);
    to.send_replace(view);
}

impl Drop for Wish {
    fn drop(&mut self) {
        self.finder.change(|wishes| {
            wishes.endpoints.remove(&self.number);
            wishes.screens.remove(&self.number);
        });
    }
}

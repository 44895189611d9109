//! Waiting for what must come, without asking how fast.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;
use verso_transport::{Network, OwnRelay, PathKind, RelayState, SyncConnection, Transport, TransportConfig};

/// How long anything may take that takes a second or two.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A device on 127.0.0.1 with a relay of its own.
pub(crate) fn with_relay(own: OwnRelay) -> TransportConfig {
    TransportConfig {
        network: Network::Relay(own.into()),
        listen: Some("127.0.0.1:0".parse().unwrap()),
        ..TransportConfig::default()
    }
}

/// Waits for a state of a transport's relay, and returns it.
pub(crate) async fn relay_state(transport: &Transport, is_it: impl Fn(&RelayState) -> bool) -> RelayState {
    let mut states: watch::Receiver<RelayState> = transport.relay();
    let waiting = timeout(PATIENCE, states.wait_for(is_it)).await;
    waiting.unwrap_or_else(|_| panic!("it stays at {:?}", transport.relay().borrow())).unwrap().clone()
}

/// Waits until peers can reach the device by its relay.
pub(crate) async fn online(transport: &Transport) {
    relay_state(transport, |state| state.connected().is_some()).await;
}

/// Waits until a connection takes a way of some kind.
pub(crate) async fn path(connection: &SyncConnection, is_it: impl Fn(&PathKind) -> bool) -> PathKind {
    let found = std::sync::Mutex::new(None);
    let reached = tokio::sync::Notify::new();
    let looking = connection.watch_path(|path| {
        if let Some(path) = path.filter(|path| is_it(&path.kind)) {
            *found.lock().unwrap() = Some(path.kind);
            reached.notify_one();
        }
    });
    let waiting = async {
        tokio::select! {
            () = looking => panic!("the connection ended"),
            () = reached.notified() => {}
        }
    };
    timeout(PATIENCE, waiting).await.unwrap_or_else(|_| panic!("the path stays {:?}", connection.path()));
    found.into_inner().unwrap().unwrap()
}

pub(crate) const fn is_direct(kind: &PathKind) -> bool {
    matches!(kind, PathKind::Direct { .. })
}

pub(crate) const fn is_relayed(kind: &PathKind) -> bool {
    matches!(kind, PathKind::Relayed { .. })
}

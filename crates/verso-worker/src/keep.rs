//! Keeping a peer connected: dialling, serving, waiting, dialling again.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};
use tokio_util::task::AbortOnDropHandle;
use verso_identity::DeviceId;
use verso_session::Mode;
use verso_transport::DialError;
use verso_wire::{Application, Reason};

use crate::finder::By;
use crate::network::Network;
use crate::retry::{Retry, random};

/// How long after a dial what is found leads to another at the soonest, so that who repeats a peer's announcements again and again makes this device
/// dial a few times a second at most.
const BETWEEN_NEWS: Duration = Duration::from_millis(250);

/// Keeps a peer connected for as long as it is polled. A defect of the program costs a wait, and is counted.
pub(crate) async fn keep_for_good<A: Application>(network: Arc<Network<A>>, peer: DeviceId) {
    let mut retry = Retry::new();
    loop {
        let since = Instant::now();
        let task = tokio::spawn({
            let network = Arc::clone(&network);
            async move { keep(&network, peer).await }
        });
        let ended = AbortOnDropHandle::new(task).await;
        if !ended.is_err_and(|error| error.is_panic()) {
            return;
        }
        network.board.crashed(peer);
        network.lost(peer, Reason::WorkerCrash).await;
        retry.ended(since.elapsed(), Some(Reason::WorkerCrash));
        sleep(retry.wait(random())).await;
    }
}

/// Keeps a peer connected: dials, serves, waits, dials again. Returns when the engine has ended.
async fn keep<A: Application>(network: &Network<A>, peer: DeviceId) {
    let mut retry = Retry::new();
    let mut whereabouts = network.whereabouts(peer, By::Secret);
    let mut changes = network.changes();
    let mut trust = network.engine.trust();
    loop {
        whereabouts.look();
        changes.borrow_and_update();
        trust.borrow_and_update();
        let since = Instant::now();
        if let Some(gone) = network.gone(&peer) {
            // The peer has dialled. Who loses that connection is as quick to have another as who loses its own.
            gone.cancelled().await;
            retry.ended(since.elapsed(), network.board.reason(&peer));
        } else {
            match network.dial(peer).await {
                Ok((connection, control)) => {
                    let since = Instant::now();
                    let reason = network.serve(connection, control, Mode::StayOpen).await;
                    retry.ended(since.elapsed(), reason);
                }
                // The peer has come by itself.
                Err(DialError::GivenUp) => continue,
                Err(error) => {
                    network.note_dial_error(peer, &error).await;
                    retry.failed(error.reason());
                }
            }
        }
        let wait = retry.wait(random());
        let news = async {
            sleep(BETWEEN_NEWS).await;
            whereabouts.news().await;
        };
        // Of those who are not refused the next dial is due soon enough, and whom this device trusts changes often while it gets to know others.
        let trusted = async {
            loop {
                if trust.changed().await.is_err() {
                    return Trust::Gone;
                }
                if retry.is_refused() {
                    return Trust::Changed;
                }
            }
        };
        tokio::select! {
            () = sleep(wait) => {}
            // It is there, or somewhere else than before.
            () = news => retry.changed(),
            // This device is somewhere else, or has slept.
            Ok(()) = changes.changed() => retry.changed(),
            trust = trusted => match trust {
                Trust::Changed => retry.changed(),
                Trust::Gone => return,
            },
        }
    }
}

/// What becomes of whom this device trusts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trust {
    Changed,
    /// Nobody knows any more: the engine has ended.
    Gone,
}

//! Who comes to be paired: by an offer that somebody shows at this moment, or by an invitation that was made before.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{interval, timeout};
use tokio_util::sync::CancellationToken;
use verso_pairing::{Connection, HANDSHAKE_MS, Offer, OfferId, Terms, Token, Validity};
use verso_transport::PairConnection;
use verso_wire::{Application, CloseCode, Reason};
use zeroize::Zeroizing;

use super::{ActiveOffer, Answer, OfferOptions, PairError, PairingEvent, profile, show, show_from};
use crate::engine::wall_ms;
use crate::invitations::{InvitationError, Invitations};
use crate::network::Network;

/// How often invitations are looked at: for those whose time is over, and those whose pairing works by now.
const LOOK: Duration = Duration::from_secs(2);

/// An invitation was not made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum InviteError {
    /// There is no offer to be made of it.
    #[error(transparent)]
    Pair(#[from] PairError),
    /// It can't be kept.
    #[error(transparent)]
    Kept(#[from] InvitationError),
}

/// Makes an invitation, which is served whenever the worker runs: from now on, if it does. Returns its name and its link.
pub(crate) async fn invite<A: Application>(
    network: &Network<A>,
    invitations: &Arc<Invitations>,
    options: OfferOptions,
) -> Result<(OfferId, Zeroizing<String>), InviteError> {
    let profile = profile(network).await?;
    let mut token = Zeroizing::new([0; Token::LEN]);
    getrandom::fill(token.as_mut()).map_err(PairError::from)?;
    let now_ms = wall_ms();
    let expires_at = (now_ms / 1000).saturating_add(options.ttl.as_secs());
    let terms = Terms::new(options.role, options.workspaces).map_err(PairError::from)?;
    let validity = Validity { token: Token::new(token), expires_at };
    let offer = Offer::new(network.transport.id(), &profile, terms, validity);
    let link = Zeroizing::new(offer.link().to_string());
    let kept = Arc::clone(invitations);
    let added = tokio::task::spawn_blocking(move || kept.add(offer, now_ms));
    let id = added.await.map_err(|_panic| PairError::Ended)??;
    if network.invitations().is_some() {
        // Whoever comes with the link before the next look is not turned away.
        network.open_for_guests(invitations);
    }
    Ok((id, link))
}

/// Serves a device that came to be paired: by the invitation that it means, else by the offer that is shown now.
pub(crate) async fn receive<A: Application>(network: Arc<Network<A>>, mut connection: PairConnection) {
    let shown = network.offer();
    let Some(invitations) = network.invitations() else {
        if let Some(offer) = shown {
            show(network, offer, connection).await;
        }
        return;
    };
    let first = timeout(Duration::from_millis(HANDSHAKE_MS), connection.receive()).await;
    let Ok(Ok(first)) = first else { return };
    let ends = Connection { own: connection.own(), peer: connection.peer(), exporter: *connection.exporter() };
    if let Some(offer) = invitations.meant_by(&first, &network.key, &ends) {
        let (events, told) = mpsc::unbounded_channel();
        let agreeing = tokio::spawn(agree(told));
        let active = ActiveOffer { offer, events, kept: Some(Arc::clone(&invitations)) };
        show_from(Arc::clone(&network), active, connection, Some(first.to_vec())).await;
        drop(agreeing.await);
    } else if let Some(offer) = shown {
        show_from(Arc::clone(&network), offer, connection, Some(first.to_vec())).await;
    } else {
        invitations.count_stranger(&first, wall_ms());
        keep(&invitations).await;
        connection.close(CloseCode::from(Reason::Declined));
    }
    keep(&invitations).await;
    network.open_for_guests(&invitations);
}

/// Whoever made the invitation said yes to whoever comes with its link.
async fn agree(mut told: mpsc::UnboundedReceiver<PairingEvent>) {
    while let Some(event) = told.recv().await {
        match event {
            PairingEvent::Confirm { answer, .. } => drop(answer.send(Answer::Yes)),
            PairingEvent::Paired(paired) => {
                tracing::info!(target: "verso.sync.pairing", peer = %paired.device, "paired by an invitation");
            }
            PairingEvent::Failed(error) => {
                tracing::info!(target: "verso.sync.pairing", %error, "an attempt to join by an invitation failed");
            }
            _ => {}
        }
    }
}

/// Looks after the invitations that are served until the worker ends: lets strangers knock while one stands, and forgets those that are over.
pub(crate) async fn keep_guests<A: Application>(
    network: Arc<Network<A>>,
    invitations: Arc<Invitations>,
    shutdown: CancellationToken,
) {
    let mut look = interval(LOOK);
    while shutdown.run_until_cancelled(look.tick()).await.is_some() {
        let now_ms = wall_ms();
        for device in invitations.unsettled(now_ms) {
            let is_open = move |replica: &mut crate::HostReplica<A>, now| {
                replica.provisional_peers(now).any(|peer| peer.device == device)
            };
            if network.engine.with(is_open).await == Some(false) {
                invitations.settle(&device, now_ms);
            }
        }
        invitations.sweep(now_ms);
        keep(&invitations).await;
        network.open_for_guests(&invitations);
    }
}

/// Makes durable what became of the invitations. If it can't be, the next look tries again.
async fn keep(invitations: &Arc<Invitations>) {
    let kept = Arc::clone(invitations);
    if let Ok(Err(error)) = tokio::task::spawn_blocking(move || kept.save()).await {
        tracing::warn!(target: "verso.sync", %error, "what became of the invitations is not kept yet");
    }
}

//! Invitations: links that outlive the process, each for one device, served while the worker runs.

use std::time::Duration;

use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use verso_identity::{DeviceKey, KeyStore as _, MemoryKeyStore};
use verso_pairing::{OfferStatus, PairingError, PairingLink, Refusal};
use verso_transport::DialError;
use verso_trust::{PairingWay, PeerRole};
use verso_worker::{
    InvitationError, Invitations, InviteError, MAX_INVITATIONS, OfferOptions, PairError, Ways, WorkerError, now_since,
};

use crate::rig::{Device, join, join_at};

fn options(ttl: Duration) -> OfferOptions {
    OfferOptions { role: PeerRole::Own, workspaces: Vec::new(), ttl, ways: Ways::Link }
}

async fn invite(device: &Device) -> PairingLink {
    let (_id, link) = device.handle.invite(options(Duration::from_hours(24))).await.unwrap();
    link.parse().unwrap()
}

fn now_ms() -> u64 {
    now_since(std::time::Instant::now()).wall_ms
}

/// Runs a device's worker beside the test.
struct Running {
    handle: verso_worker::WorkerHandle<verso_graph::Graph>,
    shutdown: CancellationToken,
    task: JoinHandle<Result<(), WorkerError>>,
}

/// Starts the worker; what is left of the device is kept by the caller.
fn run(device: Device) -> (Running, tempfile::TempDir, DeviceKey) {
    let (directory, secret, handle, worker) = device.into_parts();
    let shutdown = CancellationToken::new();
    let task = tokio::spawn(worker.run(shutdown.clone()));
    (Running { handle, shutdown, task }, directory, secret)
}

impl Running {
    /// Joins it where it is now: a test's device has another port at each start.
    async fn join(&self, device: &Device, link: &PairingLink) -> Result<verso_pairing::Paired, PairError> {
        join_at(device, link, &self.handle.addresses()).await
    }

    async fn end(self) {
        self.shutdown.cancel();
        drop(self.handle);
        self.task.await.unwrap().unwrap();
    }
}

fn statuses(invitations: &Invitations) -> Vec<OfferStatus> {
    invitations.list(now_ms()).iter().map(|invitation| invitation.status).collect()
}

#[tokio::test]
async fn an_invitation_survives_a_restart_and_is_good_for_one_device() {
    let desk = Device::new("desk").await;
    let link = invite(&desk).await;
    let desk = desk.restart("desk").await;
    let (lap, thief) = (Device::new("lap").await, Device::new("thief").await);
    let early = join_soon(&lap, &link).await;
    assert!(matches!(early, Err(PairError::Dial(_))), "it is not served before the worker runs: {early:?}");

    let (running, directory, secret) = run(desk);
    let joined = running.join(&lap, &link).await.unwrap();
    assert_eq!((joined.device, joined.name.as_str()), (running.handle.device(), "desk"));
    let ways = |replica: &verso_worker::HostReplica<_>| {
        replica.provisional_peers(verso_replica::Now::default()).map(|peer| peer.way).collect::<Vec<_>>()
    };
    assert_eq!(running.handle.read(ways).await.unwrap(), [PairingWay::Invite]);
    // The holder of a link that was used is told so.
    let late = running.join(&thief, &link).await;
    assert!(matches!(late, Err(PairError::Ceremony(PairingError::PeerRefused(Refusal::Used)))), "{late:?}");
    running.end().await;
    let again = Invitations::open(directory.path(), &secret).unwrap();
    assert_eq!(statuses(&again), [OfferStatus::Used { by: lap.handle.device() }]);
}

/// As [`join`], and gives up soon.
async fn join_soon(device: &Device, link: &PairingLink) -> Result<verso_pairing::Paired, PairError> {
    let joined = tokio::time::timeout(Duration::from_secs(2), join(device, link)).await;
    joined.unwrap_or(Err(PairError::Dial(DialError::Unreachable)))
}

#[tokio::test]
async fn of_several_invitations_each_leads_to_its_own() {
    let desk = Device::new("desk").await;
    let links = [invite(&desk).await, invite(&desk).await, invite(&desk).await];
    let (running, _directory, _secret) = run(desk);
    for (name, link) in [("lap", &links[2]), ("phone", &links[0])] {
        running.join(&Device::new(name).await, link).await.unwrap();
    }
    let open = statuses(&running.handle.invitations()).into_iter().filter(|status| *status == OfferStatus::Open);
    assert_eq!(open.count(), 1);
    running.end().await;
}

#[tokio::test]
async fn what_was_withdrawn_is_void_and_its_holder_is_told() {
    let desk = Device::new("desk").await;
    let (link, other) = (invite(&desk).await, invite(&desk).await);
    let invitations = desk.handle.invitations();
    let id = invitations.list(now_ms()).into_iter().find(|one| *one.id.as_bytes() == link.canonical_hash()).unwrap().id;
    invitations.withdraw(&id, now_ms()).unwrap();
    assert!(matches!(invitations.withdraw(&id, now_ms()), Err(InvitationError::Over)));
    drop(invitations);
    let (running, _directory, _secret) = run(desk.restart("desk").await);
    let lap = Device::new("lap").await;
    let late = running.join(&lap, &link).await;
    assert!(matches!(late, Err(PairError::Ceremony(PairingError::PeerRefused(Refusal::Withdrawn)))), "{late:?}");
    running.join(&lap, &other).await.unwrap();
    running.end().await;
}

/// Nobody may knock while nothing stands.
#[tokio::test]
async fn without_an_invitation_that_stands_the_door_is_shut() {
    let desk = Device::new("desk").await;
    let link = invite(&desk).await;
    let invitations = desk.handle.invitations();
    let id = invitations.list(now_ms())[0].id;
    invitations.withdraw(&id, now_ms()).unwrap();
    drop(invitations);
    let (running, _directory, _secret) = run(desk);
    let late = running.join(&Device::new("lap").await, &link).await;
    // Whether the refusal comes before or after the first message is a matter of time.
    let is_refused = |late: &Result<_, PairError>| {
        matches!(late, Err(PairError::Dial(DialError::Refused(_)) | PairError::Ceremony(PairingError::NotAccepted)))
    };
    assert!(is_refused(&late), "{late:?}");
    running.end().await;
}

#[tokio::test]
async fn strangers_use_it_up_and_a_restart_forgets_nothing_of_it() {
    let desk = Device::new("desk").await;
    let link = invite(&desk).await;
    let forged = {
        // The link of another offer of the same device: whoever holds it guesses.
        let other = Device::new("other").await;
        let theirs = invite(&other).await.to_string();
        let mine = link.to_string();
        let token = |link: &str| link.split('/').nth(4).unwrap().split('?').next().unwrap().to_owned();
        mine.replace(&token(&mine), &token(&theirs)).parse::<PairingLink>().unwrap()
    };
    let mut desk = desk;
    let thief = Device::new("thief").await;
    for round in 1..=5 {
        let (running, directory, secret) = run(desk);
        let failed = running.join(&thief, &forged).await;
        assert!(matches!(failed, Err(PairError::Ceremony(PairingError::NotAccepted))), "{failed:?}");
        running.end().await;
        desk = Device::open_keeping("desk", directory, secret, MemoryKeyStore::new().marks()).await;
        assert_eq!(desk.handle.invitations().list(now_ms())[0].failed_proofs, round);
    }
    assert_eq!(statuses(&desk.handle.invitations()), [OfferStatus::Exhausted]);
    let (running, _directory, _secret) = run(desk);
    let late = running.join(&Device::new("lap").await, &link).await;
    assert!(late.is_err(), "{late:?}");
    running.end().await;
}

#[tokio::test]
async fn what_has_expired_is_swept() {
    let desk = Device::new("desk").await;
    let (_id, link) = desk.handle.invite(options(Duration::from_secs(1))).await.unwrap();
    let link: PairingLink = link.parse().unwrap();
    let (running, directory, secret) = run(desk);
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    let late = running.join(&Device::new("lap").await, &link).await;
    assert!(matches!(late, Err(PairError::Expired)), "{late:?}");
    running.end().await;
    let kept = Invitations::open(directory.path(), &secret).unwrap();
    assert!(kept.list(now_ms()).is_empty());
}

#[tokio::test]
async fn there_is_an_end_to_how_many_are_kept() {
    let desk = Device::new("desk").await;
    for _ in 0..MAX_INVITATIONS {
        invite(&desk).await;
    }
    let more = desk.handle.invite(options(Duration::from_hours(1))).await;
    assert!(matches!(more, Err(InviteError::Kept(InvitationError::TooMany))), "{more:?}");
    assert_eq!(desk.handle.invitations().list(now_ms()).len(), MAX_INVITATIONS);
}

/// Nothing of a link lies on the disk in the clear, and what is damaged is put aside.
#[tokio::test]
async fn they_are_encrypted_and_damage_costs_no_more_than_them() {
    let desk = Device::new("desk").await;
    let link = invite(&desk).await.to_string();
    let (directory, secret) = desk.close().await;
    let path = directory.path().join("state/local.invitations");
    let mut bytes = std::fs::read(&path).unwrap();
    let token = link.split('/').nth(4).unwrap().split('?').next().unwrap();
    assert!(!bytes.windows(token.len()).any(|part| part == token.as_bytes()));
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    std::fs::write(&path, &bytes).unwrap();
    let kept = Invitations::open(directory.path(), &secret).unwrap();
    assert!(kept.list(now_ms()).is_empty());
    assert!(!path.exists() && directory.path().join("state/local.invitations.damaged").exists());
}

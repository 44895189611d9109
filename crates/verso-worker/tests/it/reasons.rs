//! Whatever stops data has its reason: each of the closed set comes up somewhere for real, and no connection ends without one.

use std::fs;
use std::path::Path;
use std::time::Duration;

use tokio_util::sync::CancellationToken;
use verso_graph::Graph;
use verso_identity::{DeviceKey, KeyStore as _, MemoryKeyStore};
use verso_replica::Event;
use verso_transport::Network;
use verso_wire::Reason;
use verso_worker::{LocalDiscovery, SyncWorker, WorkerOptions};

use crate::rig::{Device, in_step, pair, until};

/// Which tests have it come up for real: the crate's file and the test. A reason that is new doesn't compile before it has one.
const fn shown_by(reason: Reason) -> &'static [(&'static str, &'static str)] {
    match reason {
        Reason::Offline => &[("verso-cli/tests/it/offline.rs", "nobody_is_reached_without_a_network")],
        Reason::Unreachable => &[
            ("verso-worker/tests/it/syncing.rs", "nobody_there_is_said_and_costs_the_wait"),
            ("verso-worker/tests/it/reasons.rs", "the_last_reason_and_contact_are_kept_and_not_in_the_clear"),
        ],
        Reason::NotTrusted => &[("verso-worker/tests/it/refusals.rs", "a_stranger_gets_nothing")],
        Reason::NoGrant => &[("verso-session/tests/it/liars.rs", "on_opening_streams")],
        Reason::ReadOnly => &[("verso-replica/tests/it/admission.rs", "a_read_only_member_may_vouch_and_not_write")],
        Reason::Revoked => {
            &[("verso-transport/tests/it/admission.rs", "a_removed_device_is_told_revoked_and_its_owner_hears_of_it")]
        }
        Reason::Declined => {
            &[("verso-replica/tests/it/admission.rs", "a_friend_without_access_brings_nothing_of_a_stranger")]
        }
        Reason::HandshakeFailed => &[("verso-worker/tests/it/refusals.rs", "a_wrong_secret_gets_nothing")],
        Reason::Version | Reason::Downgrade => &[("verso-session/tests/it/liars.rs", "on_the_control_stream")],
        Reason::Fork => &[("verso-session/tests/it/forks.rs", "clones_of_equal_length_are_shown_each_others_branch")],
        Reason::RolledBack => &[
            ("verso-replica/tests/it/rollback.rs", "a_seal_beyond_what_is_remembered_starts_a_new_incarnation_at_once"),
            ("verso-worker/src/board.rs", "a_device_that_was_put_back_says_so_in_its_status"),
        ],
        Reason::Gap => &[("verso-session/tests/it/liars.rs", "gaps_without_end_are_not_served_without_end")],
        Reason::ClockSkew => {
            &[("verso-worker/src/board.rs", "what_a_peer_says_of_its_clock_is_in_the_status_and_stops_nothing")]
        }
        Reason::DiskFull => &[
            ("verso-worker/tests/it/disks.rs", "a_full_disk_is_told_on_both_sides_and_costs_only_that_while"),
            ("verso-replica/tests/it/failing.rs", "a_full_disk_stops_with_its_reason_and_goes_on_when_there_is_room"),
        ],
        Reason::LogDamaged => {
            &[("verso-replica/tests/it/healing.rs", "damage_that_shows_while_a_fork_is_healed_is_told")]
        }
        Reason::LogLocked | Reason::KeyMissing => {
            &[("verso-worker/tests/it/reasons.rs", "a_worker_that_can_t_start_says_why")]
        }
        Reason::KeychainLocked => {
            &[("verso-worker/src/manifest.rs", "a_key_that_is_locked_away_is_told_from_one_that_is_not_there")]
        }
        Reason::Busy => {
            &[("verso-transport/tests/it/admission.rs", "sessions_are_counted_by_peer_and_a_full_house_is_busy")]
        }
        Reason::Limit | Reason::Malformed => &[("verso-session/tests/it/liars.rs", "on_sending_and_acknowledging")],
        Reason::WorkerCrash => &[
            ("verso-worker/tests/it/supervising.rs", "an_application_that_panics_ends_its_session_and_nothing_else"),
            ("verso-worker/tests/it/supervising.rs", "the_end_of_the_engine_is_never_silent"),
        ],
        Reason::Unconfirmed => {
            &[("verso-replica/tests/it/confirming.rs", "who_lacked_something_confirms_nobody_once_it_was_taught")]
        }
    }
}

/// The list above is true: the tests are there, and their files speak of the reason.
#[test]
fn every_reason_comes_up_in_a_test() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    for reason in Reason::ALL.iter().copied() {
        assert!(!shown_by(reason).is_empty(), "{reason}");
        for (file, test) in shown_by(reason) {
            let text = fs::read_to_string(crates.join(file)).unwrap_or_else(|error| panic!("{file}: {error}"));
            assert!(text.contains(&format!("fn {test}(")), "{reason}: {file} has no test {test}");
        }
    }
}

fn options(directory: &Path) -> WorkerOptions {
    WorkerOptions {
        data_dir: directory.to_owned(),
        name: "laptop".into(),
        network: Network::Loopback,
        port: 0,
        listen: None,
        discovery: LocalDiscovery::Off,
        marks: MemoryKeyStore::new().marks(),
    }
}

#[tokio::test]
async fn a_worker_that_can_t_start_says_why() {
    let directory = tempfile::tempdir().unwrap();
    let (worker, handle) =
        SyncWorker::<Graph>::open(options(directory.path()), DeviceKey::generate().unwrap()).await.unwrap();
    let key = || DeviceKey::generate().unwrap();
    let second = SyncWorker::<Graph>::open(options(directory.path()), key()).await.unwrap_err();
    assert_eq!(second.reason(), Reason::LogLocked, "{second}");
    drop(handle);
    worker.close().await.unwrap();
    let other_key = SyncWorker::<Graph>::open(options(directory.path()), key()).await.unwrap_err();
    assert_eq!(other_key.reason(), Reason::KeyMissing, "{other_key}");
}

/// Peers go with a goodbye, without a word, and for good. Each time both are told why, or both had nothing more to exchange.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_connection_ends_without_a_reason() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    let workspace = laptop.found("Reading").await;
    pair(&laptop, &phone).await;
    let (handle, other) = (laptop.handle.clone(), phone.handle.clone());
    let (laptop_id, phone_id) = (handle.device(), other.device());
    let mut events = handle.events();
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(laptop.worker.run(shutdown.clone()));
    let (directory, secret, _, worker) = phone.into_parts();

    // Without a word: its task is gone, and everything with it.
    let lost = tokio::spawn(worker.run(CancellationToken::new()));
    until(&handle, |status| in_step(status, phone_id)).await;
    handle.commit(workspace, Vec::new()).await.unwrap();
    lost.abort();
    assert!(lost.await.unwrap_err().is_cancelled());
    drop(other);
    until(&handle, |status| !status.peers[&phone_id].connected && status.peers[&phone_id].reason.is_some()).await;

    // With a goodbye of this side's.
    let end = CancellationToken::new();
    let marks = MemoryKeyStore::new().marks();
    let phone = reopened(directory, secret, marks).await;
    let other = phone.handle.clone();
    let mut their_events = other.events();
    let (_directory, _secret, _, worker) = phone.into_parts();
    let back = tokio::spawn(worker.run(end.clone()));
    until(&handle, |status| in_step(status, phone_id)).await;
    until(&other, |status| in_step(status, laptop_id)).await;
    shutdown.cancel();
    running.await.unwrap().unwrap();
    until(&other, |status| !status.peers[&laptop_id].connected && status.peers[&laptop_id].reason.is_some()).await;
    end.cancel();
    back.await.unwrap().unwrap();
    for events in [&mut events, &mut their_events] {
        let (mut online, mut offline) = (0, 0);
        while let Ok(event) = events.try_recv() {
            match event {
                Event::PeerOnline { .. } => online += 1,
                Event::PeerOffline { reason, .. } => {
                    offline += 1;
                    // Whoever stays connected is never done, but where it ends itself.
                    assert!(reason.is_some() || online == offline, "{reason:?}");
                }
                _ => {}
            }
        }
        assert!(online > 0 && offline >= online, "{online} {offline}");
    }
}

/// Opens a device whose worker is gone without having been closed: its last tasks may hold the directory for a moment.
async fn reopened(
    directory: tempfile::TempDir,
    secret: DeviceKey,
    marks: std::sync::Arc<dyn verso_identity::MarkStore>,
) -> Device {
    while verso_log::DataDirLock::acquire(directory.path()).is_err() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Device::open_keeping("phone", directory, secret, marks).await
}

/// What nobody runs can still be told, by whoever has the key.
#[tokio::test]
async fn the_last_reason_and_contact_are_kept_and_not_in_the_clear() {
    let (laptop, phone) = (Device::new("laptop").await, Device::new("phone").await);
    pair(&laptop, &phone).await;
    tokio::join!(laptop.handle.sync_once(Duration::from_secs(10)), phone.handle.sync_once(Duration::from_secs(10)));
    phone.close().await;
    laptop.handle.sync_once(Duration::from_millis(500)).await;
    let laptop = laptop.restart("laptop").await;
    let peer = laptop.handle.read(|replica| replica.peers().next()).await.unwrap().unwrap();
    assert_eq!(peer.contact.reason.as_ref().map(|(code, _)| code.as_str()), Some("unreachable"));
    assert!(peer.contact.reason.is_some_and(|(_, since)| since > 0) && peer.contact.last_seen_ms.is_some());
    let (directory, _secret) = laptop.close().await;
    assert!(!holds(directory.path(), b"unreachable"), "it is in the clear");
}

fn holds(directory: &Path, what: &[u8]) -> bool {
    fs::read_dir(directory).unwrap().any(|entry| {
        let entry = entry.unwrap();
        if entry.file_type().unwrap().is_dir() {
            return holds(&entry.path(), what);
        }
        fs::read(entry.path()).unwrap().windows(what.len()).any(|window| window == what)
    })
}

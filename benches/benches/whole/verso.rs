//! Verso: the worker with its graph, signed, encrypted and durable, over real QUIC.

use std::path::Path;
use std::time::{Duration, Instant};

use verso_benches::device::{Device, WAIT, checkpoints, pair, round};
use verso_benches::edits::{Edit, MERGED, Who};
use verso_benches::floor::{Disk, Echo, Handshakes};
use verso_benches::machine::float;
use verso_graph::{Intent, NodeId, NodeRef};
use verso_identity::WorkspaceId;
use verso_session::Progress;

use crate::{Part, Task, fresh, median, tell, tell_peak, tell_time};

/// How many single intents are timed.
const SINGLE: u64 = 100;
/// How often a round with nothing to do is timed.
const NOTHING: usize = 5;

pub(crate) async fn run(task: &Task) {
    let place = task.directory.join("laptop");
    match task.part {
        Part::Record => record(task).await,
        Part::Reopen => reopen(&place, ["reopen", "reopen peak"]).await,
        Part::Replay => {
            for path in checkpoints(&place) {
                std::fs::remove_file(path).unwrap();
            }
            reopen(&place, ["replay", "replay peak"]).await;
        }
        Part::Compact => {
            // In a copy, so that what is synced is what was recorded.
            let copy = fresh(&task.directory, "compacted");
            copy_all(&place, &copy);
            let device = Device::open(&copy, 1).await;
            let workspace = device.workspace().await;
            let start = Instant::now();
            device.compact(workspace).await;
            tell_time("compact", start.elapsed());
            tell("compacted", float(device.bytes_of_logs()));
            device.close().await;
        }
        Part::Sync => sync(task, &place).await,
    }
}

async fn record(task: &Task) {
    let device = Device::open(&fresh(&task.directory, "laptop"), 1).await;
    let workspace = device.handle.found_workspace("bench".into()).await.unwrap();
    let (intents, took) = device.record(workspace, &task.work).await;
    tell("intents", float(intents));
    tell_time("record", took);
    tell_peak("record peak");
    tell("at rest", float(device.bytes_of_logs()));
    let start = Instant::now();
    device.close().await;
    tell_time("close", start.elapsed());
    let checkpoints = checkpoints(&task.directory.join("laptop"));
    let bytes = checkpoints.iter().map(|path| std::fs::metadata(path).unwrap().len());
    tell("checkpoint", float(bytes.sum()));
}

async fn reopen(place: &Path, [time, peak]: [&str; 2]) {
    let start = Instant::now();
    let device = Device::open(place, 1).await;
    let workspace = device.workspace().await;
    assert!(device.full_pass(workspace).await > 0, "something was recorded");
    tell_time(time, start.elapsed());
    tell_peak(peak);
    device.close().await;
}

async fn sync(task: &Task, place: &Path) {
    let laptop = Device::open(place, 1).await;
    let phone = Device::open(&fresh(&task.directory, "phone"), 2).await;
    let workspace = laptop.workspace().await;
    pair(&laptop, &phone).await;
    let (cold, took) = round(&laptop, &phone).await;
    tell_time("cold sync", took);
    tell("cold sync bytes", float(cold.bytes_sent + cold.bytes_received));
    tell_peak("cold sync peak");
    assert_eq!(laptop.digest(workspace).await, phone.digest(workspace).await, "both show the same");

    let [mut shakes, mut rests] = [Vec::new(), Vec::new()];
    let mut times = Vec::new();
    let handshakes = Handshakes::new().await.unwrap();
    for _ in 0..NOTHING {
        let shake = handshakes.shake().await.unwrap();
        let (outcome, took) = round(&laptop, &phone).await;
        shakes.push(shake);
        rests.push(took.saturating_sub(shake));
        times.push((took, outcome.bytes_sent + outcome.bytes_received));
    }
    times.sort_unstable();
    let (took, bytes) = times[NOTHING / 2];
    tell_time("no-op", took);
    tell_time("handshakes", median(shakes));
    tell_time("no-op behind", median(rests));
    tell("no-op bytes", float(bytes));

    let nodes = laptop.first_nodes(workspace, MERGED).await;
    edit(&laptop, workspace, &nodes, Who::One).await;
    edit(&phone, workspace, &nodes, Who::Two).await;
    let (outcome, took) = round(&laptop, &phone).await;
    tell_time("thousand", took);
    tell("thousand bytes", float(outcome.bytes_sent + outcome.bytes_received));
    assert_eq!(laptop.digest(workspace).await, phone.digest(workspace).await, "both show the same");

    one_intent(laptop, phone, workspace, bytes).await;
}

async fn edit(device: &Device, workspace: WorkspaceId, nodes: &[NodeId], who: Who) {
    for number in 0..MERGED {
        // Where there are fewer nodes those that nobody deletes get more titles.
        let (at, edit) = if number < nodes.len() {
            (number, Edit::of(number, who))
        } else {
            (number % nodes.len() / 10 * 10, Edit::Title)
        };
        let node = NodeRef::Id(nodes[at]);
        let intent = match edit {
            Edit::Title => Intent::SetTitle { node, title: format!("by {} {number}", who.name()) },
            Edit::Tag => Intent::Tag { node, tag: format!("of {}", who.name()) },
            Edit::Delete => Intent::DeleteNode { nodes: vec![node] },
        };
        device.handle.commit(workspace, vec![intent]).await.unwrap();
    }
}

/// What becomes of the time of one intent, both devices running: from the commit until it is durable and acknowledged by the other; and by turns what the disk alone and
/// QUIC alone take for as many bytes. `nothing` is what both send if there is nothing to bring.
async fn one_intent(laptop: Device, phone: Device, workspace: WorkspaceId, nothing: u64) {
    let (mut disk, mut echo) = (Disk::new(&laptop.directory).unwrap(), Echo::new().await.unwrap());
    let shutdown = tokio_util::sync::CancellationToken::new();
    let peer = phone.handle.device();
    phone.handle.add_addresses(laptop.handle.device(), laptop.handle.addresses()).await;
    let handle = laptop.handle.clone();
    let mut status = handle.status();
    let running = [tokio::spawn(laptop.worker.run(shutdown.clone())), tokio::spawn(phone.worker.run(shutdown.clone()))];
    let mut in_step = async |sent: u64| {
        let arrived = |progress: &Progress| progress.sent >= sent;
        let wait = status
            .wait_for(|status| status.peers.get(&peer).is_some_and(|peer| peer.in_step && arrived(&peer.total())));
        drop(tokio::time::timeout(WAIT, wait).await.unwrap().unwrap());
    };
    in_step(0).await;
    let [mut times, mut disks, mut pings] = [Vec::new(), Vec::new(), Vec::new()];
    for number in 0..SINGLE {
        disks.push(disk.append().unwrap());
        pings.push(echo.ping().await.unwrap());
        let start = Instant::now();
        let (url, title) = (format!("https://example.org/{number}"), format!("one more {number}"));
        handle.commit(workspace, vec![Intent::AddNode { url, title }]).await.unwrap();
        in_step(number + 1).await;
        times.push(start.elapsed());
    }
    // The figure is brought up to date once a second while data moves.
    let moved = |status: &verso_worker::Status| status.peers.get(&peer).is_some_and(|peer| sent(peer) > 100 * SINGLE);
    let mut figures = handle.status();
    drop(tokio::time::timeout(WAIT, figures.wait_for(moved)).await.unwrap().unwrap());
    tokio::time::sleep(Duration::from_secs(2)).await;
    let bytes = sent(&figures.borrow().peers[&peer]);
    shutdown.cancel();
    for worker in running {
        worker.await.unwrap().unwrap();
    }
    tell_time("one intent", median(times));
    tell_time("one intent, disks", 2 * median(disks));
    tell_time("one intent, network", median(pings));
    // What the connection sent in all, without what one says that brings nothing.
    tell("one intent bytes", float(bytes.saturating_sub(nothing / 2) / SINGLE));
}

fn copy_all(from: &Path, to: &Path) {
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.metadata().unwrap().is_dir() {
            std::fs::create_dir_all(&to).unwrap();
            copy_all(&entry.path(), &to);
        } else {
            std::fs::copy(entry.path(), to).unwrap();
        }
    }
}

fn sent(peer: &verso_worker::PeerStatus) -> u64 {
    peer.link.as_ref().map_or(0, |link| link.bytes_sent)
}

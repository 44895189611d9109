//! A device in a process of its own, told by lines on its standard input what to do. It answers each with one line.

use std::collections::BTreeSet;
use std::io::{self, BufRead as _, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use tokio::runtime::Handle;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, mpsc};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;
use verso_graph::{Graph, Intent};
use verso_identity::{DeviceId, DeviceKey, FileMarkStore, MarkStore, WorkspaceId};
use verso_replica::{Event, PairSecret, ProvisionalPeer};
use verso_transport::Network;
use verso_trust::{PairingSide, PairingWay, PeerRole};
use verso_wire::{Application as _, Reason};
use verso_worker::{HostReplica, LocalDiscovery, SyncWorker, WorkerError, WorkerHandle, WorkerOptions};
use zeroize::Zeroizing;

use crate::Failure;

struct Device {
    number: u8,
    directory: PathBuf,
    marks: Arc<dyn MarkStore>,
    running: Option<Running>,
}

struct Running {
    handle: WorkerHandle<Graph>,
    shutdown: CancellationToken,
    worker: JoinHandle<Result<(), WorkerError>>,
    /// Commits that are under way.
    bursts: JoinSet<bool>,
    /// Every reason that was told.
    told: Arc<Mutex<BTreeSet<Reason>>>,
    _listener: AbortOnDropHandle<()>,
}

/// Collects the reasons that are told.
async fn listen(mut events: broadcast::Receiver<Event>, told: Arc<Mutex<BTreeSet<Reason>>>) {
    loop {
        let reason = match events.recv().await {
            Ok(Event::Stopped { reason, .. } | Event::PeerOffline { reason: Some(reason), .. }) => reason,
            Ok(_) | Err(RecvError::Lagged(_)) => continue,
            Err(RecvError::Closed) => return,
        };
        told.lock().unwrap_or_else(PoisonError::into_inner).insert(reason);
    }
}

/// Serves until its input ends, or it is told to.
pub(crate) async fn serve(number: u8, directory: &Path) -> Result<(), Failure> {
    std::fs::create_dir_all(directory)?;
    let mut device = Device {
        number,
        directory: directory.to_owned(),
        marks: Arc::new(FileMarkStore::new(directory)),
        running: None,
    };
    say(&device.up().await?)?;
    let (lines, mut orders) = mpsc::channel(64);
    // Reading blocks, and ends with the process.
    std::thread::spawn(move || {
        for line in io::stdin().lock().lines().map_while(Result::ok) {
            if lines.blocking_send(line).is_err() {
                return;
            }
        }
    });
    while let Some(line) = orders.recv().await {
        let words: Vec<&str> = line.split_whitespace().collect();
        let answer = match *words {
            ["up"] => device.up().await,
            ["down"] => device.down().await,
            ["end"] => {
                say(&device.down().await?)?;
                return Ok(());
            }
            ["found", name] => device.found(name).await,
            ["pair", peer, noise, sealing, address, side] => device.pair([peer, noise, sealing], address, side).await,
            ["commit", workspace, first, count] => device.commit(workspace, first.parse()?, count.parse()?).await,
            ["burst", workspace, first, count] => device.burst(workspace, first.parse()?, count.parse()?),
            ["state", workspace] => device.state(workspace).await,
            _ => Err("no such order".into()),
        };
        match answer {
            Ok(answer) => say(&answer)?,
            Err(error) => say(&format!("failed {}", error.to_string().replace('\n', " ")))?,
        }
    }
    Ok(())
}

fn say(line: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}")?;
    out.flush()
}

impl Device {
    async fn up(&mut self) -> Result<String, Failure> {
        // A device keeps its port, so that others find it again where it was.
        let kept = self.directory.join("port");
        let port = std::fs::read_to_string(&kept).ok().and_then(|port| port.parse().ok()).unwrap_or(0);
        let options = WorkerOptions {
            data_dir: self.directory.clone(),
            name: format!("device {}", self.number),
            network: Network::Loopback,
            port,
            listen: None,
            discovery: LocalDiscovery::Off,
            marks: Arc::clone(&self.marks),
        };
        let key = DeviceKey::from_secret(&Zeroizing::new([self.number; 32]));
        let (worker, handle) = Box::pin(SyncWorker::open_serving(options, key, SESSIONS)).await?;
        std::fs::write(kept, handle.port().to_string())?;
        let shutdown = CancellationToken::new();
        let worker = tokio::spawn(worker.run(shutdown.clone()));
        let keys = handle.read(|replica| (replica.noise_key(), replica.sealing_key())).await.ok_or("it has ended")?;
        let address = handle.addresses().first().copied().ok_or("it has no address")?;
        let [noise, sealing] = [keys.0, keys.1].map(|key| DeviceId::from_bytes(key).to_hex());
        let answer = format!("up {} {noise} {sealing} {address}", handle.device().to_hex());
        let told = Arc::<Mutex<BTreeSet<Reason>>>::default();
        let listener = AbortOnDropHandle::new(tokio::spawn(listen(handle.events(), Arc::clone(&told))));
        self.running = Some(Running { handle, shutdown, worker, bursts: JoinSet::new(), told, _listener: listener });
        Ok(answer)
    }

    /// Ends the worker. Tells how many milliseconds that took, and how many of the commits that were under way are durable.
    async fn down(&mut self) -> Result<String, Failure> {
        let start = Instant::now();
        let (mut took, mut durable) = (0, 0);
        if let Some(Running { handle, shutdown, worker, mut bursts, .. }) = self.running.take() {
            drop(handle);
            shutdown.cancel();
            worker.await??;
            took = start.elapsed().as_millis();
            while let Some(is_durable) = bursts.join_next().await {
                durable += u64::from(is_durable?);
            }
        }
        Ok(format!("down {took} {durable}"))
    }

    /// Begins commits, all at once, and waits for none.
    fn burst(&mut self, workspace: &str, first: u64, count: u64) -> Result<String, Failure> {
        let workspace: WorkspaceId = workspace.parse()?;
        let running = self.running.as_mut().ok_or("it is down")?;
        for number in first..first + count {
            let (handle, intent) = (running.handle.clone(), node(self.number, number));
            running.bursts.spawn(async move { handle.commit(workspace, vec![intent]).await.is_ok() });
        }
        Ok("burst".to_owned())
    }

    fn handle(&self) -> Result<&WorkerHandle<Graph>, Failure> {
        Ok(&self.running.as_ref().ok_or("it is down")?.handle)
    }

    async fn found(&self, name: &str) -> Result<String, Failure> {
        Ok(format!("workspace {}", self.handle()?.found_workspace(name.to_owned()).await?.to_hex()))
    }

    async fn pair(&self, [peer, noise, sealing]: [&str; 3], address: &str, side: &str) -> Result<String, Failure> {
        let (peer, noise, sealing): (DeviceId, DeviceId, DeviceId) = (peer.parse()?, noise.parse()?, sealing.parse()?);
        let mut secret = *blake3::hash(b"soak").as_bytes();
        for (byte, (mine, theirs)) in
            secret.iter_mut().zip(self.handle()?.device().as_bytes().iter().zip(peer.as_bytes()))
        {
            *byte ^= mine ^ theirs;
        }
        let provisional = ProvisionalPeer {
            device: peer,
            noise_key: *noise.as_bytes(),
            sealing_key: *sealing.as_bytes(),
            secret: PairSecret::from_bytes(secret),
            name: "peer".into(),
            role: PeerRole::Own,
            side: if side == "showing" { PairingSide::Showing } else { PairingSide::Joining },
            way: PairingWay::Link,
            addresses: vec![address.to_owned()],
            workspaces: Vec::new(),
            expires_ms: u64::MAX,
        };
        self.handle()?.store_provisional(provisional).await?;
        Ok("paired".to_owned())
    }

    /// Commits nodes one by one, and answers when all are durable.
    async fn commit(&self, workspace: &str, first: u64, count: u64) -> Result<String, Failure> {
        let (workspace, handle): (WorkspaceId, _) = (workspace.parse()?, self.handle()?);
        for number in first..first + count {
            handle.commit(workspace, vec![node(self.number, number)]).await?;
        }
        Ok(format!("durable {count}"))
    }

    /// Tells nodes, digest, peers in step, tasks, defects, and all reasons that were told.
    async fn state(&self, workspace: &str) -> Result<String, Failure> {
        let (workspace, handle): (WorkspaceId, _) = (workspace.parse()?, self.handle()?);
        let shown = move |replica: &HostReplica<Graph>| {
            replica.application(&workspace).map(|graph| (graph.nodes().count(), graph.digest()))
        };
        let (nodes, digest) = handle.read(shown).await.ok_or("it has ended")?.unwrap_or_default();
        let status = handle.status().borrow().clone();
        let in_step = status.peers.values().filter(|peer| peer.connected && peer.in_step).count();
        let told = self.running.as_ref().map(|running| Arc::clone(&running.told)).unwrap_or_default();
        let told = told.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let reasons = told.into_iter().map(Reason::code).collect::<Vec<_>>().join(",");
        let tasks = Handle::current().metrics().num_alive_tasks();
        let digest = DeviceId::from_bytes(digest).to_hex();
        Ok(format!("state {nodes} {digest} {in_step} {tasks} {} {reasons}", status.crashes))
    }
}

fn node(device: u8, number: u64) -> Intent {
    Intent::AddNode {
        url: format!("https://example.org/{device}/{number}"),
        title: format!("{number} of device {device}"),
    }
}

/// More than there are other devices.
const SESSIONS: usize = 64;

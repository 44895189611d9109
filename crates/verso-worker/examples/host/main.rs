//! A host that embeds Verso: it supervises the worker, follows the journal through a reducer of its own, and goes on where there is no sync.
//!
//! `cargo run -p verso-worker --example host` plays two hosts on this machine and ends by itself; with `--keychain` it tries the keychain of this system
//! first, and goes on without sync where there is none.

#![expect(clippy::print_stdout, reason = "an example shows what it does")]

mod host;
mod list;

use std::path::Path;
use std::time::Duration;

use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use verso_identity::{KeychainSlot, KeychainStore, MemoryKeyStore, Patience};
use verso_trust::PeerRole;
use verso_worker::{Answer, OfferOptions, PairingEvent, Ways, manifest};

use crate::host::{Failure, Host, Supervisor, Syncing};

/// Longer than all of it takes.
const PATIENCE: Duration = Duration::from_mins(1);

#[tokio::main]
async fn main() -> Result<(), Failure> {
    let manifest = manifest();
    println!("{} {} provides {}", manifest.name, manifest.version, manifest.provides.join(", "));
    for action in manifest.actions {
        println!("  {}: {}", action.name, action.title);
    }
    let directory = tempfile::tempdir()?;
    if std::env::args().any(|argument| argument == "--keychain") {
        return timeout(PATIENCE, without_sync(directory.path())).await?;
    }
    timeout(PATIENCE, Box::pin(two_hosts(directory.path()))).await?
}

/// A host whose keychain may be missing: it works, and tells why it doesn't sync.
async fn without_sync(directory: &Path) -> Result<(), Failure> {
    let store =
        KeychainStore::new(KeychainSlot::random()?, Patience { limit: Duration::from_secs(5), ..Patience::default() });
    let mut supervisor = Supervisor::default();
    let mut host = Host::start(&mut supervisor, directory, "desk", &store).await?;
    match host.sync() {
        Syncing::On(_) => println!("the keychain has a key now: sync is on"),
        Syncing::Off(reason) => println!("no sync ({reason}): {} {}", reason.what(), reason.action()),
    }
    host.add("buy milk").await?;
    println!("to do: {}", host.items().join(", "));
    supervisor.end().await?;
    // What was done without sync is there at the next start, and is committed once there is a key.
    let mut supervisor = Supervisor::default();
    let store_with_key = MemoryKeyStore::new();
    let mut host = Host::start(&mut supervisor, directory, "desk", &store_with_key).await?;
    host.found().await?;
    println!("with a key: {}", host.items().join(", "));
    supervisor.end().await
}

/// Two hosts pair, follow each other, take back only what is their own, and go on after a restart where they stopped.
async fn two_hosts(directory: &Path) -> Result<(), Failure> {
    let (mut at_home, mut away) = (Supervisor::default(), Supervisor::default());
    let (keys, other_keys) = (MemoryKeyStore::new(), MemoryKeyStore::new());
    let (home, pocket) = (directory.join("laptop"), directory.join("phone"));
    let mut laptop = Host::start(&mut at_home, &home, "laptop", &keys).await?;
    let mut phone = Host::start(&mut away, &pocket, "phone", &other_keys).await?;
    laptop.found().await?;
    laptop.add("buy milk").await?;
    pair(&laptop, &phone).await?;
    phone.wait_for(&["buy milk"]).await?;
    println!("the phone has: {}", phone.items().join(", "));

    phone.add("bake bread").await?;
    laptop.wait_for(&["buy milk", "bake bread"]).await?;
    laptop.undo().await?;
    laptop.undo().await?;
    println!("the laptop took back what was its own, and has: {}", laptop.items().join(", "));
    phone.wait_for(&["bake bread"]).await?;

    away.end().await?;
    drop(phone);
    for item in ["sweep", "mop", "dust"] {
        laptop.add(item).await?;
    }
    let mut away = Supervisor::default();
    let mut phone = Host::start(&mut away, &pocket, "phone", &other_keys).await?;
    println!("after a restart the phone has, of its own: {}", phone.items().join(", "));
    phone.wait_for(&["bake bread", "sweep", "mop", "dust"]).await?;
    println!("then it took {} entries more, and has: {}", phone.taken, phone.items().join(", "));
    if laptop.digest() != phone.digest() {
        return Err("the two lists differ".into());
    }
    println!("both show the same");
    away.end().await?;
    at_home.end().await
}

/// Says yes. Whoever asked may have given up.
fn yes(answer: oneshot::Sender<Answer>) {
    if answer.send(Answer::Yes).is_err() {
        println!("nobody waits for the answer any more");
    }
}

/// Pairs two hosts, whose people both say yes.
async fn pair(laptop: &Host, phone: &Host) -> Result<(), Failure> {
    let options =
        OfferOptions { role: PeerRole::Own, workspaces: Vec::new(), ttl: Duration::from_mins(1), ways: Ways::Link };
    let mut offer = laptop.handle()?.offer(options).await?;
    let link = offer.with_link(|link| link.to_string().parse())?;
    let shown = async {
        while let Some(event) = offer.next().await {
            match event {
                PairingEvent::Confirm { answer, .. } => yes(answer),
                PairingEvent::Paired(paired) => return Ok(paired),
                _ => {}
            }
        }
        Err(Failure::from("the offer ended"))
    };
    let (sender, mut events) = mpsc::unbounded_channel();
    let answers = async {
        while let Some(event) = events.recv().await {
            if let PairingEvent::Confirm { answer, .. } = event {
                yes(answer);
            }
        }
        Err(Failure::from("nobody asks any more"))
    };
    let handle = phone.handle()?;
    let joined = async {
        tokio::select! {
            joined = handle.join(&link, &[], &sender) => joined.map_err(Failure::from),
            failed = answers => failed,
        }
    };
    let (shown, joined) = tokio::join!(shown, joined);
    println!("{} and {} are paired", joined?.name, shown?.name);
    Ok(())
}

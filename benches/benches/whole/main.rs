//! The whole path on one machine, and others with the same work: record a graph, open it again, sync it to a second device, and what follows.
//!
//! `cargo xtask bench` runs this program, a process for each contestant and part so that memory is each one's own, by turns and several times, and makes tables of what it says:
//! `whole CONTESTANT PART DIRECTORY PERCENT NODES`, where `NODES` is the size of the graph that is made up if `VERSO_DATA` names no file of JSON lines (also `.zst`), and `PERCENT` the
//! share of it. Without arguments, as tests and `cargo bench` run it, a small graph goes through all parts of Verso and, with the feature `peers`, of all others.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a measurement tells its figures, and if it fails has nothing to say but that"
)]

mod verso;

#[cfg(feature = "peers")]
mod docs;
#[cfg(feature = "peers")]
mod memory;

use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::runtime::Runtime;
use verso_benches::machine::float;
use verso_benches::rows::Work;

/// What is done in a process of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    /// Records everything into an empty directory, durably.
    Record,
    /// Opens what was recorded and reads all of it.
    Reopen,
    /// The same without what is only there to open faster.
    Replay,
    /// Makes it smaller on the disk.
    Compact,
    /// Brings it to another device; then nothing, a thousand edits on both sides, and one intent at a time.
    Sync,
}

impl Part {
    const ALL: [(&'static str, Self); 5] = [
        ("record", Self::Record),
        ("reopen", Self::Reopen),
        ("replay", Self::Replay),
        ("compact", Self::Compact),
        ("sync", Self::Sync),
    ];
}

/// Where and on what a part works.
struct Task {
    part: Part,
    directory: PathBuf,
    work: Work,
}

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| !argument.starts_with("--")).collect();
    if arguments.is_empty() {
        return try_all();
    }
    let [contestant, part, directory, percent, nodes] =
        arguments.try_into().expect("CONTESTANT PART DIRECTORY PERCENT NODES");
    let (_, part) = Part::ALL.into_iter().find(|(name, _)| *name == part).expect("a part");
    let work = Work::new(percent.parse().unwrap(), nodes.parse().unwrap());
    run(&contestant, &Task { part, directory: directory.into(), work });
}

fn try_all() {
    let names: &[&str] =
        if cfg!(feature = "peers") { &["verso", "automerge", "loro", "yrs", "iroh-docs"] } else { &["verso"] };
    for name in names {
        let place = tempfile::tempdir().unwrap();
        for (_, part) in Part::ALL {
            run(name, &Task { part, directory: place.path().to_owned(), work: Work::new(100, 100) });
        }
    }
}

fn run(contestant: &str, task: &Task) {
    let runtime = || Runtime::new().unwrap();
    match contestant {
        "verso" => runtime().block_on(verso::run(task)),
        #[cfg(feature = "peers")]
        "automerge" => memory::run::<verso_benches::peers::automerge::Peer>(task),
        #[cfg(feature = "peers")]
        "loro" => memory::run::<verso_benches::peers::loro::Peer>(task),
        #[cfg(feature = "peers")]
        "yrs" => memory::run::<verso_benches::peers::yrs::Peer>(task),
        #[cfg(feature = "peers")]
        "iroh-docs" => runtime().block_on(docs::run(task)).unwrap(),
        other => panic!("nobody is called {other}, or the feature `peers` is missing"),
    }
}

/// Tells one figure: times in seconds, the rest in bytes or as a count.
fn tell(name: &str, figure: f64) {
    println!("{name}\t{figure}");
}

fn tell_time(name: &str, time: Duration) {
    tell(name, time.as_secs_f64());
}

fn tell_bytes(name: &str, bytes: usize) {
    tell(name, float(u64::try_from(bytes).unwrap()));
}

/// Tells the most memory that this process has had.
fn tell_peak(name: &str) {
    tell(name, float(verso_benches::machine::peak_memory()));
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Makes an empty directory below another.
fn fresh(directory: &Path, name: &str) -> PathBuf {
    let fresh = directory.join(name);
    if fresh.exists() {
        std::fs::remove_dir_all(&fresh).unwrap();
    }
    std::fs::create_dir_all(&fresh).unwrap();
    fresh
}

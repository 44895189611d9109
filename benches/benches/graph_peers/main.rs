//! The same work, done by others and by Verso, in one run: automerge, loro and yrs hold the same graph in the model that is natural to each.
//!
//! `VERSO_DATA=…/debian-packages.jsonl.zst cargo bench -p verso-benches --features peers --bench graph_peers` measures that graph; without it a
//! made one of a tenth of its size takes its place. Every figure is the median of some runs. Times are the processor's, all on one thread, so
//! that other work on the machine counts as little as can be. One allocator counts what lives, and costs all the same little.
//!
//! All of it is in memory. Verso's figures have its signatures, hashes and zstd in them, and not encryption and disk, which the bench `whole`
//! measures; the others neither sign nor encrypt. Where two change the same at once Verso keeps both and lists the conflict; in the others'
//! maps one of both is shown, and a deletion takes along what was done to a node meanwhile.

#![expect(
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::print_stdout,
    reason = "a measurement tells its figures, and if it fails has nothing to say but that"
)]

mod verso;

use std::alloc::System;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};
use verso_benches::edits::{Edit, MERGED, Who};
use verso_benches::peers::{Peer, automerge, loro, record, yrs};
use verso_benches::rows::{Row, rows};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// How often each measurement is repeated.
const RUNS: usize = 5;

fn main() {
    let measuring = std::env::args().any(|argument| argument == "--bench");
    let (rows, runs) = if measuring { (rows(6_000), RUNS) } else { (rows(200), 1) };
    let (tags, links) = (rows.iter().map(|row| row.tags.len()).sum(), rows.iter().map(|row| row.links.len()).sum());
    let work = Work { nodes: rows.len(), tags, links };
    println!("{} nodes, {tags} tags, {links} links", rows.len());
    println!("| measure | verso | automerge | loro | yrs |\n| --- | --- | --- | --- | --- |");
    let figures = [
        measure::<verso::Verso>(&rows, &work, runs),
        measure::<automerge::Peer>(&rows, &work, runs),
        measure::<loro::Peer>(&rows, &work, runs),
        measure::<yrs::Peer>(&rows, &work, runs),
    ];
    for (at, (what, _)) in figures[0].iter().enumerate() {
        let of: Vec<&str> = figures.iter().map(|figures| figures[at].1.as_str()).collect();
        println!("| {what} | {} |", of.join(" | "));
    }
    verso::checkpoint(&rows, runs);
}

struct Work {
    nodes: usize,
    tags: usize,
    links: usize,
}

impl Work {
    const fn intents(&self) -> usize {
        self.nodes + self.tags + self.links
    }
}

fn measure<P: Peer>(rows: &[Row], work: &Work, runs: usize) -> Vec<(&'static str, String)> {
    eprintln!("{} …", P::NAME);
    let intents = per(1, work.intents());
    let recording = median(runs.min(3), || timed(|| record::<P>(rows)).0);
    let mut all = record::<P>(rows);
    let bytes = all.save();
    let saving = median(runs, || timed(|| all.save()).0);
    let passed = all.pass();
    drop(all);
    let opening = median(runs, || {
        let (time, (opened, read)) = timed(|| {
            let opened = P::load(&bytes);
            let read = opened.pass();
            (opened, read)
        });
        assert_eq!(read, passed, "{} reads back what it wrote", P::NAME);
        drop(opened);
        time
    });
    let whole = live::<P>(rows);
    let untagged =
        rows.iter().map(|row| Row { tags: Vec::new(), links: Vec::new(), ..row.clone() }).collect::<Vec<_>>();
    let unlinked = rows.iter().map(|row| Row { links: Vec::new(), ..row.clone() }).collect::<Vec<_>>();
    let (bare, tagged) = (live::<P>(&untagged), live::<P>(&unlinked));
    let (merging, merged) = merge::<P>(runs);
    vec![
        (
            "record all, a transaction a node",
            format!("{:.2} s, {:.2} million/s", recording.as_secs_f64(), 1.0 / intents / recording.as_secs_f64() / 1e6),
        ),
        ("save all", format!("{:.2} s", saving.as_secs_f64())),
        ("bytes saved an intent", format!("{:.2}", per(bytes.len(), work.intents()))),
        ("open what was saved, and a full pass", format!("{:.2} s", opening.as_secs_f64())),
        ("memory when open and read once", format!("{:.0} MB", per(whole, 1_000_000))),
        ("memory a node", format!("{:.0} B", per(bare, work.nodes))),
        ("memory a tag", format!("{:.0} B", per(tagged.saturating_sub(bare), work.tags))),
        ("memory a link", format!("{:.0} B", per(whole.saturating_sub(tagged), work.links))),
        ("take in 1,000 edits against 1,000", format!("{:.1} ms", merging.as_secs_f64() * 1e3)),
        ("bytes of these", format!("{:.1} kB", per(merged, 1_000))),
    ]
}

/// Returns how much memory the graph takes that is opened from what was saved.
fn live<P: Peer>(rows: &[Row]) -> usize {
    let bytes = record::<P>(rows).save();
    let region = Region::new(ALLOCATOR);
    let opened = P::load(&bytes);
    // What is decoded only when somebody looks at it is there then.
    assert!(opened.pass() > 0);
    let change = region.change();
    change.bytes_allocated.saturating_sub(change.bytes_deallocated)
}

/// A thousand edits on one side and a thousand on the other: how long it takes one to take in the other's, and how many bytes they are.
fn merge<P: Peer>(runs: usize) -> (Duration, usize) {
    let row = |number| Row { url: String::new(), title: format!("page {number}"), tags: vec![], links: vec![] };
    let rows: Vec<Row> = (0..MERGED).map(row).collect();
    let mut sent = 0;
    let time = median(runs * 3, || {
        let mut one = record::<P>(&rows);
        let mut two = one.fork();
        for number in 0..MERGED {
            one.edit(number, Edit::of(number, Who::One), Who::One);
            two.edit(number, Edit::of(number, Who::Two), Who::Two);
        }
        let bytes = two.lacking(&mut one);
        sent = bytes.iter().map(Vec::len).sum();
        timed(|| one.merge(&bytes)).0
    });
    (time, sent)
}

/// Returns how long the processor was at it.
fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = processor();
    let done = work();
    (processor().saturating_sub(start), done)
}

/// Returns how long this thread has been on a processor.
fn processor() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("it goes forward from zero")
}

fn median(runs: usize, mut run: impl FnMut() -> Duration) -> Duration {
    let mut times: Vec<Duration> = (0..runs).map(|_| run()).collect();
    times.sort();
    times[runs / 2]
}

#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "figures to be read, far below 2⁵³")]
fn per(amount: usize, of: usize) -> f64 {
    amount as f64 / of as f64
}

//! What holds the graph in memory and is saved as a whole: nothing is signed or encrypted, and what is sent goes from one hand to the other.

use std::path::Path;
use std::time::{Duration, Instant};

use verso_benches::device::BATCH;
use verso_benches::edits::{Edit, MERGED, Who};
use verso_benches::machine::{float, write_durably};
use verso_benches::peers::Talks;
use verso_benches::rows::{Row, Work};

use crate::{Part, Task, median, tell, tell_bytes, tell_peak, tell_time};

/// How many single intents are timed.
const SINGLE: usize = 100;
/// How many nodes are recorded before the next are read.
const PIECE: usize = 4_096;

/// How much goes into a transaction.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Transaction {
    /// A node with its tags, and a node's links.
    Line,
    /// As many intents as a batch of Verso's.
    Batch,
}

/// How many intents a row makes, and what records them.
type Pass<P> = (fn(&Row) -> usize, fn(&mut P, usize, &[Row]));

pub(crate) fn run<P: Talks>(task: &Task) {
    let file = task.directory.join("saved");
    match task.part {
        Part::Record => {
            let (intents, took, saved) = record::<P>(&task.work, Transaction::Line, &file);
            tell("intents", float(intents));
            tell_time("record", took);
            tell_peak("record peak");
            tell_bytes("at rest", saved);
        }
        Part::Compact => {
            let (_, took, saved) = record::<P>(&task.work, Transaction::Batch, &task.directory.join("long"));
            tell_time("record long", took);
            tell_bytes("at rest long", saved);
        }
        Part::Reopen => {
            let start = Instant::now();
            assert!(open::<P>(&file).pass() > 0, "something was recorded");
            tell_time("reopen", start.elapsed());
            tell_peak("reopen peak");
        }
        Part::Replay => {}
        Part::Sync => sync::<P>(task, &file),
    }
}

fn open<P: Talks>(file: &Path) -> P {
    P::load(&std::fs::read(file).unwrap())
}

/// Records everything and saves it, durable at the end. Returns how many intents that were, how long it took without the reading of them, and how
/// many bytes were saved.
fn record<P: Talks>(work: &Work, transaction: Transaction, file: &Path) -> (u64, Duration, usize) {
    let (mut peer, mut intents, mut took) = (P::new(), 0, Duration::ZERO);
    let passes: [Pass<P>; 2] = [(Row::node_intents, P::add_nodes), (Row::link_intents, P::add_links)];
    for (weight, add) in passes {
        let mut first = 0;
        let pieces: Box<dyn Iterator<Item = Vec<Row>>> = match transaction {
            Transaction::Line => Box::new(work.pieces(PIECE, |_row| 1)),
            Transaction::Batch => Box::new(work.pieces(BATCH, weight)),
        };
        for rows in pieces {
            let start = Instant::now();
            match transaction {
                Transaction::Batch => add(&mut peer, first, &rows),
                Transaction::Line => {
                    for (number, row) in (first..).zip(&rows).filter(|(_, row)| weight(row) > 0) {
                        add(&mut peer, number, std::slice::from_ref(row));
                    }
                }
            }
            took += start.elapsed();
            first += rows.len();
            intents += rows.iter().map(weight).sum::<usize>();
        }
    }
    let start = Instant::now();
    let bytes = peer.save();
    write_durably(file, &bytes);
    (u64::try_from(intents).unwrap(), took + start.elapsed(), bytes.len())
}

fn sync<P: Talks>(task: &Task, file: &Path) {
    let (mut one, mut two) = (open::<P>(file), P::new());
    let start = Instant::now();
    let bytes = one.meet(&mut two);
    write_durably(&task.directory.join("received"), &two.save());
    tell_time("cold sync", start.elapsed());
    tell_bytes("cold sync bytes", bytes);
    tell_peak("cold sync peak");
    assert_eq!(one.pass(), two.pass(), "both show the same");

    let start = Instant::now();
    let bytes = one.meet(&mut two);
    tell_time("no-op", start.elapsed());
    tell_bytes("no-op bytes", bytes);

    for number in 0..MERGED.min(task.work.nodes()) {
        one.edit(number, Edit::of(number, Who::One), Who::One);
        two.edit(number, Edit::of(number, Who::Two), Who::Two);
    }
    let start = Instant::now();
    let bytes = one.meet(&mut two);
    tell_time("thousand", start.elapsed());
    tell_bytes("thousand bytes", bytes);
    assert_eq!(one.pass(), two.pass(), "both show the same");

    let (mut session, mut times, mut sent) = (one.stay(&mut two), Vec::new(), 0);
    for number in 0..SINGLE {
        let (url, title) = (format!("https://example.org/{number}"), format!("one more {number}"));
        let row = Row { url, title, tags: Vec::new(), links: Vec::new() };
        let start = Instant::now();
        one.add_nodes(task.work.nodes() + number, &[row]);
        sent += one.tell(&mut two, &mut session);
        times.push(start.elapsed());
    }
    tell_time("one intent", median(times));
    tell_bytes("one intent bytes", sent / SINGLE);
}

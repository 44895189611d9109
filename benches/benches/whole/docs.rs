//! iroh-docs: signed, not encrypted on the disk, over real QUIC; its database is durable twice a second and when it is closed.

use std::time::Instant;

use verso_benches::docs::Docs;
use verso_benches::edits::{Edit, MERGED, Who};
use verso_benches::floor::Failure;
use verso_benches::machine::{bytes_below, float};

use crate::{Part, Task, fresh, median, tell, tell_peak, tell_time};

/// How many single intents are timed.
const SINGLE: usize = 100;

pub(crate) async fn run(task: &Task) -> Result<(), Failure> {
    let place = task.directory.join("docs");
    match task.part {
        Part::Record => {
            let docs = Docs::open(&fresh(&task.directory, "docs")).await?;
            let (intents, took) = docs.record(&task.work).await?;
            let start = Instant::now();
            docs.close().await?;
            tell("intents", float(intents));
            tell_time("record", took + start.elapsed());
            tell_peak("record peak");
            tell("at rest", float(bytes_below(&place)));
        }
        Part::Reopen => {
            let start = Instant::now();
            let docs = Docs::open(&place).await?;
            assert!(docs.full_pass().await? > 0, "something was recorded");
            tell_time("reopen", start.elapsed());
            tell_peak("reopen peak");
            docs.close().await?;
        }
        Part::Replay | Part::Compact => {}
        Part::Sync => sync(task).await?,
    }
    Ok(())
}

async fn sync(task: &Task) -> Result<(), Failure> {
    let mut one = Docs::open(&task.directory.join("docs")).await?;
    let mut two = Docs::open(&fresh(&task.directory, "received")).await?;
    for name in ["cold sync", "no-op", "thousand"] {
        if name == "thousand" {
            for number in 0..MERGED.min(task.work.nodes()) {
                one.edit(number, Edit::of(number, Who::One), Who::One).await?;
                two.edit(number, Edit::of(number, Who::Two), Who::Two).await?;
            }
        }
        let before = one.sent() + two.sent();
        let mut took = one.meet(&mut two).await?;
        // Both may have dialled, and the first to be over need not be the one that brings all.
        while one.full_pass().await? != two.full_pass().await? {
            took += one.meet(&mut two).await?;
        }
        tell_time(name, took);
        tell(&format!("{name} bytes"), float(one.sent() + two.sent() - before));
        tell_peak(&format!("{name} peak"));
        // Each time as if they had not met, until the last.
        if name != "thousand" {
            one.leave().await?;
            two.leave().await?;
        }
    }
    one.neighbour().await?;
    two.neighbour().await?;
    let before = one.sent();
    let mut times = Vec::new();
    for number in 0..SINGLE {
        let start = Instant::now();
        one.add_one(number).await?;
        two.arrival().await?;
        times.push(start.elapsed());
    }
    tell_time("one intent", median(times));
    tell("one intent bytes", float((one.sent() - before) / u64::try_from(SINGLE)?));
    one.close().await?;
    two.close().await
}

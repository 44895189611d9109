//! The simulator: lives of many seeds on all processors, or of one with its trace. `cargo xtask sim` runs it.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::num::NonZero;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use verso_graph::Graph;
use verso_testkit::life::Telling;
use verso_testkit::{Mutant, Tally, live};

/// What is asked for.
struct Arguments {
    first: u64,
    count: u64,
    telling: Telling,
}

fn main() -> ExitCode {
    match arguments(std::env::args().skip(1)) {
        Ok(arguments) => run(&arguments),
        Err(what) => {
            eprintln!("error: {what}\nusage: sim [--seeds N] [--from SEED] | --seed SEED [--trace]");
            ExitCode::from(2)
        }
    }
}

fn arguments(mut given: impl Iterator<Item = String>) -> Result<Arguments, String> {
    let mut arguments = Arguments { first: 0, count: 1000, telling: Telling::Silent };
    while let Some(name) = given.next() {
        let mut number = || {
            let value = given.next().ok_or_else(|| format!("{name} wants a number"))?;
            value.parse::<u64>().map_err(|_no_number| format!("{name} wants a number, not {value}"))
        };
        match name.as_str() {
            "--seeds" => arguments.count = number()?,
            "--from" => arguments.first = number()?,
            "--seed" => (arguments.first, arguments.count) = (number()?, 1),
            "--trace" => arguments.telling = Telling::Traced,
            other => return Err(format!("{other} is unknown")),
        }
    }
    Ok(arguments)
}

fn run(arguments: &Arguments) -> ExitCode {
    let began = Instant::now();
    let next = AtomicU64::new(arguments.first);
    let end = arguments.first.saturating_add(arguments.count);
    let outcome = Mutex::new((Tally::default(), Vec::new()));
    let work = || {
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= end {
                return;
            }
            let lived = catch_unwind(AssertUnwindSafe(|| live::<Graph>(seed, Mutant::None, arguments.telling)));
            let mut outcome = outcome.lock().unwrap_or_else(PoisonError::into_inner);
            match lived {
                Ok(tally) => outcome.0.add(&tally),
                Err(_panic) => outcome.1.push(seed),
            }
        }
    };
    std::thread::scope(|scope| {
        let threads = std::thread::available_parallelism().map_or(1, NonZero::get);
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    let (tally, mut failed) = outcome.into_inner().unwrap_or_else(PoisonError::into_inner);
    let seconds = began.elapsed().as_secs_f64();
    failed.sort_unstable();
    println!("{} seeds in {seconds:.1} s ({:.0} a second)", arguments.count, f64_of(arguments.count) / seconds);
    println!("{tally}");
    if failed.is_empty() {
        println!("all held");
        return ExitCode::SUCCESS;
    }
    println!("{} failed:", failed.len());
    for seed in failed.iter().take(20) {
        println!("   cargo xtask sim --seed {seed} --trace");
    }
    ExitCode::FAILURE
}

fn f64_of(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

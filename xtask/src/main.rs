//! The project's own commands: `cargo xtask ci` runs all that must pass before a change lands, `cargo xtask tidy` the
//! house rules alone.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

mod api;
mod bench;
mod ci;
mod coverage;
mod formats;
mod fuzz;
mod sim;
mod soak;
mod tidy;
mod tools;

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context as _;
use clap::{Parser, Subcommand};

#[derive(Debug, Parser)]
#[command(name = "cargo xtask", bin_name = "cargo xtask", about = "The project's own commands")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs every check in order and stops at the first that fails
    Ci {
        /// Runs only these steps
        #[arg(value_enum)]
        steps: Vec<ci::Step>,
    },
    /// Checks the rules of the house that no compiler knows: layers, file sizes, lint inheritance, stray files
    Tidy,
    /// Lives random lives of whole devices in the simulator; without options 1,000 of them
    Sim {
        /// How many seeds are lived, from 0 on
        #[arg(long, default_value_t = 1000)]
        seeds: u64,
        /// The one seed that is lived
        #[arg(long, conflicts_with = "seeds")]
        seed: Option<u64>,
        /// Prints who did what, when in virtual time
        #[arg(long, requires = "seed")]
        trace: bool,
    },
    /// Writes `docs/api`: what each library offers
    Api,
    /// Runs devices as processes that commit, rest, sleep, are killed and come back, and are equal in the end
    Soak {
        /// For how long
        #[arg(long, default_value_t = 5)]
        minutes: u64,
        /// What happens to whom, when
        #[arg(long, default_value_t = 1)]
        seed: u64,
    },
    /// Tells how many lines of the parsers, the recovery and the decisions their tests reach; of other crates if they are named
    Coverage {
        /// Crates by their names
        crates: Vec<String>,
        /// Prints the lines that are not reached
        #[arg(long)]
        lines: bool,
    },
    /// Runs fuzzers for longer than `ci` does, from where they were the last time; all if none is named
    Fuzz {
        /// Fuzzers by their names
        names: Vec<String>,
        /// For how long each runs
        #[arg(long, default_value_t = 10)]
        minutes: usize,
    },
    /// Measures Verso on the whole path, and with `--peers` others with the same work in the same run
    Bench(bench::Options),
    /// Installs the tools that `ci` uses, where they are missing
    Tools,
}

fn main() -> ExitCode {
    if let Some(code) = coverage::as_compiler() {
        return code;
    }
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &Arguments) -> anyhow::Result<()> {
    let root = workspace_root()?;
    std::env::set_current_dir(&root).with_context(|| format!("can't enter {}", root.display()))?;
    match &arguments.command {
        Command::Sim { seeds, seed: None, .. } => sim::run(&["--seeds", &seeds.to_string()]),
        Command::Sim { seed: Some(seed), trace: false, .. } => sim::run(&["--seed", &seed.to_string()]),
        Command::Sim { seed: Some(seed), trace: true, .. } => sim::run(&["--seed", &seed.to_string(), "--trace"]),
        Command::Ci { steps } => ci::run(steps),
        Command::Soak { minutes, seed } => soak::run(*minutes, *seed),
        Command::Bench(options) => bench::run(options),
        Command::Tidy => tidy::run(&root),
        Command::Api => api::write(),
        Command::Coverage { crates, lines: false } => coverage::run(crates, coverage::Detail::Shares),
        Command::Coverage { crates, lines: true } => coverage::run(crates, coverage::Detail::Lines),
        Command::Fuzz { names, minutes } => fuzz::run(names, *minutes),
        Command::Tools => tools::install_all(),
    }
}

/// The folder above this crate's. Asked at run time, because two checkouts may share one build folder.
fn workspace_root() -> anyhow::Result<PathBuf> {
    let manifest = std::env::var_os("CARGO_MANIFEST_DIR").context("start it as `cargo xtask …`")?;
    let root = PathBuf::from(manifest).parent().context("the crate xtask lies in a workspace")?.to_path_buf();
    Ok(root)
}

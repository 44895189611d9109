//! Verso and others with the same work, in one run: `cargo xtask bench`.
//!
//! 1. The programs `whole` and `journal_peers` of `benches/` are built.
//! 2. Round by round each contestant does each part of the work, a process a part, in an order that turns with every round; then all stores of records do theirs.
//! 3. Verso does shares of the work from a hundredth to ten times as much.
//! 4. Tables of medians and plots are made of the figures and put into `docs/performance.md`, between its marks.

mod document;
mod figures;
mod growth;
mod machine;
mod plot;
mod tables;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use cargo_metadata::{Message, MetadataCommand};
use clap::Args;

use crate::tools;
use figures::Figures;

/// Where the figures go.
const DOCUMENT: &str = "docs/performance.md";

/// What is measured, and how often.
#[derive(Debug, Args)]
pub(crate) struct Options {
    /// Measures automerge, loro, yrs and iroh-docs beside Verso, and fjall, redb and `SQLite` beside its journal, and writes all into docs/performance.md
    #[arg(long)]
    peers: bool,
    /// Does all of it once with hardly any data and writes nothing, only for whether it works
    #[arg(long)]
    quick: bool,
    /// How often each does the work
    #[arg(long, default_value_t = 5)]
    rounds: usize,
    /// How much of the graph is the work, in percent
    #[arg(long, default_value_t = 100)]
    percent: usize,
    /// How much of it iroh-docs gets, in percent: all of it would take as long as everything else together
    #[arg(long, default_value_t = 10)]
    docs_percent: usize,
    /// How often each share of the work is done to see how cost grows; 0 leaves that out
    #[arg(long, default_value_t = 3)]
    growth_rounds: usize,
    /// How many nodes the graph has that is made up if `VERSO_DATA` names no file of JSON lines
    #[arg(long, default_value_t = 60_000)]
    nodes: usize,
}

impl Options {
    /// What CI does.
    pub(crate) const SMOKE: Self =
        Self { peers: true, quick: true, rounds: 1, percent: 100, docs_percent: 100, growth_rounds: 1, nodes: 100 };
}

/// The shares of the work, in percent, by which it is seen how cost grows.
const SHARES: [usize; 4] = [1, 10, 100, 1_000];

/// What each contestant does in a round. `replay` and `compact` are nothing to some.
const PARTS: [&str; 5] = ["record", "reopen", "replay", "sync", "compact"];

/// Measures and tells.
pub(crate) fn run(options: &Options) -> anyhow::Result<()> {
    let options =
        &if options.quick { Options { peers: options.peers, ..Options::SMOKE } } else { Options { ..*options } };
    let began = Instant::now();
    let programs = Programs::build(options)?;
    let scratch = Scratch::new(&programs.target)?;
    let mut machine = machine::Machine::look(&scratch.0)?;
    let measured = Instant::now();
    let bench = Bench { options, programs: &programs, scratch: &scratch.0 };
    let figures = bench.contest()?;
    let growth = bench.growth()?;
    machine.look_again();
    let took = measured.elapsed();
    println!(
        "   measured in {:.0} s, and {:.0} s with all that was built",
        took.as_secs_f64(),
        began.elapsed().as_secs_f64()
    );
    let report = tables::Report { figures: &figures, machine: &machine, options, took };
    let mut sections = vec![("tables", report.to_markdown())];
    let mut pictures = Vec::new();
    if options.growth_rounds > 0 {
        let growth = growth::Growth::new(growth);
        sections.push(("growth", growth.to_markdown()));
        pictures = growth.pictures();
    }
    if !options.peers || options.quick {
        for (_, text) in sections {
            println!("\n{text}");
        }
        return Ok(());
    }
    for (name, picture) in pictures {
        let path = Path::new("docs/pictures").join(name);
        std::fs::write(&path, picture).with_context(|| format!("can't write {}", path.display()))?;
    }
    document::replace(Path::new(DOCUMENT), &sections)
}

/// The programs that measure, built.
struct Programs {
    whole: PathBuf,
    /// Only where others are measured.
    journal: Option<PathBuf>,
    /// Where builds lie, on a disk.
    target: PathBuf,
}

impl Programs {
    /// Builds them: as they are released, or for a smoke as tests have them.
    fn build(options: &Options) -> anyhow::Result<Self> {
        let target = MetadataCommand::new().no_deps().exec()?.target_directory.into_std_path_buf();
        let mut arguments = vec!["--locked", "--package", "verso-benches", "--bench", "whole"];
        if options.peers {
            arguments.extend(["--bench", "journal_peers", "--features", "peers"]);
        }
        arguments.extend(["--no-run", "--quiet", "--message-format", "json-render-diagnostics"]);
        let subcommand = if options.quick { "test" } else { "bench" };
        println!("   cargo {subcommand} {}", arguments.join(" "));
        let output = tools::cargo()?
            .arg(subcommand)
            .args(&arguments)
            .stdin(Stdio::null())
            .stderr(Stdio::inherit())
            .output()
            .context("can't start cargo")?;
        ensure!(output.status.success(), "the benches can't be built");
        let mut built = BTreeMap::new();
        for message in Message::parse_stream(&output.stdout[..]) {
            if let Message::CompilerArtifact(artifact) = message?
                && let Some(program) = artifact.executable
            {
                built.insert(artifact.target.name, program.into_std_path_buf());
            }
        }
        let mut take = |name: &str| built.remove(name).with_context(|| format!("cargo built no bench {name}"));
        let journal = options.peers.then(|| take("journal_peers")).transpose()?;
        Ok(Self { whole: take("whole")?, journal, target })
    }
}

/// A directory on the disk of the build that is removed at the end.
struct Scratch(PathBuf);

impl Scratch {
    fn new(target: &Path) -> anyhow::Result<Self> {
        let path = target.join(format!("bench-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("can't make {}", path.display()))?;
        Ok(Self(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        if let Err(error) = std::fs::remove_dir_all(&self.0) {
            eprintln!("can't remove {}: {error}", self.0.display());
        }
    }
}

struct Bench<'a> {
    options: &'a Options,
    programs: &'a Programs,
    scratch: &'a Path,
}

impl Bench<'_> {
    /// All contestants with the whole work, and all stores, by turns.
    fn contest(&self) -> anyhow::Result<Figures> {
        let mut figures = Figures::default();
        let contestants: &[&str] = if self.options.peers { &tables::CONTESTANTS } else { &["verso"] };
        for round in 0..self.options.rounds {
            let began = Instant::now();
            // Nobody is always the first.
            for contestant in contestants.iter().cycle().skip(round % contestants.len()).take(contestants.len()) {
                let share = if *contestant == "iroh-docs" { self.options.docs_percent } else { 100 };
                self.parts(contestant, self.options.percent * share / 100, &mut figures)?;
            }
            if let Some(journal) = &self.programs.journal {
                // Only with it are there more than a few records.
                let all: &[&str] = if self.options.quick { &[] } else { &["--bench"] };
                for line in run_program(journal, all)?.lines() {
                    let (store, figure) = line.split_once('\t').context("a store and a figure")?;
                    figures.add(store, figure)?;
                }
            }
            println!("   round {} of {}: {:.0} s", round + 1, self.options.rounds, began.elapsed().as_secs_f64());
        }
        Ok(figures)
    }

    /// Verso with shares of the work.
    fn growth(&self) -> anyhow::Result<BTreeMap<usize, Figures>> {
        let mut of_shares = BTreeMap::<usize, Figures>::new();
        for round in 0..self.options.growth_rounds {
            let began = Instant::now();
            for share in SHARES {
                let figures = of_shares.entry(share).or_default();
                self.parts("verso", self.options.percent * share / 100, figures)?;
            }
            println!(
                "   growth, round {} of {}: {:.0} s",
                round + 1,
                self.options.growth_rounds,
                began.elapsed().as_secs_f64()
            );
        }
        Ok(of_shares)
    }

    /// One contestant does all parts, each in a process of its own.
    fn parts(&self, contestant: &str, percent: usize, figures: &mut Figures) -> anyhow::Result<()> {
        let place = self.scratch.join(contestant);
        std::fs::create_dir_all(&place)?;
        let (percent, nodes) = (percent.max(1).to_string(), self.options.nodes.to_string());
        let at = place.to_str().context("the path of the build is not text")?;
        for part in PARTS {
            let told = run_program(&self.programs.whole, &[contestant, part, at, &percent, &nodes])
                .with_context(|| format!("{contestant} could not do the part {part}"));
            let told = match told {
                // What others can't do in one round is no reason to throw all rounds away.
                Err(error) if contestant != "verso" && !self.options.quick => {
                    println!("   {error:#}");
                    continue;
                }
                told => told?,
            };
            for figure in told.lines() {
                figures.add(contestant, figure)?;
            }
        }
        std::fs::remove_dir_all(&place).context("what was measured can't be removed")
    }
}

/// Runs a program to its end and returns what it printed.
fn run_program(program: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).stderr(Stdio::inherit()).output();
    let output = output.with_context(|| format!("can't start {}", program.display()))?;
    if !output.status.success() {
        bail!("it ended with {}", output.status);
    }
    Ok(String::from_utf8(output.stdout)?)
}

/// A time for people: so many digits that the next would be noise.
fn duration(time: Duration) -> String {
    figures::Unit::Seconds.show(time.as_secs_f64())
}

//! Everything that must pass before a change lands, in order of price: what fails quickly comes first.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use clap::ValueEnum;

use crate::{api, bench, formats, fuzz, sim, tidy, tools};

/// One check. They run in the order they stand here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Step {
    /// The rules of the house that no compiler knows
    Tidy,
    /// Listings of what each library offers
    Api,
    /// rustfmt
    Fmt,
    /// clippy, where every warning counts
    Clippy,
    /// All tests but those in documentation
    Test,
    /// The examples in documentation
    Doctest,
    /// rustdoc, where every warning counts
    Doc,
    /// Licences, sources and bans of all dependencies
    Deny,
    /// Every format, read once more by a program that was written from the documents
    Formats,
    /// Random lives of whole devices, of 1,000 seeds
    Sim,
    /// Every fuzzer, for some seconds, for whether it runs
    Fuzz,
    /// Every bench, once, for whether it runs
    Bench,
}

/// Runs `only`, or all steps if it is empty; stops at the first that fails.
pub(crate) fn run(only: &[Step]) -> anyhow::Result<()> {
    let began = Instant::now();
    let mut times = Vec::new();
    for &step in Step::value_variants() {
        if !only.is_empty() && !only.contains(&step) {
            continue;
        }
        println!("\n== {} · {}", step.name(), step.what());
        let started = Instant::now();
        if let Err(error) = step.run() {
            println!("\n== {} failed after {}", step.name(), seconds(started.elapsed()));
            println!("   to do: {}", step.advice());
            println!("   alone: cargo xtask ci {}", step.name());
            return Err(error);
        }
        println!("   ok · {}", seconds(started.elapsed()));
        times.push((step.name(), started.elapsed()));
    }
    println!("\n== all passed in {}", seconds(began.elapsed()));
    for (name, time) in times {
        println!("   {name:<8} {:>9}", seconds(time));
    }
    Ok(())
}

impl Step {
    fn run(self) -> anyhow::Result<()> {
        match self {
            Self::Tidy => tidy::run(Path::new(".")),
            Self::Api => api::check(),
            Self::Fmt => fmt(),
            Self::Clippy => cargo(
                &[
                    "clippy",
                    "--locked",
                    "--workspace",
                    "--all-targets",
                    "--features",
                    "verso-benches/peers",
                    "--",
                    "-D",
                    "warnings",
                ],
                &[],
            ),
            Self::Test => test(),
            Self::Doctest => cargo(&["test", "--locked", "--workspace", "--doc", "--quiet"], &[]),
            Self::Doc => cargo(&["doc", "--locked", "--workspace", "--no-deps"], &[("RUSTDOCFLAGS", "-D warnings")]),
            Self::Deny => deny(),
            Self::Formats => formats::check(),
            Self::Sim => sim::run(&["--seeds", "1000"]),
            Self::Fuzz => fuzz::smoke(),
            Self::Bench => {
                // Without `--bench`, which `cargo bench` adds, criterion runs each bench once; the dev profile is built already.
                const EACH: [&str; 8] =
                    ["test", "--locked", "--package", "verso-benches", "--features", "peers", "--benches", "--quiet"];
                cargo(&EACH, &[])?;
                bench::run(&bench::Options::SMOKE)
            }
        }
    }

    fn name(self) -> String {
        self.to_possible_value().map_or_else(String::new, |value| value.get_name().to_owned())
    }

    fn what(self) -> &'static str {
        match self {
            Self::Tidy => "layers, file sizes, lint inheritance, stray files",
            Self::Api => "what each library offers is listed in docs/api",
            Self::Fmt => "rustfmt",
            Self::Clippy => "clippy, every warning counts",
            Self::Test => "all tests",
            Self::Doctest => "examples in the documentation",
            Self::Doc => "rustdoc, every warning counts",
            Self::Deny => "licences, sources and bans of all dependencies",
            Self::Formats => "every format, read by what its document says",
            Self::Sim => "1,000 random lives of whole devices",
            Self::Fuzz => "every fuzzer for some seconds",
            Self::Bench => "every bench once",
        }
    }

    fn advice(self) -> &'static str {
        match self {
            Self::Tidy => "each line above names a file and what it should be like",
            Self::Api => {
                "cargo xtask api writes the listings anew; their diff shows what changed for those who use a library"
            }
            Self::Fmt => "cargo fmt --all (if cargo has no fmt: rustup component add rustfmt)",
            Self::Clippy => "mend what it names (if cargo has no clippy: rustup component add clippy)",
            Self::Test => {
                "a failing test of random inputs prints its seed; it is never to be repeated until it passes. A server (CI is \
                 set) without network namespaces, which take Linux and root, says VERSO_REQUIRE_NAMESPACES=0"
            }
            Self::Doctest => "an example in a README or in a doc comment no longer holds",
            Self::Doc => "mostly a link in a doc comment to something that was renamed",
            Self::Deny => "deny.toml says what is allowed, and why",
            Self::Formats => {
                "a golden file and a document in docs/formats/ differ, or damage to one goes unnoticed: docs/formats/check/README.md"
            }
            Self::Sim => "each line above replays a seed that failed, with a trace; the same seed gives the same life",
            Self::Fuzz => {
                "a promise does not hold for the input in fuzz/artifacts/: mend it, and keep the input in fuzz/corpus/"
            }
            Self::Bench => "a bench in benches/ no longer works",
        }
    }
}

fn test() -> anyhow::Result<()> {
    // Between network namespaces, which take Linux and root: a person without them is told which tests had to be left out, a server must have them.
    const NAMESPACES: (&str, &str) = ("VERSO_REQUIRE_NAMESPACES", "1");
    let is_given = |name: &str| std::env::var_os(name).is_some();
    let is_required = cfg!(target_os = "linux") && is_given("CI") && !is_given(NAMESPACES.0);
    let environment: &[(&str, &str)] = if is_required { &[NAMESPACES] } else { &[] };
    if tools::NEXTEST.is_installed() {
        return cargo(&["nextest", "run", "--locked", "--workspace", "--no-tests", "warn"], environment);
    }
    println!("   cargo-nextest is missing (cargo xtask tools installs it): `cargo test` runs the same tests, slower");
    cargo(&["test", "--locked", "--workspace", "--lib", "--bins", "--tests", "--no-fail-fast"], environment)
}

fn fmt() -> anyhow::Result<()> {
    const CHECK: [&str; 3] = ["--", "--check", "--files-with-diff"];
    cargo(&[&["fmt", "--all"][..], &CHECK].concat(), &[])?;
    cargo(&[&["fmt", "--manifest-path", fuzz::MANIFEST, "--package", "verso-fuzz"][..], &CHECK].concat(), &[])
}

fn deny() -> anyhow::Result<()> {
    tools::DENY.install()?;
    for manifest in ["Cargo.toml", fuzz::MANIFEST] {
        // Packages for other systems than this one are not on the disk yet, and what follows asks no network.
        cargo(&["fetch", "--locked", "--quiet", "--manifest-path", manifest], &[])?;
        // Warnings (packages in two versions) are for `cargo deny check bans` at the prompt.
        let arguments = ["deny", "--locked", "--offline", "--log-level", "error", "--manifest-path", manifest];
        let checks = ["--config", "deny.toml", "check", "bans", "licenses", "sources"];
        cargo(&[&arguments[..], &checks].concat(), &[])?;
    }
    Ok(())
}

pub(crate) fn cargo(arguments: &[&str], environment: &[(&str, &str)]) -> anyhow::Result<()> {
    println!("   cargo {}", arguments.join(" "));
    let mut command: Command = tools::cargo()?;
    let status = command
        .args(arguments)
        .envs(environment.iter().copied())
        .stdin(Stdio::null())
        .status()
        .context("can't start cargo")?;
    if !status.success() {
        bail!("cargo {} ended with {status}", arguments.first().copied().unwrap_or_default());
    }
    Ok(())
}

fn seconds(time: Duration) -> String {
    format!("{:.1} s", time.as_secs_f64())
}

//! The fuzzers: all are built, and run from the inputs that are kept, for some seconds or for as long as somebody wants.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};

use crate::{ci, tools};

/// The workspace of the fuzzers.
pub(crate) const MANIFEST: &str = "fuzz/Cargo.toml";

/// How long all fuzzers together run, in seconds, each as long as any other; and no more inputs each. Enough that one which no longer works shows,
/// and what is found at once is found.
const TOTAL_SECONDS: usize = 45;
const MAX_RUNS: u32 = 20_000;

/// The most memory that a fuzzer may take, of which it needs little: an input that allocates what it declares is found.
const MAX_MEMORY_MB: u32 = 1_024;

/// Builds all fuzzers and runs each for some seconds.
///
/// Without a sanitizer, since the code has no `unsafe` of its own, and on the compiler that is there. With a fixed seed, so that it
/// fails for a change and not by luck: luck is for whoever runs `cargo xtask fuzz` for hours.
pub(crate) fn smoke() -> anyhow::Result<()> {
    let target = build()?;
    let names = names()?;
    let seconds = (TOTAL_SECONDS / names.len().max(1)).max(1);
    for name in &names {
        // What it finds goes to a folder of its own, new each time.
        let found = target.join("found").join(name);
        if found.exists() {
            fs::remove_dir_all(&found)?;
        }
        attack(
            name,
            &target,
            &found,
            &["-seed=1", &format!("-max_total_time={seconds}"), &format!("-runs={MAX_RUNS}")],
        )?;
    }
    Ok(())
}

/// Builds all fuzzers and runs those named, or all, for some minutes each, from what they had reached the last time.
pub(crate) fn run(wanted: &[String], minutes: usize) -> anyhow::Result<()> {
    let names = names()?;
    if let Some(unknown) = wanted.iter().find(|name| !names.contains(name)) {
        anyhow::bail!("there is no fuzzer {unknown}; there are: {}", names.join(", "));
    }
    let target = build()?;
    for name in if wanted.is_empty() { &names } else { wanted } {
        attack(name, &target, &target.join("grown").join(name), &[&format!("-max_total_time={}", minutes * 60)])?;
    }
    Ok(())
}

fn build() -> anyhow::Result<PathBuf> {
    tools::FUZZ.install()?;
    let target = target_folder()?;
    let folder = target.to_str().context("the build folder's name is not text")?;
    // The pass that instruments is not stable; a fuzzer needs nothing else of a nightly compiler.
    ci::cargo(&["fuzz", "build", "--sanitizer", "none", "--target-dir", folder], &[("RUSTC_BOOTSTRAP", "1")])?;
    Ok(target)
}

fn attack(name: &str, target: &Path, found: &Path, bounds: &[&str]) -> anyhow::Result<()> {
    let artifacts = Path::new("fuzz/artifacts").join(name);
    for folder in [found, &artifacts] {
        fs::create_dir_all(folder).with_context(|| format!("can't make {}", folder.display()))?;
    }
    println!("   {name}");
    let output = Command::new(binary(name, target)?)
        .args(["-timeout=10", "-max_len=4096", "-print_final_stats=1"])
        .args(bounds)
        .arg(format!("-rss_limit_mb={MAX_MEMORY_MB}"))
        .arg(format!("-artifact_prefix={}/", artifacts.display()))
        .arg(found)
        .arg(Path::new("fuzz/corpus").join(name))
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("can't start the fuzzer {name}"))?;
    let told = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "the fuzzer {name} ended with {}:\n{told}", output.status);
    for line in told.lines().filter(|line| line.contains("number_of_executed_units") || line.contains("peak_rss_mb")) {
        println!("     {line}");
    }
    if let Some((_, reached)) = told.lines().rev().find_map(|line| line.split_once("cov: ")) {
        let edges: String = reached.chars().take_while(char::is_ascii_digit).collect();
        println!("     edges reached: {edges}");
    }
    Ok(())
}

/// The fuzzers' names, from their files.
fn names() -> anyhow::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir("fuzz/fuzz_targets").context("can't list the fuzzers")? {
        let path = entry?.path();
        names.extend(path.file_stem().and_then(|name| name.to_str()).map(str::to_owned));
    }
    names.sort_unstable();
    Ok(names)
}

/// Where fuzzers are built: beside all other builds, whose folder is not theirs, because the flags differ.
fn target_folder() -> anyhow::Result<PathBuf> {
    let shared = env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from);
    Ok(env::current_dir()?.join(shared).join("fuzz"))
}

/// The fuzzer, in the folder of the system that it was built for.
fn binary(name: &str, target: &Path) -> anyhow::Result<PathBuf> {
    for entry in fs::read_dir(target)? {
        let path = entry?.path().join("release").join(name);
        if path.is_file() {
            return Ok(path);
        }
    }
    anyhow::bail!("cargo fuzz did not build {name}: is it in {MANIFEST}?")
}

//! Coverage: which lines of the crates that read what others wrote, and that recover from what went wrong, their tests reach.

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, bail, ensure};
use cargo_metadata::Message;

/// What is measured unless something else is named: parsers, recovery, and what decides about access.
const CRATES: [&str; 5] = ["verso-wire", "verso-log", "verso-noise", "verso-pairing", "verso-trust"];

/// The variable that makes this program the compiler's front: cargo starts it in the compiler's place for members of the workspace, and for nothing
/// else, so what they depend on stays as other builds left it.
const IS_COMPILER: &str = "VERSO_COVERAGE_COMPILER";

/// Lines of one file by their numbers, each with how often it was reached.
type Lines = BTreeMap<usize, u64>;

/// Builds the tests of the crates so that they count, runs them, and prints how many lines each crate's tests reach; with `Detail::Lines` also which they don't.
///
/// Takes `llvm-profdata` and `llvm-cov` of the compiler's version of LLVM: of the component `llvm-tools`, or of a package such as Debian's `llvm-22`.
pub(crate) fn run(crates: &[String], detail: Detail) -> anyhow::Result<()> {
    let llvm = Llvm::find()?;
    let crates: Vec<&str> =
        if crates.is_empty() { CRATES.to_vec() } else { crates.iter().map(String::as_str).collect() };
    let folder = env::current_dir()?
        .join(env::var_os("CARGO_TARGET_DIR").map_or_else(|| PathBuf::from("target"), PathBuf::from))
        .join("coverage");
    let counts = folder.join("counts");
    if counts.exists() {
        fs::remove_dir_all(&counts)?;
    }
    fs::create_dir_all(&counts).with_context(|| format!("can't make {}", counts.display()))?;

    println!("   {:<16} {:>7} {:>7} {:>7}", "crate", "lines", "reached", "share");
    for name in crates {
        let tests = build(name, &counts)?;
        let merged = counts.join(format!("{name}.profdata"));
        count(name, &tests, &counts, &merged, &llvm)?;
        let files = reached(name, &tests, &merged, &llvm)?;
        let all: Vec<u64> = files.values().flat_map(Lines::values).copied().collect();
        let hit = all.iter().filter(|count| **count > 0).count();
        let tenths = (hit * 1_000 + all.len() / 2) / all.len().max(1);
        println!("   {name:<16} {:>7} {hit:>7} {:>5}.{}%", all.len(), tenths / 10, tenths % 10);
        if detail == Detail::Lines {
            tell_missed(&files);
        }
    }
    Ok(())
}

/// Runs the compiler so that what it makes counts, if cargo started this program for that.
pub(crate) fn as_compiler() -> Option<ExitCode> {
    env::var_os(IS_COMPILER)?;
    let mut words = env::args_os().skip(1);
    let status = Command::new(words.next()?).args(words).args(["-C", "instrument-coverage"]).status();
    Some(if status.is_ok_and(|status| status.success()) { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What is told of a crate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Detail {
    /// How many lines are reached.
    Shares,
    /// Also which are not.
    Lines,
}

/// Builds the tests of a crate, and returns their programs.
fn build(name: &str, counts: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["test", "--locked", "--quiet", "--package", name, "--lib", "--tests", "--no-run"]);
    cargo
        .args(["--message-format", "json-render-diagnostics"])
        .env("RUSTC_WORKSPACE_WRAPPER", env::current_exe()?)
        .env(IS_COMPILER, "1");
    // What a build script of a member counts is of no interest.
    cargo.env("LLVM_PROFILE_FILE", counts.join("of-builds"));
    let output = cargo.stdin(Stdio::null()).stderr(Stdio::inherit()).output().context("can't start cargo")?;
    ensure!(output.status.success(), "the tests of {name} don't build");
    let programs = Message::parse_stream(output.stdout.as_slice()).filter_map(|message| match message {
        Ok(Message::CompilerArtifact(artifact)) if artifact.profile.test => artifact.executable,
        _ => None,
    });
    Ok(programs.map(PathBuf::from).collect())
}

/// Runs the tests, and merges what they counted.
fn count(name: &str, tests: &[PathBuf], counts: &Path, merged: &Path, llvm: &Llvm) -> anyhow::Result<()> {
    let folder = Path::new("crates").join(name);
    for test in tests {
        let status = Command::new(test)
            .current_dir(&folder)
            .env("CARGO_MANIFEST_DIR", fs::canonicalize(&folder)?)
            .env("LLVM_PROFILE_FILE", counts.join(format!("{name}-%p-%m.profraw")))
            .arg("--quiet")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .status()
            .with_context(|| format!("can't start {}", test.display()))?;
        ensure!(status.success(), "the tests of {name} fail: `cargo nextest run -p {name}` says which");
    }
    let mut merge = Command::new(&llvm.profdata);
    merge.args(["merge", "--sparse", "-o"]).arg(merged);
    for entry in fs::read_dir(counts)? {
        let path = entry?.path();
        let is_ours = path.file_name().is_some_and(|file| file.to_string_lossy().starts_with(&format!("{name}-")));
        if is_ours && path.extension().is_some_and(|end| end == "profraw") {
            merge.arg(path);
        }
    }
    let status = merge.status().context("can't start llvm-profdata")?;
    ensure!(status.success(), "what the tests counted can't be merged");
    Ok(())
}

/// Returns the lines of the crate's files, those of tests left out.
fn reached(name: &str, tests: &[PathBuf], merged: &Path, llvm: &Llvm) -> anyhow::Result<BTreeMap<PathBuf, Lines>> {
    let sources = fs::canonicalize(Path::new("crates").join(name).join("src"))?;
    let mut export = Command::new(&llvm.cov);
    export.args(["export", "--format=lcov", "--instr-profile"]).arg(merged);
    for (number, test) in tests.iter().enumerate() {
        if number > 0 {
            export.arg("--object");
        }
        export.arg(test);
    }
    let output = export.arg("--sources").arg(&sources).stderr(Stdio::inherit()).output();
    let output = output.context("can't start llvm-cov")?;
    ensure!(output.status.success(), "llvm-cov can't tell what was reached");
    let mut files = parse(&String::from_utf8_lossy(&output.stdout))?;
    files.retain(|path, _| path.file_name().is_none_or(|file| file != "tests.rs"));
    for (path, lines) in &mut files {
        let text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
        let end = first_line_of_tests(&text);
        lines.retain(|number, _| *number < end);
    }
    Ok(files)
}

/// Reads what llvm-cov exports in the form of lcov: of each file each line that has code, and how often it was reached.
fn parse(text: &str) -> anyhow::Result<BTreeMap<PathBuf, Lines>> {
    let mut files: BTreeMap<PathBuf, Lines> = BTreeMap::new();
    let mut file = None;
    for line in text.lines() {
        if let Some(path) = line.strip_prefix("SF:") {
            file = Some(PathBuf::from(path));
        } else if let Some(data) = line.strip_prefix("DA:") {
            let file = file.clone().context("a line before any file")?;
            let mut fields = data.split(',');
            let [Some(number), Some(count)] = [fields.next(), fields.next()] else { bail!("no line of lcov: {line}") };
            *files.entry(file).or_default().entry(number.parse()?).or_default() += count.parse::<u64>()?;
        }
    }
    Ok(files)
}

/// Returns the number of the line where a file's tests begin: behind all else.
fn first_line_of_tests(text: &str) -> usize {
    let tests = text.lines().position(|line| line == "#[cfg(test)]");
    tests.map_or(usize::MAX, |index| index + 1)
}

/// Prints the lines that were not reached, as runs.
fn tell_missed(files: &BTreeMap<PathBuf, Lines>) {
    for (path, lines) in files {
        let text = fs::read_to_string(path).unwrap_or_default();
        let missed = lines.iter().filter(|(_, count)| **count == 0).map(|(number, _)| *number);
        let missed: Vec<usize> = missed.collect();
        if missed.is_empty() {
            continue;
        }
        println!("     {}", path.display());
        for number in missed {
            println!("       {number:>4} {}", text.lines().nth(number - 1).unwrap_or_default().trim());
        }
    }
}

/// The two programs that make something of the counts.
#[derive(Debug)]
struct Llvm {
    profdata: PathBuf,
    cov: PathBuf,
}

impl Llvm {
    /// Finds those of the compiler's version: what another wrote they read only if they are newer.
    fn find() -> anyhow::Result<Self> {
        let rustc = |arguments: &[&str]| -> anyhow::Result<String> {
            let output = Command::new("rustc").args(arguments).output().context("can't start rustc")?;
            Ok(String::from_utf8(output.stdout)?)
        };
        let version = rustc(&["-vV"])?;
        let value = |name: &str| version.lines().find_map(|line| line.strip_prefix(name)).map(str::to_owned);
        let (host, llvm) = (value("host: ").context("no host")?, value("LLVM version: ").context("no LLVM")?);
        let major = llvm.split('.').next().unwrap_or_default();
        let component = Path::new(rustc(&["--print", "sysroot"])?.trim()).join("lib/rustlib").join(host).join("bin");
        let find = |name: &str| -> anyhow::Result<PathBuf> {
            let numbered = PathBuf::from(format!("{name}-{major}"));
            [component.join(name), numbered]
                .into_iter()
                .find(|program| Command::new(program).arg("--version").stdout(Stdio::null()).status().is_ok())
                .with_context(|| {
                    format!("{name} is missing: `rustup component add llvm-tools`, or a package such as llvm-{major}")
                })
        };
        Ok(Self { profdata: find("llvm-profdata")?, cov: find("llvm-cov")? })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_counted_over_all_programs() {
        let text = "SF:/a.rs\nFN:1,f\nDA:1,0\nDA:2,3\nLF:2\nend_of_record\nSF:/b.rs\nDA:7,0\nend_of_record\nSF:/a.rs\nDA:1,2\n";
        let files = parse(text).unwrap();
        assert_eq!(files[Path::new("/a.rs")], BTreeMap::from([(1, 2), (2, 3)]));
        assert_eq!(files[Path::new("/b.rs")], BTreeMap::from([(7, 0)]));
        assert!(parse("DA:1,1").is_err());
        assert!(parse("SF:/a.rs\nDA:x").is_err());
    }

    #[test]
    fn tests_are_not_counted() {
        assert_eq!(first_line_of_tests("one\n#[cfg(test)]\nmod tests {}\n"), 2);
        assert_eq!(first_line_of_tests("one\n    #[cfg(test)]\n"), usize::MAX);
    }
}

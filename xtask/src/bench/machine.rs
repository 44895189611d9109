//! [`Machine`]: on what and with which versions it was measured.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::Context as _;
use cargo_metadata::{CargoOpt, MetadataCommand};

/// The crates whose versions are told.
const CRATES: [&str; 8] = ["automerge", "loro", "yrs", "iroh", "iroh-docs", "fjall", "redb", "rusqlite"];

/// The machine, before and after.
#[derive(Debug)]
pub(crate) struct Machine {
    processor: String,
    processors: usize,
    memory_mib: u64,
    kernel: String,
    file_system: String,
    compiler: String,
    date: String,
    /// Load before and after, over a minute each.
    load: [String; 2],
    versions: BTreeMap<String, String>,
}

impl Machine {
    /// Looks at this machine, and at the file system below `place`.
    pub(crate) fn look(place: &Path) -> anyhow::Result<Self> {
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim_start_matches([' ', '\t', ':']).to_owned()
        };
        let memory = field("/proc/meminfo", "MemTotal");
        Ok(Self {
            processor: field("/proc/cpuinfo", "model name"),
            processors: std::thread::available_parallelism().map_or(1, Into::into),
            memory_mib: memory.trim_end_matches(" kB").parse::<u64>().unwrap_or_default() / 1024,
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            file_system: file_system(place).unwrap_or_default(),
            compiler: said_by("rustc", &["--version"])?,
            date: said_by("date", &["-u", "+%Y-%m-%d %H:%M"])?,
            load: [load(), String::new()],
            versions: versions()?,
        })
    }

    /// Looks at what has changed when all is measured.
    pub(crate) fn look_again(&mut self) {
        self.load[1] = load();
    }

    /// Says it in sentences.
    pub(crate) fn to_markdown(&self) -> String {
        let Self { processor, processors, memory_mib, kernel, file_system, compiler, date, load, versions } = self;
        let [before, after] = load;
        let versions: Vec<String> = versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        format!(
            "{date} UTC; {processors} processors ({processor}), {:.0} GB of memory, {file_system}, Linux {kernel}, {compiler}, release profile. \
             Load of the machine {before} before and {after} after it, which is the bench itself.\nVersions: {}.",
            f64::from(u32::try_from(*memory_mib).unwrap_or(u32::MAX)) / 1024.0,
            versions.join(", ")
        )
    }
}

fn load() -> String {
    let text = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    text.split(' ').next().unwrap_or_default().to_owned()
}

/// What kind of file system a directory lies on: that of the longest mount point above it.
fn file_system(place: &Path) -> Option<String> {
    let mounts = fs::read_to_string("/proc/mounts").ok()?;
    let place = fs::canonicalize(place).ok()?;
    let mount = |line: &str| {
        let mut fields = line.split(' ').skip(1);
        Some((PathBuf::from(fields.next()?), fields.next()?.to_owned()))
    };
    let above = mounts.lines().filter_map(mount).filter(|(at, _)| place.starts_with(at));
    above.max_by_key(|(at, _)| at.as_os_str().len()).map(|(_, kind)| kind)
}

/// The versions of the contestants that are built, from the lock file.
fn versions() -> anyhow::Result<BTreeMap<String, String>> {
    let metadata =
        MetadataCommand::new().features(CargoOpt::AllFeatures).other_options(["--locked".to_owned()]).exec()?;
    let benches =
        metadata.packages.iter().find(|package| package.name == "verso-benches").context("there are benches")?;
    let nodes = &metadata.resolve.as_ref().context("cargo resolves")?.nodes;
    let node = nodes.iter().find(|node| node.id == benches.id).context("the benches are resolved")?;
    let of = |id: &cargo_metadata::PackageId| {
        let package = metadata.packages.iter().find(|package| package.id == *id)?;
        CRATES.contains(&package.name.as_str()).then(|| (package.name.to_string(), package.version.to_string()))
    };
    Ok(node.dependencies.iter().filter_map(of).collect())
}

fn said_by(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(program).args(arguments).output().with_context(|| format!("can't start {program}"))?;
    Ok(String::from_utf8(output.stdout)?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_contestant_has_a_version() {
        let versions = versions().unwrap();
        assert_eq!(versions.len(), CRATES.len(), "{versions:?}");
    }
}

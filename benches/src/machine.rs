//! What the operating system says of this process and of the disk.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

/// Returns the most memory that this process has had so far, in bytes: the peak of what was resident.
///
/// # Panics
/// Where there is no `/proc`.
pub fn peak_memory() -> u64 {
    let status = fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let kib: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    kib * 1024
}

/// Returns what the disk has given to a directory and all below it, in bytes.
///
/// # Panics
/// If it can't be read.
pub fn bytes_below(directory: &Path) -> u64 {
    let of = |entry: std::io::Result<fs::DirEntry>| {
        let entry = entry.unwrap();
        let metadata = entry.metadata().unwrap();
        if metadata.is_dir() { bytes_below(&entry.path()) } else { metadata.blocks() * 512 }
    };
    fs::read_dir(directory).unwrap().map(of).sum()
}

/// Writes a file anew, durably.
///
/// # Panics
/// If that can't be done.
pub fn write_durably(path: &Path, bytes: &[u8]) {
    let mut file = File::create(path).unwrap();
    file.write_all(bytes).unwrap();
    file.sync_all().unwrap();
}

/// Makes a count a figure.
#[expect(clippy::cast_precision_loss, clippy::as_conversions, reason = "figures to be read, far below 2⁵³")]
pub const fn float(number: u64) -> f64 {
    number as f64
}

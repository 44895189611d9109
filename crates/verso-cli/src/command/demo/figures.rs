//! [`Figures`]: what the demo measured, for scripts.

use std::io::{self, Write};
use std::time::Duration;

use serde::Serialize;
use verso_identity::DeviceId;

use super::proof::Proof;
use super::story::Told;
use crate::error::CliError;
use crate::import::ImportCounts;
use crate::output::{Format, Output, Paint, Report};

/// What an import came to.
#[derive(Debug)]
pub(super) struct Imported {
    pub(super) counts: ImportCounts,
    pub(super) took: Duration,
    pub(super) bytes_at_rest: u64,
}

/// What a sync came to.
#[derive(Debug)]
pub(super) struct Synced {
    pub(super) took: Duration,
    pub(super) entries: u64,
    pub(super) bytes: u64,
}

/// All of it.
#[derive(Debug)]
pub(super) struct Figures {
    pub(super) devices: [(DeviceId, &'static str); 2],
    pub(super) imported: Imported,
    pub(super) paired: Duration,
    pub(super) syncs: [Synced; 2],
    pub(super) conflicts: Vec<Told>,
    pub(super) proof: Proof,
}

#[derive(Serialize)]
struct Document<'a> {
    devices: Vec<Device>,
    import: Import,
    pairing_ms: u64,
    syncs: Vec<Sync>,
    conflicts: &'a [Told],
    digest: &'a str,
    export_bytes: u64,
    equal: bool,
}

#[derive(Serialize)]
struct Device {
    device: String,
    name: &'static str,
}

#[derive(Serialize)]
struct Import {
    #[serde(flatten)]
    counts: ImportCounts,
    ms: u64,
    bytes_at_rest: u64,
}

#[derive(Serialize)]
struct Sync {
    entries: u64,
    bytes: u64,
    ms: u64,
}

impl Figures {
    /// Prints them for a script; a person has read them on the way.
    pub(super) fn print(&self, output: &Output) -> Result<(), CliError> {
        if output.format() == Format::Text {
            return Ok(());
        }
        let [digest, _same] = &self.proof.digests;
        let devices = self.devices.iter().map(|(device, name)| Device { device: device.to_hex(), name });
        let syncs = self.syncs.iter().map(|sync| Sync { entries: sync.entries, bytes: sync.bytes, ms: ms(sync.took) });
        output.print(&Document {
            devices: devices.collect(),
            import: Import {
                counts: self.imported.counts,
                ms: ms(self.imported.took),
                bytes_at_rest: self.imported.bytes_at_rest,
            },
            pairing_ms: ms(self.paired),
            syncs: syncs.collect(),
            conflicts: &self.conflicts,
            digest,
            export_bytes: self.proof.export_bytes,
            equal: self.proof.is_equal(),
        })
    }
}

impl Report for Document<'_> {
    fn write_text(&self, _out: &mut dyn Write, _paint: Paint) -> io::Result<()> {
        Ok(())
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

/// A time as people read it.
pub(super) fn time(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{} ms", time.as_millis())
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

/// Bytes by the piece, with one digit behind the point.
pub(super) fn per_intent(bytes: u64, count: u64) -> String {
    let tenths = bytes.saturating_mul(10) / count.max(1);
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_for_people() {
        assert_eq!(time(Duration::from_micros(12_900)), "12 ms");
        assert_eq!(time(Duration::from_millis(1_234)), "1.23 s");
        assert_eq!(per_intent(59, 10), "5.9");
        assert_eq!(per_intent(0, 0), "0.0");
    }
}

//! [`Made`]: when and by whom something was done, as commands tell it.

use serde::Serialize;
use verso_graph::Stamp;

use crate::device::Device;
use crate::output::shown;
use crate::when;

/// When and by whom.
#[derive(Debug, Serialize)]
pub(super) struct Made {
    pub(super) at: String,
    pub(super) device: String,
    /// What this person's devices call it; empty if they don't know it.
    pub(super) name: String,
}

impl Made {
    pub(super) fn new(device: &Device, stamp: Stamp) -> Self {
        let author = stamp.dot.author.device;
        let name = device.replica().trust().name(&author).unwrap_or_default().to_owned();
        Self { at: when::json(stamp.hlc.millis()), device: author.to_hex(), name }
    }

    pub(super) fn text(&self) -> String {
        let name = if self.name.is_empty() { self.device.get(..10).unwrap_or_default() } else { &self.name };
        format!("{}, {}", shown(name), when::person_reads(&self.at))
    }
}

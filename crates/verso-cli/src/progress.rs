//! [`Bar`]: a progress bar on standard error, for work that a person waits for.

use std::io::{self, IsTerminal as _};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::import::{Phase, Progress};
use crate::output::{Format, Output};

/// Shows how far an import is, to a person at a terminal and to nobody else. It is gone when dropped.
#[derive(Debug)]
pub(crate) struct Bar {
    bar: ProgressBar,
}

impl Bar {
    /// Begins at nothing.
    pub(crate) fn new(output: Output) -> Self {
        let is_shown = output.format() == Format::Text && io::stderr().is_terminal();
        let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(0), target);
        if let Ok(style) = ProgressStyle::with_template("{msg:<9} {wide_bar} {bytes}/{total_bytes}") {
            bar.set_style(style);
        }
        Self { bar }
    }

    /// Shows how far it is.
    pub(crate) fn show(&self, progress: Progress) {
        self.bar.set_message(match progress.phase {
            Phase::Checking => "checking",
            Phase::Nodes => "nodes",
            Phase::Tags => "tags",
            Phase::Links => "links",
        });
        self.bar.set_length(progress.of);
        self.bar.set_position(progress.read);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

//! [`Bar`], [`SyncBar`] and [`WorkBar`]: progress bars on standard error, for work that a person waits for.

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
        Self { bar: bar(output, "{msg:<9} {wide_bar} {bytes}/{total_bytes}") }
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

/// Shows how far a round of sync is, to a person at a terminal and to nobody else. It is gone when dropped.
#[derive(Debug)]
pub(crate) struct SyncBar {
    bar: ProgressBar,
}

impl SyncBar {
    /// Begins at nothing.
    pub(crate) fn new(output: Output) -> Self {
        let bar = bar(output, "{msg} {wide_bar} {human_pos} / {human_len}");
        bar.set_message("looking for peers");
        Self { bar }
    }

    /// Shows how many entries of how many are acknowledged.
    pub(crate) fn show(&self, done: u64, of: u64) {
        if of > 0 {
            self.bar.set_message("syncing");
        }
        self.bar.set_length(of);
        self.bar.set_position(done);
    }
}

impl Drop for SyncBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

/// Shows how far some work on bytes is, to a person at a terminal and to nobody else. It is gone when dropped.
#[derive(Debug)]
pub(crate) struct WorkBar {
    bar: ProgressBar,
}

impl WorkBar {
    /// Begins at nothing of `what`.
    pub(crate) fn new(output: Output, what: &'static str) -> Self {
        let bar = bar(output, "{msg} {wide_bar} {bytes}/{total_bytes}");
        bar.set_message(what);
        Self { bar }
    }

    /// Shows how many bytes of how many are done.
    pub(crate) fn show(&self, done: u64, of: u64) {
        self.bar.set_length(of);
        self.bar.set_position(done);
    }
}

impl Drop for WorkBar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn bar(output: Output, template: &str) -> ProgressBar {
    let is_shown = output.format() == Format::Text && io::stderr().is_terminal();
    let target = if is_shown { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar
}

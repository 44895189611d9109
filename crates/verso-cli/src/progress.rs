//! [`Bar`], [`SyncBar`] and [`WorkBar`]: progress bars on standard error, for work that a person waits for.

use std::sync::Arc;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::control::Guest;
use crate::import::{Phase, Progress};
use crate::output::{Format, Output};

/// Shows how far an import is, to a person at a terminal and to nobody else. It is gone when dropped.
#[derive(Debug)]
pub(crate) struct Bar {
    gauge: Gauge,
}

impl Bar {
    /// Begins at nothing.
    pub(crate) fn new(output: &Output) -> Self {
        Self { gauge: gauge(output, Shape::Phases) }
    }

    /// Shows how far it is.
    pub(crate) fn show(&self, progress: Progress) {
        let phase = match progress.phase {
            Phase::Checking => "checking",
            Phase::Nodes => "nodes",
            Phase::Tags => "tags",
            Phase::Links => "links",
        };
        self.gauge.show(phase, progress.read, progress.of);
    }
}

/// Shows how far a round of sync is, to a person at a terminal and to nobody else. It is gone when dropped.
#[derive(Debug)]
pub(crate) struct SyncBar {
    gauge: Gauge,
}

impl SyncBar {
    /// Begins at nothing.
    pub(crate) fn new(output: &Output) -> Self {
        let bar = Self { gauge: gauge(output, Shape::Entries) };
        bar.show(0, 0);
        bar
    }

    /// Shows how many entries of how many are acknowledged.
    pub(crate) fn show(&self, done: u64, of: u64) {
        self.gauge.show(if of > 0 { "syncing" } else { "looking for peers" }, done, of);
    }
}

/// Shows how far some work on bytes is, to a person at a terminal and to nobody else. It is gone when dropped.
#[derive(Debug)]
pub(crate) struct WorkBar {
    gauge: Gauge,
    what: &'static str,
}

impl WorkBar {
    /// Begins at nothing of `what`.
    pub(crate) fn new(output: &Output, what: &'static str) -> Self {
        let bar = Self { gauge: gauge(output, Shape::Bytes), what };
        bar.show(0, 0);
        bar
    }

    /// Shows how many bytes of how many are done.
    pub(crate) fn show(&self, done: u64, of: u64) {
        self.gauge.show(self.what, done, of);
    }
}

fn gauge(output: &Output, shape: Shape) -> Gauge {
    let is_shown = output.format() == Format::Text && output.seat().terminals().stderr;
    if is_shown { output.seat().gauge(shape) } else { Gauge::Hidden }
}

/// How long work may take before a person is shown how far it is.
const LONG: Duration = Duration::from_millis(250);

/// What a bar counts, and so how it looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// Bytes of a file, in several phases.
    Phases,
    /// Bytes.
    Bytes,
    /// Entries.
    Entries,
}

impl Shape {
    const fn template(self) -> &'static str {
        match self {
            Self::Phases => "{msg:<9} {wide_bar} {decimal_bytes} / {decimal_total_bytes}",
            Self::Bytes => "{msg} {wide_bar} {decimal_bytes} / {decimal_total_bytes}",
            Self::Entries => "{msg} {wide_bar} {human_pos} / {human_len}",
        }
    }
}

/// A bar that is drawn at the terminal where somebody looks. It is gone when dropped.
#[derive(Debug)]
pub(crate) enum Gauge {
    Hidden,
    Here(ProgressBar, Patience),
    Away(Arc<Guest>, Shape),
}

/// When the work began, if it is only shown once it takes long: what is done at once needs no bar, which would only flash.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience(Option<Instant>);

impl Patience {
    fn is_over(self) -> bool {
        self.0.is_none_or(|begun| begun.elapsed() >= LONG)
    }
}

impl Gauge {
    /// Draws at the terminal of this process.
    pub(crate) fn here(shape: Shape) -> Self {
        let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::hidden());
        if let Ok(style) = ProgressStyle::with_template(shape.template()) {
            bar.set_style(style);
        }
        let patience = match shape {
            // Somebody waits for another device, which may take any time.
            Shape::Entries => Patience(None),
            Shape::Phases | Shape::Bytes => Patience(Some(Instant::now())),
        };
        Self::Here(bar, patience)
    }

    /// Has it drawn at the other end of the control socket.
    pub(crate) const fn away(guest: Arc<Guest>, shape: Shape) -> Self {
        Self::Away(guest, shape)
    }

    /// Shows how much of how much of `what` is done.
    pub(crate) fn show(&self, what: &str, done: u64, of: u64) {
        match self {
            Self::Hidden => {}
            Self::Here(bar, patience) => {
                if bar.is_hidden() && patience.is_over() {
                    bar.set_draw_target(ProgressDrawTarget::stderr());
                }
                bar.set_message(what.to_owned());
                bar.set_length(of);
                bar.set_position(done);
            }
            Self::Away(guest, shape) => guest.gauge(*shape, what, done, of),
        }
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        match self {
            Self::Hidden => {}
            Self::Here(bar, _) => bar.finish_and_clear(),
            Self::Away(guest, _) => guest.end_gauge(),
        }
    }
}

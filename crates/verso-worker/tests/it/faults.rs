//! A defect that a test calls for in a task of a connection: the one who listens to diagnostics there, as a host may, panics on what it hears.

use std::fmt;
use std::sync::{Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::Interest;
use tracing::{Event, Metadata, Subscriber};
use verso_identity::WorkspaceId;

/// What it panics on next: a target, and the workspace that it is about.
static ARMED: Mutex<Option<(&'static str, WorkspaceId)>> = Mutex::new(None);

/// Listens to all diagnostics of this process, and panics on one of them when told to.
struct Listener;

/// Has the next diagnostic of this target about this workspace end in a panic, once.
pub(crate) fn panic_on(target: &'static str, workspace: WorkspaceId) {
    // Another test of this process may have it listen already.
    drop(tracing::subscriber::set_global_default(Listener));
    *ARMED.lock().unwrap_or_else(PoisonError::into_inner) = Some((target, workspace));
}

/// Whether any field tells of a workspace.
struct Names {
    workspace: String,
    is_named: bool,
}

impl Visit for Names {
    fn record_debug(&mut self, _field: &Field, value: &dyn fmt::Debug) {
        self.is_named |= format!("{value:?}").contains(&self.workspace);
    }
}

impl Subscriber for Listener {
    fn register_callsite(&self, _metadata: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("verso.sync.")
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        let mut armed = ARMED.lock().unwrap_or_else(PoisonError::into_inner);
        let Some((target, workspace)) = *armed else { return };
        let mut names = Names { workspace: workspace.to_string(), is_named: false };
        event.record(&mut names);
        if event.metadata().target() == target && names.is_named {
            *armed = None;
            drop(armed);
            panic!("a defect that a test called for");
        }
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

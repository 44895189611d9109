//! The one ordered queue of outputs: [`Outbox`].

use std::collections::VecDeque;

use verso_identity::WorkspaceId;
use verso_wire::Message;

use crate::output::Output;

/// The outputs that were not yet polled, in order.
///
/// An input makes at most as many outputs as it has parts, so a driver that polls until `None` after every input keeps this short.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    queue: VecDeque<Output>,
}

impl Outbox {
    pub(crate) fn push(&mut self, output: Output) {
        self.queue.push_back(output);
    }

    pub(crate) fn control(&mut self, message: Message) {
        self.push(Output::SendControl(message));
    }

    pub(crate) fn send(&mut self, workspace: WorkspaceId, message: Message) {
        self.push(Output::Send { workspace, message });
    }

    pub(crate) fn pop(&mut self) -> Option<Output> {
        self.queue.pop_front()
    }

    /// Takes back what was still to be sent or read for `workspace`: a grant that is taken away stops what waits, too.
    pub(crate) fn revoke(&mut self, workspace: WorkspaceId) {
        self.queue.retain(|output| match output {
            Output::Send { workspace: other, .. }
            | Output::Read { workspace: other, .. }
            | Output::Describe { workspace: other } => *other != workspace,
            _ => true,
        });
    }
}

//! [`Mutant`]: a world of which something is broken on purpose, to show that the checks would notice.

use verso_replica::Event;
use verso_wire::{Message, Reason};

use crate::disk::Honesty;

/// What is broken. The product's code is never touched: broken is what it stands on, or whoever drives it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Mutant {
    /// Nothing.
    #[default]
    None,
    /// The disk says that data is durable, and it is not.
    CountsUnsyncedAsDurable,
    /// Every fourth sync of a file does nothing.
    SkipsSyncs,
    /// Names of files are never made durable.
    ForgetsNames,
    /// A commit is acknowledged to the user before it was flushed.
    AcknowledgesCommitEarly,
    /// A unit is acknowledged to the peer before it is even taken in.
    AcknowledgesUnitEarly,
    /// Nobody is shown what it wrote before, neither the seal nor the entries, so a device that was rolled back uses its numbers again.
    HidesThePast,
    /// A gap is skipped: what comes behind it is acknowledged, and what is missing is not asked for.
    SkipsGaps,
    /// What is declined is not told to the sender.
    ForgetsDeclines,
    /// What stops data is not told to the person.
    SwallowsReasons,
    /// Only what a device wrote itself is sent on.
    ForwardsNothing,
    /// A forger is taken for one of the own devices.
    BelievesForger,
    /// A friend is given whatever there is.
    GivesEverything,
    /// That something is taken away from a friend is said, and not done.
    ForgetsWithdrawals,
}

impl Mutant {
    /// All that are broken in the world, beside the broken merges.
    pub const ALL: [Self; 13] = [
        Self::CountsUnsyncedAsDurable,
        Self::SkipsSyncs,
        Self::ForgetsNames,
        Self::AcknowledgesCommitEarly,
        Self::AcknowledgesUnitEarly,
        Self::HidesThePast,
        Self::SkipsGaps,
        Self::ForgetsDeclines,
        Self::SwallowsReasons,
        Self::ForwardsNothing,
        Self::BelievesForger,
        Self::GivesEverything,
        Self::ForgetsWithdrawals,
    ];

    pub(crate) const fn honesty(self) -> Honesty {
        match self {
            Self::CountsUnsyncedAsDurable => Honesty::ForgetsData,
            Self::SkipsSyncs => Honesty::ForgetsSomeData,
            Self::ForgetsNames => Honesty::ForgetsNames,
            _ => Honesty::Honest,
        }
    }

    /// What a driver with this defect makes of a message, `None` if nothing.
    pub(crate) fn pass(self, message: Message) -> Option<Message> {
        match (self, message) {
            (Self::HidesThePast, Message::Vector { entries, .. }) => Some(Message::Vector { entries, seal: None }),
            (Self::ForgetsDeclines, Message::Decline { .. })
            | (Self::SkipsGaps, Message::Decline { reason: Reason::Gap, .. }) => None,
            (_, message) => Some(message),
        }
    }

    /// Whether a driver with this defect keeps an event to itself.
    pub(crate) const fn swallows(self, event: &Event) -> bool {
        matches!((self, event), (Self::SwallowsReasons, Event::Stopped { .. }))
    }
}

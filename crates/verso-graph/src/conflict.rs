//! [`Conflict`]: what was done concurrently and can't stand side by side, with all that is needed to decide it.

use std::fmt;
use std::str::FromStr;

use verso_wire::ConflictChanges;

use crate::contested::{Change, Naming, Open};
use crate::explain::sides;
use crate::graph::Graph;
use crate::intent::{Choice, Intent, NodeRef, Register};
use crate::node::is_contested;
use crate::node_id::NodeId;
use crate::presence::{Presence, Settled};
use crate::read::{Stamp, Written};
use crate::table::NodeIx;

/// Names a conflict by what it is about, so it keeps its name whatever arrives.
///
/// Written as `workspace-name`, or as kind and node: `deletion:6ba7b810-9dad-81d1-80b4-00c04fd430c8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ConflictId {
    /// The workspace's name was written concurrently.
    WorkspaceName,
    /// A node was deleted by somebody who hadn't seen all that was done to it.
    Deletion(NodeId),
    /// A node's title or url was written concurrently.
    Register(NodeId, Register),
}

impl ConflictId {
    /// Returns the node that it is about.
    #[must_use]
    pub const fn node(&self) -> Option<NodeId> {
        match self {
            Self::WorkspaceName => None,
            Self::Deletion(node) | Self::Register(node, _) => Some(*node),
        }
    }

    /// Returns the name of its kind.
    #[must_use]
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::WorkspaceName => "workspace-name",
            Self::Deletion(_) => "deletion",
            Self::Register(_, Register::Title) => "title",
            Self::Register(_, Register::Url) => "url",
        }
    }
}

impl fmt::Display for ConflictId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.node() {
            None => f.pad(self.kind()),
            Some(node) => write!(f, "{}:{}", self.kind(), node.to_hyphenated()),
        }
    }
}

impl FromStr for ConflictId {
    type Err = ParseConflictIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "workspace-name" {
            return Ok(Self::WorkspaceName);
        }
        let (kind, node) = text.split_once(':').ok_or(ParseConflictIdError)?;
        let node = node.parse().map_err(|_source| ParseConflictIdError)?;
        match kind {
            "deletion" => Ok(Self::Deletion(node)),
            "title" => Ok(Self::Register(node, Register::Title)),
            "url" => Ok(Self::Register(node, Register::Url)),
            _ => Err(ParseConflictIdError),
        }
    }
}

/// The text is not a conflict's id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a conflict's id is `workspace-name`, or `deletion`, `title` or `url`, a colon and a node's id")]
pub struct ParseConflictIdError;

/// Something that is to be decided. Nothing waits for it: meanwhile its [`rule`](Rule) holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Conflict<'a> {
    /// Its name.
    pub id: ConflictId,
    /// What stands against each other. Of values the first is the one shown; of a deletion first who deleted, then what was done.
    pub sides: Vec<Side<'a>>,
    /// What holds until somebody decides.
    pub rule: Rule,
}

/// One of the things that stand against each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Side<'a> {
    /// What was done.
    pub what: What<'a>,
    /// When and by whom.
    pub stamp: Stamp,
}

/// What was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What<'a> {
    /// A value was written.
    Value(&'a str),
    /// The node was deleted.
    Deleted,
    /// Something else was done to the node; the name of the entry's kind, such as `set-title`.
    Activity(&'static str),
    /// It was decided what becomes of the node.
    Decided(Choice),
}

/// What makes something as it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Rule {
    /// Of concurrent writes the one with the greatest time, then author, is shown, while nobody has decided.
    GreatestStamp,
    /// A node stays as a ghost if something was done to it that its deletion hadn't seen, while nobody has decided.
    UnseenActivity,
    /// A write replaces all that its author had seen.
    LastWrite,
    /// What was added is there unless somebody took it away who had seen that.
    Added,
    /// A node that nobody deleted is there.
    NotDeleted,
    /// A node is gone if deletions have seen all that was done to it.
    SeenWhole,
    /// It was decided so.
    Decided,
}

impl Rule {
    /// Returns its name, as programs read it.
    #[must_use]
    pub const fn code(self) -> &'static str {
        match self {
            Self::GreatestStamp => "greatest-stamp",
            Self::UnseenActivity => "unseen-activity",
            Self::LastWrite => "last-write",
            Self::Added => "added",
            Self::NotDeleted => "not-deleted",
            Self::SeenWhole => "seen-whole",
            Self::Decided => "decided",
        }
    }

    /// Returns what it says, as people read it.
    #[must_use]
    pub const fn what(self) -> &'static str {
        match self {
            Self::GreatestStamp => "both were written without knowing of each other; the later one is shown",
            Self::UnseenActivity => "it was deleted without knowing what else was done to it; it stays as a ghost",
            Self::LastWrite => "whoever wrote it knew what was there before",
            Self::Added => "it was added, and nobody took it away who knew of that",
            Self::NotDeleted => "nobody deleted it",
            Self::SeenWhole => "it was deleted, knowing all that was done to it",
            Self::Decided => "it was decided so",
        }
    }
}

impl Graph {
    /// Returns all open conflicts: the workspace's name first, then by node.
    #[must_use]
    pub fn conflicts(&self) -> Vec<Conflict<'_>> {
        let mut ids: Vec<ConflictId> =
            self.contested.iter().flat_map(|(node, open)| self.ids(node, open).into_iter().flatten()).collect();
        ids.extend(is_contested(&self.name, &self.chains).then_some(ConflictId::WorkspaceName));
        ids.sort_unstable_by_key(|id| (id.node(), *id));
        ids.iter().filter_map(|id| self.conflict(id)).collect()
    }

    /// Returns the conflict with this id, if it is open.
    #[must_use]
    pub fn conflict<'a>(&'a self, id: &ConflictId) -> Option<Conflict<'a>> {
        let (sides, rule) = match id {
            ConflictId::WorkspaceName => {
                if !is_contested(&self.name, &self.chains) {
                    return None;
                }
                (sides(&self.workspace_names()), Rule::GreatestStamp)
            }
            ConflictId::Deletion(node) => {
                let node = self.place_of(node)?;
                if self.nodes[node].presence != Presence::Ghost(Settled::No) {
                    return None;
                }
                (self.because(&self.review_of(node)), Rule::UnseenActivity)
            }
            ConflictId::Register(node, register) => {
                let node = self.place_of(node).filter(|node| self.is_visible(*node))?;
                if !self.nodes[node].is_contested(&self.chains, *register) {
                    return None;
                }
                (sides(&self.values(node, *register)), Rule::GreatestStamp)
            }
        };
        Some(Conflict { id: *id, sides, rule })
    }

    /// Returns the intent that settles a conflict in this way. `None` if it isn't open, or the choice makes no sense: values can only
    /// be kept.
    #[must_use]
    pub fn resolution(&self, id: &ConflictId, choice: Choice) -> Option<Intent> {
        self.conflict(id)?;
        match (id, choice) {
            (ConflictId::Deletion(node), _) => {
                Some(Intent::Resolve { node: NodeRef::Id(*node), register: None, choice })
            }
            (ConflictId::Register(node, register), Choice::Keep) => {
                Some(Intent::Resolve { node: NodeRef::Id(*node), register: Some(*register), choice })
            }
            (ConflictId::WorkspaceName, Choice::Keep) => self.pick(id, 0),
            _ => None,
        }
    }

    /// Returns the intent that writes one of a conflict's values again, by its position among the sides. `None` if the conflict isn't open
    /// or has no such value.
    #[must_use]
    pub fn pick(&self, id: &ConflictId, side: usize) -> Option<Intent> {
        let conflict = self.conflict(id)?;
        let What::Value(value) = conflict.sides.get(side)?.what else { return None };
        let value = value.to_owned();
        Some(match id {
            ConflictId::WorkspaceName => Intent::SetWorkspaceName { name: value },
            ConflictId::Register(node, register) => register.write(*node, value),
            ConflictId::Deletion(_) => return None,
        })
    }

    /// Returns all values that stand as the workspace's name, what is shown first.
    #[must_use]
    pub fn workspace_names(&self) -> Vec<Written<'_>> {
        let written = self.name.iter(&self.chains);
        let mut names: Vec<Written<'_>> =
            written.map(|(at, value)| Written { value, stamp: self.chains.stamp(at) }).collect();
        names.sort_unstable_by_key(|written| std::cmp::Reverse(written.stamp));
        names
    }

    pub(crate) fn count_conflicts(&self) -> usize {
        let count = |open: Open| usize::from(open.deletion) + usize::from(open.title) + usize::from(open.url);
        let of_nodes: usize = self.contested.iter().map(|(_, open)| count(open)).sum();
        of_nodes + usize::from(is_contested(&self.name, &self.chains))
    }

    /// Returns the names of conflicts that opened and that were resolved since this was last asked, each in order.
    pub(crate) fn conflict_changes(&mut self) -> ConflictChanges {
        let naming = self.naming();
        let (changes, naming_before) = self.contested.take_changes(naming);
        let all = |of: &dyn Fn(&Change) -> (Open, Open), (this, that): (Naming, Naming)| -> Vec<String> {
            let without = |(these, those): (Open, Open)| Open {
                deletion: these.deletion && !those.deletion,
                title: these.title && !those.title,
                url: these.url && !those.url,
            };
            let name = (this > that).then_some(ConflictId::WorkspaceName);
            let ids = changes.iter().flat_map(|change| self.ids(change.node, without(of(change))));
            let mut ids: Vec<ConflictId> = ids.flatten().chain(name).collect();
            ids.sort_unstable_by_key(|id| (id.node(), *id));
            ids.iter().map(ConflictId::to_string).collect()
        };
        ConflictChanges {
            opened: all(&|change| (change.now, change.before), (naming, naming_before)),
            resolved: all(&|change| (change.before, change.now), (naming_before, naming)),
        }
    }

    pub(crate) fn naming(&self) -> Naming {
        if is_contested(&self.name, &self.chains) { Naming::Contested } else { Naming::Settled }
    }

    fn ids(&self, node: NodeIx, open: Open) -> [Option<ConflictId>; 3] {
        let id = self.created(node).id;
        [
            open.deletion.then_some(ConflictId::Deletion(id)),
            open.title.then_some(ConflictId::Register(id, Register::Title)),
            open.url.then_some(ConflictId::Register(id, Register::Url)),
        ]
    }
}

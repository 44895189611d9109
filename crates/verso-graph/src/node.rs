//! [`Node`]: what is kept of a node.

pub(crate) mod snapshot;

use crate::chains::{At, Chains};
use crate::dots::DotSet;
use crate::intent::Register;
use crate::node_id::NodeId;
use crate::presence::{Marks, Presence};
use crate::table::ChainIx;

/// A node, or the place of one that entries name and that hasn't arrived.
///
/// Most nodes are written once and never edited by another author: what only others need lies in [`More`].
pub(crate) struct Node {
    /// What its creation says; `None` until that arrives.
    pub(crate) created: Option<Created>,
    pub(crate) presence: Presence,
    /// The last entry that acted on it, of the chain that did so first.
    activity: Option<At>,
    pub(crate) more: Option<Box<More>>,
}

/// What the entry says that creates a node.
pub(crate) struct Created {
    pub(crate) id: NodeId,
    pub(crate) at: At,
    /// Url and title, one behind the other.
    text: Box<str>,
    url_len: u32,
}

/// What few nodes have.
#[derive(Default)]
pub(crate) struct More {
    /// The last entry that acted on the node, of each further chain; ascending.
    activity: Vec<At>,
    titles: Option<Box<DotSet<Box<str>>>>,
    urls: Option<Box<DotSet<Box<str>>>>,
    marks: Option<Box<Marks>>,
    /// Entries that name the node and wait for it.
    pub(crate) waiting: Vec<At>,
}

impl Created {
    pub(crate) fn new(id: NodeId, at: At, url: &str, title: &str) -> Self {
        let mut text = String::with_capacity(url.len() + title.len());
        text.push_str(url);
        text.push_str(title);
        Self { id, at, text: text.into(), url_len: u32::try_from(url.len()).unwrap_or(u32::MAX) }
    }

    pub(crate) fn value(&self, register: Register) -> &str {
        let (url, title) = self.text.split_at(usize::try_from(self.url_len).unwrap_or(usize::MAX));
        match register {
            Register::Title => title,
            Register::Url => url,
        }
    }
}

impl Node {
    /// Makes the place of a node that hasn't arrived.
    pub(crate) const fn expected() -> Self {
        Self { created: None, presence: Presence::Live, activity: None, more: None }
    }

    pub(crate) fn more(&mut self) -> &mut More {
        self.more.get_or_insert_default()
    }

    /// Notes that the entry acted on the node. Of each chain the last is enough: who has seen that, has seen those before.
    pub(crate) fn act(&mut self, at: At) {
        match &mut self.activity {
            Some(first) if first.chain() != at.chain() => {
                let activity = &mut self.more.get_or_insert_default().activity;
                let place = activity.partition_point(|other| other.chain() < at.chain());
                match activity.get_mut(place) {
                    Some(other) if other.chain() == at.chain() => *other = at,
                    _ => activity.insert(place, at),
                }
            }
            first => *first = Some(at),
        }
    }

    /// Returns the last activity of this chain.
    pub(crate) fn activity_of(&self, chain: ChainIx) -> Option<At> {
        if let Some(first) = self.activity.filter(|first| first.chain() == chain) {
            return Some(first);
        }
        let activity = &self.more.as_ref()?.activity;
        let place = activity.partition_point(|other| other.chain() < chain);
        activity.get(place).copied().filter(|other| other.chain() == chain)
    }

    /// Iterates over the last activity of each chain, in no order that means anything.
    pub(crate) fn activities(&self) -> impl Iterator<Item = At> + '_ {
        self.activity.into_iter().chain(self.more.iter().flat_map(|more| more.activity.iter().copied()))
    }

    pub(crate) fn marks(&self) -> Option<&Marks> {
        self.more.as_ref().and_then(|more| more.marks.as_deref())
    }

    pub(crate) fn marks_mut(&mut self) -> &mut Marks {
        self.more().marks.get_or_insert_default()
    }

    /// Returns the writes of a register that stand, without the creation's.
    pub(crate) fn writes(&self, register: Register) -> Option<&DotSet<Box<str>>> {
        self.more.as_ref().and_then(|more| match register {
            Register::Title => more.titles.as_deref(),
            Register::Url => more.urls.as_deref(),
        })
    }

    pub(crate) fn writes_mut(&mut self, register: Register) -> &mut DotSet<Box<str>> {
        let more = self.more();
        let writes = match register {
            Register::Title => &mut more.titles,
            Register::Url => &mut more.urls,
        };
        writes.get_or_insert_default()
    }

    /// Returns the value of a register that is shown: the greatest write, or what the creation said. Whoever writes knows the creation, since
    /// that makes the node's name; so it never stands against a write.
    pub(crate) fn shown<'a>(&'a self, chains: &'a Chains, register: Register) -> &'a str {
        let written = self.writes(register).and_then(|writes| writes.greatest(chains));
        written.map_or_else(|| self.created.as_ref().map_or("", |created| created.value(register)), |(_, value)| value)
    }

    /// Tells whether a register shows one of several different values.
    pub(crate) fn is_contested(&self, chains: &Chains, register: Register) -> bool {
        self.writes(register).is_some_and(|writes| is_contested(writes, chains))
    }
}

/// Tells whether different values stand in a register.
pub(crate) fn is_contested(writes: &DotSet<Box<str>>, chains: &Chains) -> bool {
    let mut values = writes.iter(chains).map(|(_, value)| value);
    values.next().is_some_and(|first| values.any(|other| other != first))
}

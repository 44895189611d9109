//! A device that signs two histories on purpose: in the place of some of its own entries it tells others something else, under the same numbers
//! and under a seal that is as good.

use bytes::Bytes;
use verso_graph::{Graph, Intent};
use verso_identity::{DeviceId, DeviceKey, WorkspaceId};
use verso_replica::Stream;
use verso_vv::{AuthorTag, Hlc, Seen};
use verso_wire::{
    Application as _, ChainedUnit, CompressionLevel, Content, Drafting, Drafts, Message, SyncUnit, UnitBuilder,
    VerifiedUnit,
};

use crate::device::DeviceIndex;
use crate::merge::Merge;
use crate::world::World;

/// Most nodes of another story.
const MAX_NODES: usize = 3;

impl<A: Merge> World<A> {
    /// Has a device fork its own chains: in the place of about `stories` of 256 units that it wrote and sends it tells another story. Its own disk
    /// has the first one. 0 makes it honest again.
    pub fn tell_two_stories(&mut self, device: DeviceIndex, stories: usize) {
        self.tell(|| format!("{} tells another story {stories} of 256 times", self.name(device)));
        self.devices[device.0].stories = stories;
        self.distrust(device);
    }

    /// Returns what a device sends in the place of a message.
    pub(crate) fn retold(&mut self, device: DeviceIndex, stream: Stream, message: Message) -> Message {
        let stories = self.devices[device.0].stories;
        if stories == 0 {
            return message;
        }
        let (Stream::Workspace(workspace), Message::Unit { bytes }) = (stream, &message) else { return message };
        let author = self.devices[device.0].id();
        let Some(unit) = own_unit(&workspace, bytes, author) else { return message };
        if self.rng.below(256) >= stories {
            return message;
        }
        let count = 1 + self.rng.below(MAX_NODES);
        let number = self.rng.next();
        let intents: Vec<Intent> = (0..count).map(|node| self::node(number, node)).collect();
        let other = retell(&workspace, &unit, &intents, &self.devices[device.0].key());
        let saw = if unit.before().seq.0 > 0 { vec![unit.before().hash] } else { Vec::new() };
        self.witness.committed(workspace, &intents, other.head().hash, Some(saw));
        self.tally.count("stories told twice");
        self.tell(|| format!("{} tells another story from {} on", self.name(device), unit.first_seq()));
        Message::Unit { bytes: Bytes::from(other.encode(CompressionLevel::RECORD)) }
    }
}

/// Decodes a unit of a workspace's application that a device wrote before any fork.
fn own_unit(workspace: &WorkspaceId, bytes: &Bytes, author: DeviceId) -> Option<ChainedUnit> {
    let unit = SyncUnit::decode(workspace, bytes).ok().filter(|_| *workspace != WorkspaceId::CONTROL)?.chain();
    let is_intent = |content| matches!(content, Content::Full { kind, .. } if !kind.is_membership());
    let is_own = unit.author().device == author && unit.branch().is_none();
    (is_own && unit.entries().all(|entry| is_intent(entry.content))).then_some(unit)
}

fn node(number: u64, node: usize) -> Intent {
    let title = format!("another story {number:016x} {node}");
    Intent::AddNode { url: format!("https://example.org/{title}"), title }
}

/// Seals other entries behind what precedes a unit.
fn retell(workspace: &WorkspaceId, unit: &ChainedUnit, intents: &[Intent], key: &DeviceKey) -> VerifiedUnit {
    let author = unit.author();
    let stamp = unit.entries().find_map(|entry| match entry.content {
        Content::Full { hlc, .. } => Some(hlc),
        Content::Digest(_) => None,
    });
    let Hlc(mut stamp) = stamp.unwrap_or_default();
    let (mut drafts, seen) = (Drafts::new(), Seen::default());
    let context = Drafting {
        author,
        tag: AuthorTag::of(&author),
        next: unit.first_seq(),
        seen: &seen,
        hlc_ms: Hlc(stamp).millis(),
    };
    Graph::default().encode(intents, &context, &mut drafts).expect("nodes are intents");
    let mut builder = UnitBuilder::new(*workspace, author, None, unit.before());
    for (kind, payload) in drafts.iter() {
        builder.push(kind, Hlc(stamp), payload).expect("there is room");
        stamp += 1;
    }
    builder.seal(key).expect("the key is the author's")
}

//! The trace: who did what, when in virtual time, for a person to follow.

use verso_graph::Intent;
use verso_identity::{DeviceId, WorkspaceId};
use verso_replica::{Event, Stream};
use verso_vv::Author;
use verso_wire::{Message, SyncUnit};

use crate::device::DeviceIndex;
use crate::merge::Merge;
use crate::world::World;

impl<A: Merge> World<A> {
    /// Prints a line of the trace.
    #[expect(clippy::print_stderr, reason = "a trace is printed, where the test's other output is")]
    pub(crate) fn tell(&self, line: impl FnOnce() -> String) {
        if self.is_traced {
            let (seconds, millis) = (self.now.monotonic_ms / 1000, self.now.monotonic_ms % 1000);
            eprintln!("{seconds:>5}.{millis:03}  {}", line());
        }
    }

    /// What a device is called.
    pub(crate) fn name(&self, device: DeviceIndex) -> &str {
        &self.devices[device.0].name
    }

    pub(crate) fn name_of(&self, device: &DeviceId) -> String {
        let known = self.devices.iter().find(|known| known.id() == *device);
        known.map_or_else(|| device.to_string(), |known| known.name.clone())
    }

    /// What an author is called: its device, and how its incarnation begins.
    pub(crate) fn author(&self, author: &Author) -> String {
        format!("{}.{:02x}", self.name_of(&author.device), author.incarnation.0 >> 56)
    }

    pub(crate) fn stream(stream: Stream) -> String {
        match stream {
            Stream::Control => "control".to_owned(),
            Stream::Workspace(WorkspaceId::CONTROL) => "control log".to_owned(),
            Stream::Workspace(workspace) => workspace.to_string(),
        }
    }

    /// What an event says, short.
    pub(crate) fn event(&self, event: &Event) -> String {
        match event {
            Event::PeerInfo { peer, .. } => format!("has heard from {}", self.name_of(peer)),
            Event::PeerAdmitted { peer } => format!("admits {}", self.name_of(peer)),
            Event::WorkspaceAdopted { workspace, from } => format!("adopts {workspace} of {}", self.name_of(from)),
            Event::RemoteDelta { workspace, from, entries } => {
                format!("has {entries} more entries of {workspace} from {}", self.name_of(from))
            }
            Event::Level { peer, workspace } => format!("is level with {} in {workspace}", self.name_of(peer)),
            Event::AllLevel { peer, stopped } => {
                format!(
                    "is level with {}{}",
                    self.name_of(peer),
                    if *stopped { ", as far as both take it" } else { "" }
                )
            }
            Event::Stopped { peer, workspace, entries, reason } => {
                let whose = entries.map(|(author, from)| format!(" of {}:{from}…", self.author(&author)));
                let place = workspace.map(|workspace| format!(" in {workspace}"));
                let (whose, place) = (whose.unwrap_or_default(), place.unwrap_or_default());
                format!("tells: with {}{place}{whose} stopped, {}", self.name_of(peer), reason.code())
            }
            Event::Progress { peer, workspace, progress, .. } => {
                let (sent, received) = (progress.sent, progress.received);
                format!("has sent {sent} to and received {received} from {} in {workspace}", self.name_of(peer))
            }
            other => format!("tells {other:?}"),
        }
    }

    /// What a message says, short.
    pub(crate) fn message(&self, stream: Stream, message: &Message) -> String {
        match message {
            Message::PeerInfo { versions, .. } => format!("PeerInfo {}–{}", versions.min, versions.max),
            Message::Offer { add, remove } => {
                let add: Vec<String> = add.iter().map(|offered| format!("+{}", offered.workspace)).collect();
                let remove: Vec<String> = remove.iter().map(|workspace| format!("-{workspace}")).collect();
                format!("Offer {} {}", add.join(" "), remove.join(" "))
            }
            Message::Vector { entries, seal } => {
                let entries: Vec<String> =
                    entries.iter().map(|entry| format!("{}:{}", self.author(&entry.author), entry.seq)).collect();
                let seal = seal.map(|seal| format!(", seal {}:{}", self.author(&seal.author), seal.head.seq));
                format!("Vector {}{}", entries.join(" "), seal.unwrap_or_default())
            }
            Message::Unit { bytes } => {
                let workspace = match stream {
                    Stream::Workspace(workspace) => workspace,
                    Stream::Control => WorkspaceId::CONTROL,
                };
                SyncUnit::decode(&workspace, bytes).map_or_else(
                    |error| format!("Unit of {} bytes that is none: {error}", bytes.len()),
                    |unit| {
                        let author = self.author(&unit.author());
                        format!("Unit {author}:{}–{} ({} bytes)", unit.first_seq(), unit.last_seq(), bytes.len())
                    },
                )
            }
            Message::Ack { held, credit } => {
                let held: Vec<String> =
                    held.iter().map(|(author, seq)| format!("{}:{seq}", self.author(author))).collect();
                format!("Ack {} credit {credit}", held.join(" "))
            }
            Message::Decline { author, from, reason } => {
                format!("Decline {}:{from}… {}", self.author(author), reason.code())
            }
            Message::Open { workspace } => format!("Open {workspace}"),
            Message::Withdraw { author } => format!("Withdraw {}", self.author(author)),
            other => format!("{other:?}"),
        }
    }
}

/// What an intent says, short.
pub(crate) fn intent(intent: &Intent) -> String {
    match intent {
        Intent::AddNode { title, .. } => format!("+{title:.20}"),
        Intent::SetTitle { title, .. } => format!("title {title:.20}"),
        Intent::SetUrl { url, .. } => format!("url {url:.30}"),
        Intent::SetWorkspaceName { name } => format!("name {name:.20}"),
        Intent::Tag { tag, .. } => format!("tag {tag}"),
        Intent::Untag { tag, .. } => format!("untag {tag}"),
        Intent::Link { kind, .. } => format!("link {kind}"),
        Intent::Unlink { kind, .. } => format!("unlink {kind}"),
        Intent::Traverse { .. } => "traverse".to_owned(),
        Intent::DeleteNode { nodes } => format!("delete {} nodes", nodes.len()),
        Intent::Resolve { register, choice, .. } => format!("resolve {register:?} {choice:?}"),
        _ => "something".to_owned(),
    }
}

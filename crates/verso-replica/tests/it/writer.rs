//! [`Writer`]: makes units as any device could, honest or not.

use bytes::Bytes;
use verso_identity::{DeviceId, DeviceKey, WorkspaceId};
use verso_trust::{ControlEvent, MembershipEvent};
use verso_vv::{Author, Hlc, Incarnation, Seq};
use verso_wire::{ChainHead, CompressionLevel, EntryKind, Seal, UnitBuilder, VerifiedUnit};
use zeroize::Zeroizing;

use crate::notes::TEXT;

/// The key of the test device with this number.
pub(crate) fn key(number: u8) -> DeviceKey {
    DeviceKey::from_secret(&Zeroizing::new([number; 32]))
}

/// One chain of one device, and where it stands.
pub(crate) struct Writer {
    key: DeviceKey,
    pub(crate) workspace: WorkspaceId,
    pub(crate) author: Author,
    pub(crate) head: ChainHead,
    pub(crate) millis: u64,
}

impl Writer {
    pub(crate) fn new(number: u8, incarnation: u64, workspace: WorkspaceId) -> Self {
        Self::of(key(number), Incarnation(incarnation), workspace)
    }

    pub(crate) fn of(key: DeviceKey, incarnation: Incarnation, workspace: WorkspaceId) -> Self {
        let author = Author { device: key.id(), incarnation };
        let head = ChainHead::start(&workspace, &author);
        Self { key, workspace, author, head, millis: 1_700_000_000_000 }
    }

    /// Another that goes on from here, as a copy of the device does.
    pub(crate) fn twin(&self) -> Self {
        let key = DeviceKey::from_secret(&self.key.to_secret());
        Self { key, workspace: self.workspace, author: self.author, head: self.head, millis: self.millis }
    }

    pub(crate) const fn device(&self) -> DeviceId {
        self.author.device
    }

    /// The next unit, of these entries.
    pub(crate) fn seal(&mut self, entries: &[(EntryKind, Vec<u8>)]) -> VerifiedUnit {
        let mut builder = UnitBuilder::new(self.workspace, self.author, None, self.head);
        for (kind, payload) in entries {
            self.millis += 1;
            builder.push(*kind, Hlc::from_millis(self.millis), payload).unwrap();
        }
        self.head = builder.head();
        builder.seal(&self.key).unwrap()
    }

    /// The next unit, of these texts.
    pub(crate) fn texts(&mut self, texts: &[&str]) -> Bytes {
        let entries: Vec<_> = texts.iter().map(|text| (TEXT, text.as_bytes().to_vec())).collect();
        encode(&self.seal(&entries))
    }

    /// The next unit, of one membership event.
    pub(crate) fn member(&mut self, event: &MembershipEvent) -> Bytes {
        encode(&self.seal(&[(EntryKind(event.kind()), event.encode().unwrap())]))
    }

    /// The next unit, of one event of the control log.
    pub(crate) fn control(&mut self, event: &ControlEvent) -> Bytes {
        encode(&self.seal(&[(EntryKind(event.kind()), event.encode().unwrap())]))
    }

    pub(crate) fn seal_of_head(&self) -> Seal {
        Seal::sign(&self.workspace, self.author, self.head, &self.key)
    }

    pub(crate) const fn last(&self) -> Seq {
        self.head.seq
    }
}

pub(crate) fn encode(unit: &VerifiedUnit) -> Bytes {
    Bytes::from(unit.encode(CompressionLevel::RECORD))
}

/// The next unit of a chain, of one text.
pub(crate) fn text(writer: &mut Writer, text: &str) -> VerifiedUnit {
    writer.seal(&[(TEXT, text.as_bytes().to_vec())])
}

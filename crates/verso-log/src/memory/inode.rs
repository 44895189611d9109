//! The bytes of one simulated file: what programs see, what is durable, and what lies between.

use crate::memory::disk::Random;

/// Disks write sectors of this size whole or not at all.
const SECTOR: usize = 512;

/// A change since the last sync.
#[derive(Debug, Clone)]
enum Change {
    Write { offset: usize, bytes: Vec<u8> },
    SetLen(usize),
}

/// One file.
#[derive(Debug, Clone, Default)]
pub(super) struct Inode {
    current: Vec<u8>,
    durable: Vec<u8>,
    pending: Vec<Change>,
}

impl Inode {
    pub(super) const fn of(bytes: Vec<u8>, durable: Vec<u8>) -> Self {
        Self { current: bytes, durable, pending: Vec::new() }
    }

    pub(super) fn current(&self) -> &[u8] {
        &self.current
    }

    pub(super) fn durable(&self) -> &[u8] {
        &self.durable
    }

    pub(super) fn write(&mut self, offset: usize, bytes: &[u8]) {
        put(&mut self.current, offset, bytes);
        self.pending.push(Change::Write { offset, bytes: bytes.to_vec() });
    }

    pub(super) fn set_len(&mut self, len: usize) {
        self.current.resize(len, 0);
        self.pending.push(Change::SetLen(len));
    }

    pub(super) fn sync(&mut self) {
        // The changes are replayed: after a sync that failed, `current` holds what will never be durable.
        for change in std::mem::take(&mut self.pending) {
            match change {
                Change::Write { offset, bytes } => put(&mut self.durable, offset, &bytes),
                Change::SetLen(len) => self.durable.resize(len, 0),
            }
        }
    }

    /// A sync that fails: some of what it was to make durable is, and the system forgets that the rest is not.
    pub(super) fn fail_sync(&mut self, random: &mut Random) {
        self.durable = self.survive(random);
        self.pending.clear();
    }

    /// Returns what a power cut may leave: durable bytes, and of each change since any subset of its sectors.
    pub(super) fn survive(&self, random: &mut Random) -> Vec<u8> {
        let luck = random.luck();
        let mut bytes = self.durable.clone();
        for change in &self.pending {
            match change {
                Change::SetLen(len) => {
                    if random.happens(luck) {
                        bytes.resize(*len, 0);
                    }
                }
                Change::Write { offset, bytes: written } => {
                    let mut from = *offset;
                    let end = offset + written.len();
                    while from < end {
                        let to = (from / SECTOR + 1).saturating_mul(SECTOR).min(end);
                        if random.happens(luck) {
                            put(&mut bytes, from, written.get(from - offset..to - offset).unwrap_or_default());
                        } else if bytes.len() < to && random.happens(luck) {
                            // The file grew, and the sector was never written.
                            bytes.resize(to, 0);
                        }
                        from = to;
                    }
                }
            }
        }
        bytes
    }
}

fn put(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    let end = offset + new.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    if let Some(place) = bytes.get_mut(offset..end) {
        place.copy_from_slice(new);
    }
}

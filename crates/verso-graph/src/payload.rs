//! [`Payload`]: what an entry carries, byte by byte as `docs/formats/graph.md` describes it.
//!
//! An entry's kind is its format: a change of a layout takes a new kind, and kinds that a device doesn't know it ignores.

use verso_vv::{AuthorTag, HashTag, Seen, Seq, varint};
use verso_wire::EntryKind;

use crate::intent::{Choice, Field, MAX_DELETED, Register};

/// The kinds of entries that this crate writes and reads.
pub mod kinds {
    use verso_wire::EntryKind;

    /// A node is created.
    pub const ADD_NODE: EntryKind = EntryKind(0);
    /// A node's title is written.
    pub const SET_TITLE: EntryKind = EntryKind(1);
    /// A node's url is written.
    pub const SET_URL: EntryKind = EntryKind(2);
    /// The workspace's name is written.
    pub const SET_WORKSPACE_NAME: EntryKind = EntryKind(3);
    /// A tag is added.
    pub const TAG: EntryKind = EntryKind(4);
    /// A tag is removed.
    pub const UNTAG: EntryKind = EntryKind(5);
    /// An edge is added.
    pub const LINK: EntryKind = EntryKind(6);
    /// An edge is removed.
    pub const UNLINK: EntryKind = EntryKind(7);
    /// Somebody went from one node to another.
    pub const TRAVERSE: EntryKind = EntryKind(8);
    /// Nodes are deleted.
    pub const DELETE_NODE: EntryKind = EntryKind(9);
    /// It is decided whether a node is there.
    pub const RESOLVE: EntryKind = EntryKind(10);
    /// It is decided which title or url stays.
    pub const RESOLVE_REGISTER: EntryKind = EntryKind(11);

    /// Returns the name of a kind, `None` for kinds that this version doesn't know.
    #[must_use]
    pub const fn name(kind: EntryKind) -> Option<&'static str> {
        Some(match kind {
            ADD_NODE => "add-node",
            SET_TITLE => "set-title",
            SET_URL => "set-url",
            SET_WORKSPACE_NAME => "set-workspace-name",
            TAG => "tag",
            UNTAG => "untag",
            LINK => "link",
            UNLINK => "unlink",
            TRAVERSE => "traverse",
            DELETE_NODE => "delete-node",
            RESOLVE => "resolve",
            RESOLVE_REGISTER => "resolve-register",
            _ => return None,
        })
    }
}

/// Greatest number of an entry that can be referred to: 2⁴⁰ − 1, so that a dot fits 8 bytes in memory. Entries take at least
/// three bytes each, so no chain gets there.
pub(crate) const MAX_SEQ: u64 = (1 << 40) - 1;

/// Most dots of a list: an author has at most one that counts on any item.
const MAX_DOTS: u64 = 4096;

/// The bytes are not a payload of their kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Malformed;

/// What an entry carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Payload<'a> {
    AddNode { url: &'a str, title: &'a str },
    Set { register: Register, node: Ref, replaces: Vec<Ref>, value: &'a str },
    SetWorkspaceName { replaces: Vec<Ref>, name: &'a str },
    Tag { node: Ref, tag: Label<'a> },
    Untag { node: Ref, removes: Vec<Ref>, tag: Label<'a> },
    Link { src: Ref, dst: Ref, kind: Label<'a> },
    Unlink { src: Ref, dst: Ref, removes: Vec<Ref>, kind: Label<'a> },
    Traverse { src: Ref, dst: Ref, trigger: Label<'a> },
    DeleteNode { seen: SeenBy, nodes: Vec<Ref> },
    Resolve { choice: Choice, seen: SeenBy, node: Ref },
    ResolveRegister { register: Register, node: Ref, drops: Vec<Ref> },
}

/// Names an entry. Where a node is meant: the node that this entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ref {
    /// By its number in the own chain.
    Own(u64),
    /// In anybody's chain.
    Other(OtherRef),
}

/// Names an entry in any chain, on the branch that its hash tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OtherRef {
    pub(crate) author: AuthorTag,
    pub(crate) seq: u64,
    pub(crate) hash: HashTag,
}

/// A tag, an edge's kind or a trigger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Label<'a> {
    /// For the first time in this chain.
    Text(&'a str),
    /// The text that this own entry carries.
    Same(u64),
}

/// What the author had applied, beside its own chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum SeenBy {
    /// For the first time in this chain.
    Full(Seen),
    /// The vector that this own entry carries.
    Same(u64),
}

impl<'a> Payload<'a> {
    pub(crate) fn kind(&self) -> EntryKind {
        match self {
            Self::AddNode { .. } => kinds::ADD_NODE,
            Self::Set { register: Register::Title, .. } => kinds::SET_TITLE,
            Self::Set { register: Register::Url, .. } => kinds::SET_URL,
            Self::SetWorkspaceName { .. } => kinds::SET_WORKSPACE_NAME,
            Self::Tag { .. } => kinds::TAG,
            Self::Untag { .. } => kinds::UNTAG,
            Self::Link { .. } => kinds::LINK,
            Self::Unlink { .. } => kinds::UNLINK,
            Self::Traverse { .. } => kinds::TRAVERSE,
            Self::DeleteNode { .. } => kinds::DELETE_NODE,
            Self::Resolve { .. } => kinds::RESOLVE,
            Self::ResolveRegister { .. } => kinds::RESOLVE_REGISTER,
        }
    }

    /// Appends the bytes that entry `seq` carries.
    pub(crate) fn write(&self, seq: u64, out: &mut Vec<u8>) {
        match self {
            Self::AddNode { url, title } => {
                put_len(out, url.len());
                out.extend_from_slice(url.as_bytes());
                out.extend_from_slice(title.as_bytes());
            }
            Self::Set { register: _, node, replaces, value } => {
                put_back(out, seq, node);
                put_dots(out, replaces);
                out.extend_from_slice(value.as_bytes());
            }
            Self::SetWorkspaceName { replaces, name } => {
                put_dots(out, replaces);
                out.extend_from_slice(name.as_bytes());
            }
            Self::Tag { node, tag } => {
                put_back(out, seq, node);
                put_label(out, tag);
            }
            Self::Untag { node, removes, tag } => {
                put_back(out, seq, node);
                put_dots(out, removes);
                put_label(out, tag);
            }
            Self::Link { src, dst, kind: label } | Self::Traverse { src, dst, trigger: label } => {
                put_back(out, seq, src);
                put_ref(out, dst);
                put_label(out, label);
            }
            Self::Unlink { src, dst, removes, kind } => {
                put_back(out, seq, src);
                put_ref(out, dst);
                put_dots(out, removes);
                put_label(out, kind);
            }
            Self::DeleteNode { seen, nodes } => {
                put_seen(out, seen);
                for node in nodes {
                    put_back(out, seq, node);
                }
            }
            Self::Resolve { choice, seen, node } => {
                out.push(match choice {
                    Choice::Delete => 0,
                    Choice::Ghost => 1,
                    Choice::Keep => 2,
                });
                put_seen(out, seen);
                put_back(out, seq, node);
            }
            Self::ResolveRegister { register, node, drops } => {
                out.push(match register {
                    Register::Title => 0,
                    Register::Url => 1,
                });
                put_back(out, seq, node);
                put_dots(out, drops);
            }
        }
    }

    /// Reads the bytes that entry `seq` carries. Strict: every byte is used, every number is in its shortest form and
    /// names what comes before the entry, every text is UTF-8 within its limit.
    pub(crate) fn read(kind: EntryKind, bytes: &'a [u8], seq: u64) -> Result<Self, Malformed> {
        let mut reader = Reader { bytes, seq };
        let payload = match kind {
            kinds::ADD_NODE => {
                let len = usize::try_from(reader.number()?).map_err(|_source| Malformed)?;
                Self::AddNode { url: reader.text(len, Field::Url)?, title: reader.rest(Field::Title)? }
            }
            kinds::SET_TITLE => Self::Set {
                register: Register::Title,
                node: reader.back()?,
                replaces: reader.dots()?,
                value: reader.rest(Field::Title)?,
            },
            kinds::SET_URL => Self::Set {
                register: Register::Url,
                node: reader.back()?,
                replaces: reader.dots()?,
                value: reader.rest(Field::Url)?,
            },
            kinds::SET_WORKSPACE_NAME => {
                Self::SetWorkspaceName { replaces: reader.dots()?, name: reader.rest(Field::WorkspaceName)? }
            }
            kinds::TAG => Self::Tag { node: reader.back()?, tag: reader.label(Field::Tag)? },
            kinds::UNTAG => {
                Self::Untag { node: reader.back()?, removes: reader.dots()?, tag: reader.label(Field::Tag)? }
            }
            kinds::LINK => {
                Self::Link { src: reader.back()?, dst: reader.reference()?, kind: reader.label(Field::EdgeKind)? }
            }
            kinds::UNLINK => Self::Unlink {
                src: reader.back()?,
                dst: reader.reference()?,
                removes: reader.dots()?,
                kind: reader.label(Field::EdgeKind)?,
            },
            kinds::TRAVERSE => {
                Self::Traverse { src: reader.back()?, dst: reader.reference()?, trigger: reader.label(Field::Trigger)? }
            }
            kinds::DELETE_NODE => Self::DeleteNode { seen: reader.seen()?, nodes: reader.nodes()? },
            kinds::RESOLVE => Self::Resolve { choice: reader.choice()?, seen: reader.seen()?, node: reader.back()? },
            kinds::RESOLVE_REGISTER => {
                Self::ResolveRegister { register: reader.register()?, node: reader.back()?, drops: reader.dots()? }
            }
            _ => return Err(Malformed),
        };
        if reader.bytes.is_empty() { Ok(payload) } else { Err(Malformed) }
    }
}

fn put_len(out: &mut Vec<u8>, len: usize) {
    varint::put(out, u64::try_from(len).unwrap_or(u64::MAX));
}

/// A node that is usually the one of the entry before: as a difference, which is then always 1.
fn put_back(out: &mut Vec<u8>, seq: u64, node: &Ref) {
    match node {
        Ref::Own(own) => varint::put(out, seq - own),
        Ref::Other(_) => put_ref(out, node),
    }
}

/// Anything else: as the number itself, so that what is named often looks alike every time.
fn put_ref(out: &mut Vec<u8>, reference: &Ref) {
    match reference {
        Ref::Own(own) => varint::put(out, *own),
        Ref::Other(other) => {
            out.push(0);
            out.extend_from_slice(&other.author.0);
            varint::put(out, other.seq);
            out.extend_from_slice(&other.hash.0);
        }
    }
}

fn put_dots(out: &mut Vec<u8>, dots: &[Ref]) {
    put_len(out, dots.len());
    for dot in dots {
        put_ref(out, dot);
    }
}

fn put_label(out: &mut Vec<u8>, label: &Label<'_>) {
    match label {
        Label::Text(text) => {
            out.push(0);
            out.extend_from_slice(text.as_bytes());
        }
        Label::Same(own) => varint::put(out, *own),
    }
}

fn put_seen(out: &mut Vec<u8>, seen: &SeenBy) {
    match seen {
        SeenBy::Full(seen) => {
            out.push(0);
            seen.encode(out);
        }
        SeenBy::Same(own) => varint::put(out, *own),
    }
}

struct Reader<'a> {
    bytes: &'a [u8],
    /// The number of the entry that is read.
    seq: u64,
}

impl<'a> Reader<'a> {
    fn number(&mut self) -> Result<u64, Malformed> {
        varint::take(&mut self.bytes).ok_or(Malformed)
    }

    /// Reads a number; `None` is 0, others name an own entry before this one.
    fn own(&mut self) -> Result<Option<u64>, Malformed> {
        match self.number()? {
            0 => Ok(None),
            own if own < self.seq => Ok(Some(own)),
            _ => Err(Malformed),
        }
    }

    fn back(&mut self) -> Result<Ref, Malformed> {
        match self.own()? {
            Some(difference) => Ok(Ref::Own(self.seq - difference)),
            None => self.other(),
        }
    }

    fn reference(&mut self) -> Result<Ref, Malformed> {
        match self.own()? {
            Some(own) => Ok(Ref::Own(own)),
            None => self.other(),
        }
    }

    fn other(&mut self) -> Result<Ref, Malformed> {
        let author = AuthorTag(self.array()?);
        let seq = self.number()?;
        if !(1..=MAX_SEQ).contains(&seq) {
            return Err(Malformed);
        }
        Ok(Ref::Other(OtherRef { author, seq, hash: HashTag(self.array()?) }))
    }

    fn dots(&mut self) -> Result<Vec<Ref>, Malformed> {
        let count = self.number()?;
        if count > MAX_DOTS {
            return Err(Malformed);
        }
        // Grown as they are read: the count alone must not make anyone allocate.
        let mut dots = Vec::new();
        for _ in 0..count {
            dots.push(self.reference()?);
        }
        Ok(dots)
    }

    fn nodes(&mut self) -> Result<Vec<Ref>, Malformed> {
        let mut nodes = Vec::new();
        while !self.bytes.is_empty() {
            if nodes.len() == MAX_DELETED {
                return Err(Malformed);
            }
            nodes.push(self.back()?);
        }
        if nodes.is_empty() { Err(Malformed) } else { Ok(nodes) }
    }

    fn seen(&mut self) -> Result<SeenBy, Malformed> {
        if let Some(own) = self.own()? {
            return Ok(SeenBy::Same(own));
        }
        let (seen, rest) = Seen::decode(self.bytes).map_err(|_source| Malformed)?;
        if seen.items().iter().any(|item| item.seq == Seq::ZERO || item.seq.0 > MAX_SEQ) {
            return Err(Malformed);
        }
        self.bytes = rest;
        Ok(SeenBy::Full(seen))
    }

    fn label(&mut self, field: Field) -> Result<Label<'a>, Malformed> {
        if let Some(own) = self.own()? {
            return Ok(Label::Same(own));
        }
        let text = self.rest(field)?;
        if text.is_empty() && field == Field::Tag { Err(Malformed) } else { Ok(Label::Text(text)) }
    }

    fn choice(&mut self) -> Result<Choice, Malformed> {
        match self.array()? {
            [0] => Ok(Choice::Delete),
            [1] => Ok(Choice::Ghost),
            [2] => Ok(Choice::Keep),
            _ => Err(Malformed),
        }
    }

    fn register(&mut self) -> Result<Register, Malformed> {
        match self.array()? {
            [0] => Ok(Register::Title),
            [1] => Ok(Register::Url),
            _ => Err(Malformed),
        }
    }

    fn rest(&mut self, field: Field) -> Result<&'a str, Malformed> {
        self.text(self.bytes.len(), field)
    }

    fn text(&mut self, len: usize, field: Field) -> Result<&'a str, Malformed> {
        let (text, rest) = self.bytes.split_at_checked(len).ok_or(Malformed)?;
        if len > field.limit() {
            return Err(Malformed);
        }
        self.bytes = rest;
        std::str::from_utf8(text).map_err(|_source| Malformed)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let (array, rest) = self.bytes.split_first_chunk::<N>().ok_or(Malformed)?;
        self.bytes = rest;
        Ok(*array)
    }
}

#[cfg(test)]
mod tests;

//! What each end of a stream holds of every author, and what is still to move: [`Chains`].

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use verso_vv::{Author, Seq};
use verso_wire::Reason;
use verso_wire::limits::MAX_AUTHORS;

use crate::error::SessionError;

/// Most chains that a stream keeps track of: the authors of two vectors that have none in common.
const MAX_CHAINS: usize = 2 * MAX_AUTHORS;

/// How often an author's chain is sent again because the peer saw a gap, before it is given up for this session. One gap follows every withdrawn decline
/// that crossed with data; an acknowledgement starts the count anew.
const MAX_GAPS: u8 = 8;

/// How many entries are shown to a peer that holds others under the same numbers: 64. If the two part further back it asks for more.
const SHOWN_OF_FORK: u64 = 64;

/// For every author of a workspace: what is held here, what the peer is known to hold, what was sent, and what either doesn't want.
///
/// The sums are kept as things change, so that no step costs more than the one author it is about.
#[derive(Debug, Default)]
pub(crate) struct Chains {
    of: BTreeMap<Author, Chain>,
    /// Authors in the order in which they are sent.
    ranks: Vec<Author>,
    /// Ranks of the authors of whom something is to be sent.
    pending: BTreeSet<usize>,
    /// Entries that the peer lacks and wants; sums are wider than a sequence number, so no claim overflows them.
    lag: u128,
    /// Entries that the peer has shown, and that are lacking and wanted here.
    missing: u128,
    frozen: bool,
}

#[derive(Debug, Clone, Copy, Default)]
struct Chain {
    rank: usize,
    /// Held here, durably.
    ours: Seq,
    /// Up to where the peer is to be brought: `ours`, until the stream is frozen.
    goal: Seq,
    /// Sent, or known to be there.
    sent: Seq,
    /// Known to be durable at the peer: from its vector, its acknowledgements, and because it sent it.
    theirs: Seq,
    /// What the peer acknowledged, which never goes back.
    acked: Seq,
    /// What the peer has shown that it holds.
    shown: Seq,
    /// The first entry that the peer doesn't want, and why.
    stop: Option<(Seq, Reason)>,
    /// The first entry that isn't wanted here.
    refused: Option<Seq>,
    gaps: u8,
    /// The two hold different entries under the same numbers: what is held here says nothing of what the peer sent.
    apart: bool,
}

impl Chain {
    fn send_until(&self) -> Seq {
        self.stop.map_or(self.goal, |(from, _)| self.goal.min(from.previous()))
    }

    fn lag(&self) -> u64 {
        self.send_until().0.saturating_sub(self.theirs.0)
    }

    fn missing(&self) -> u64 {
        let until = self.refused.map_or(self.shown, |from| self.shown.min(from.previous()));
        until.0.saturating_sub(self.ours.0)
    }
}

/// What a decline by the peer led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Declined {
    /// It stands until it is withdrawn.
    Stopped,
    /// The peer saw a gap; the chain is sent again from where it stands.
    SentAgain,
}

impl Chains {
    /// Takes what is held here, in the order in which it is to be sent.
    pub(crate) fn new(heads: impl IntoIterator<Item = (Author, Seq)>) -> Result<Self, SessionError> {
        let mut chains = Self::default();
        for (author, seq) in heads {
            chains.advance(author, seq)?;
        }
        Ok(chains)
    }

    /// What is held here advanced. Returns whether that is news.
    pub(crate) fn advance(&mut self, author: Author, seq: Seq) -> Result<bool, SessionError> {
        let frozen = self.frozen;
        self.update(author, |chain| {
            let grew = seq > chain.ours;
            chain.ours = chain.ours.max(seq);
            if !frozen {
                chain.goal = chain.goal.max(seq);
            }
            grew
        })
    }

    /// The peer showed by its vector, or by equal digests, that it holds `author` up to `seq`.
    pub(crate) fn shown(&mut self, author: Author, seq: Seq) -> Result<(), SessionError> {
        self.update(author, |chain| {
            chain.shown = chain.shown.max(seq);
            chain.theirs = chain.theirs.max(seq);
            chain.sent = chain.sent.max(seq);
        })
    }

    /// What the peer sent of `author` up to `seq` is durable here. Returns how many entries that is more than before, and up to where
    /// the chain is held.
    pub(crate) fn received(&mut self, author: Author, seq: Seq) -> Result<(u64, Seq), SessionError> {
        let gained = self.update(author, |chain| {
            let gained = seq.0.saturating_sub(chain.ours.0);
            chain.ours = chain.ours.max(seq);
            (gained, if chain.apart { seq } else { chain.ours })
        })?;
        self.shown(author, seq)?;
        Ok(gained)
    }

    /// The peer acknowledged `author` up to `seq`. Returns by how many entries the lag shrank, `None` if it had acknowledged that before.
    pub(crate) fn acknowledged(&mut self, author: Author, seq: Seq) -> Result<Option<u64>, SessionError> {
        self.update(author, |chain| {
            if seq < chain.acked {
                return Err(SessionError::AckRegressed { author, before: chain.acked, now: seq });
            }
            if seq == chain.acked {
                return Ok(None);
            }
            let before = chain.lag();
            chain.gaps = 0;
            chain.acked = seq;
            chain.theirs = chain.theirs.max(seq);
            chain.sent = chain.sent.max(seq);
            Ok(Some(before - chain.lag()))
        })?
    }

    /// The peer doesn't want `author` from `from` on.
    pub(crate) fn declined(&mut self, author: Author, from: Seq, reason: Reason) -> Result<Declined, SessionError> {
        self.update(author, |chain| {
            if reason == Reason::Gap && chain.gaps < MAX_GAPS {
                chain.gaps += 1;
                if from <= chain.theirs {
                    // It holds other entries under these numbers, and asks for those where the two part.
                    chain.theirs = from.previous();
                    chain.acked = chain.acked.min(chain.theirs);
                    (chain.stop, chain.apart) = (None, true);
                }
                chain.sent = chain.theirs.max(from.previous().min(chain.sent));
                return Declined::SentAgain;
            }
            chain.stop = Some((from, reason));
            Declined::Stopped
        })
    }

    /// The peer takes what it had declined of `author`; what it did not acknowledge goes out again, since it dropped that. Returns whether it
    /// had declined anything.
    pub(crate) fn withdrawn(&mut self, author: Author) -> Result<bool, SessionError> {
        self.update(author, |chain| {
            let declined = chain.stop.take().is_some();
            if declined {
                chain.sent = chain.theirs;
            }
            declined
        })
    }

    /// Both hold `author` up to `seq`, under different hashes: the peer is to get the last entries, which show it the other history. Until it has
    /// said something to that, the two are not level.
    pub(crate) fn forked(&mut self, author: Author, seq: Seq) -> Result<(), SessionError> {
        self.update(author, |chain| {
            chain.apart = true;
            chain.theirs = chain.theirs.min(Seq(seq.0.saturating_sub(SHOWN_OF_FORK)));
            chain.acked = chain.acked.min(chain.theirs);
            chain.sent = chain.theirs;
        })
    }

    /// Something is missing here before what the peer sent of `author`: from `from` on. If that lies within what is held, other entries are.
    pub(crate) fn lacks(&mut self, author: Author, from: Seq) -> Result<(), SessionError> {
        self.update(author, |chain| chain.apart |= from <= chain.ours)
    }

    /// `author` isn't wanted here from `from` on.
    pub(crate) fn refuse(&mut self, author: Author, from: Seq) -> Result<(), SessionError> {
        self.update(author, |chain| chain.refused = Some(from))
    }

    /// `author` is wanted here again. Returns whether it wasn't.
    pub(crate) fn accept(&mut self, author: Author) -> Result<bool, SessionError> {
        self.update(author, |chain| chain.refused.take().is_some())
    }

    /// What advances from now on is not for this session.
    pub(crate) const fn freeze(&mut self) {
        self.frozen = true;
    }

    /// Whether the stream takes nothing new any more.
    pub(crate) const fn is_frozen(&self) -> bool {
        self.frozen
    }

    /// The author that is next to be sent, and its first entry to send.
    pub(crate) fn next_to_send(&self) -> Option<(Author, Seq)> {
        let author = self.ranks.get(*self.pending.first()?)?;
        Some((*author, self.of.get(author)?.sent.next()))
    }

    /// Up to where `author` was sent or is known at the peer.
    pub(crate) fn sent_until(&self, author: &Author) -> Seq {
        self.of.get(author).map_or(Seq::ZERO, |chain| chain.sent)
    }

    /// Up to where `author` is to be sent.
    pub(crate) fn send_until(&self, author: &Author) -> Seq {
        self.of.get(author).map_or(Seq::ZERO, Chain::send_until)
    }

    /// `author` was sent up to `last`.
    pub(crate) fn sent(&mut self, author: Author, last: Seq) -> Result<(), SessionError> {
        self.update(author, |chain| chain.sent = chain.sent.max(last))
    }

    /// Entries that the peer lacks and wants.
    pub(crate) const fn lag(&self) -> u128 {
        self.lag
    }

    /// Entries that the peer has shown, and that are lacking and wanted here.
    pub(crate) const fn missing(&self) -> u128 {
        self.missing
    }

    /// Changes what is known of one author and brings the sums along.
    fn update<R>(&mut self, author: Author, change: impl FnOnce(&mut Chain) -> R) -> Result<R, SessionError> {
        let limit = self.of.len() >= MAX_CHAINS;
        let chain = match self.of.entry(author) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(_) if limit => {
                return Err(SessionError::limit("authors in a workspace", MAX_CHAINS));
            }
            Entry::Vacant(entry) => {
                self.ranks.push(author);
                entry.insert(Chain { rank: self.ranks.len() - 1, ..Chain::default() })
            }
        };
        let (lag, missing) = (chain.lag(), chain.missing());
        let result = change(chain);
        self.lag = self.lag - u128::from(lag) + u128::from(chain.lag());
        self.missing = self.missing - u128::from(missing) + u128::from(chain.missing());
        if chain.send_until() > chain.sent {
            self.pending.insert(chain.rank);
        } else {
            self.pending.remove(&chain.rank);
        }
        Ok(result)
    }
}

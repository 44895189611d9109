//! Any inputs in any order, from the peer and from a replica that answers nonsense: nothing panics, nothing is acknowledged that was not
//! durable, and after the end comes nothing.

use bytes::Bytes;
use proptest::prelude::*;
use verso_identity::{Signature, WorkspaceId};
use verso_session::{EncodedRun, Input, LocalInfo, Millis, Mode, Output, Session, SessionConfig};
use verso_trust::PeerRole;
use verso_vv::{Author, EntryHash, Seq};
use verso_wire::limits::IN_FLIGHT;
use verso_wire::{ChainHead, ForkProof, ForkSide, HeldDigest, Message, Reason, Seal, VectorEntry, VersionRange};

use crate::net::workspace;
use crate::script::{PEER, author, offered, peer_info};
use crate::store::Store;

/// Bytes that cost nothing to make.
fn zeros(len: usize) -> Bytes {
    static ZEROS: [u8; 3_000_000] = [0; 3_000_000];
    Bytes::from_static(&ZEROS[..len])
}

fn any_workspace() -> impl Strategy<Value = WorkspaceId> {
    prop_oneof![Just(WorkspaceId::CONTROL), (1..4_u8).prop_map(workspace)]
}

fn any_author() -> impl Strategy<Value = Author> {
    (0..4_u64).prop_map(author)
}

fn any_seq() -> impl Strategy<Value = Seq> {
    prop_oneof![0..8_u64, Just(u64::MAX), Just(u64::MAX - 1)].prop_map(Seq)
}

fn any_reason() -> impl Strategy<Value = Reason> {
    prop::sample::select(vec![Reason::Gap, Reason::Declined, Reason::Fork])
}

fn any_head() -> impl Strategy<Value = ChainHead> {
    (any_seq(), any::<u8>()).prop_map(|(seq, byte)| ChainHead { seq, hash: EntryHash([byte; 32]) })
}

fn any_run() -> impl Strategy<Value = EncodedRun> {
    (any_seq(), any_seq(), prop_oneof![0..100_usize, Just(3_000_000)]).prop_map(|(first, last, len)| EncodedRun {
        first,
        last,
        bytes: zeros(len),
    })
}

fn any_message() -> impl Strategy<Value = Message> {
    let seal = (any_author(), any_head()).prop_map(|(author, head)| Seal {
        author,
        head,
        signature: Signature::from_bytes([0; 64]),
    });
    let entry = (any_author(), any_seq(), any::<u8>()).prop_map(|(author, seq, tag)| VectorEntry {
        author,
        seq,
        tag: [tag; 8],
    });
    let side = ForkSide { digests: Vec::new(), signature: Signature::from_bytes([0; 64]) };
    prop_oneof![
        1 => Just(peer_info(VersionRange::CURRENT)),
        2 => (prop::collection::vec(any_workspace(), 0..3), prop::collection::vec(any_workspace(), 0..3))
            .prop_map(|(add, remove)| Message::Offer { add: offered(&add), remove }),
        1 => any_workspace().prop_map(|workspace| Message::Open { workspace }),
        2 => any::<bool>().prop_map(|empty| Message::Hello {
            digest: if empty { HeldDigest::of([]) } else { HeldDigest([3; 32]) },
        }),
        2 => (prop::collection::btree_map(any_author(), entry, 0..4), prop::option::weighted(0.1, seal)).prop_map(
            |(entries, seal)| Message::Vector {
                entries: entries.into_iter().map(|(author, entry)| VectorEntry { author, ..entry }).collect(),
                seal,
            }
        ),
        4 => prop_oneof![1..100_usize, Just(2_000_000)].prop_map(|len| Message::Unit { bytes: zeros(len) }),
        4 => (prop::collection::vec((any_author(), any_seq()), 0..3), prop_oneof![Just(0), 0..1000_u64, Just(u64::MAX / 2)])
            .prop_map(|(held, more)| Message::Ack { held, credit: IN_FLIGHT + more }),
        3 => (any_author(), any_seq(), any_reason())
            .prop_map(|(author, from, reason)| Message::Decline { author, from, reason }),
        3 => any_author().prop_map(|author| Message::Withdraw { author }),
        1 => any_author().prop_map(move |author| Message::Proof(ForkProof {
            author,
            at: Seq(1),
            prev_hash: EntryHash([0; 32]),
            sides: [side.clone(), side.clone()],
        })),
        1 => prop::option::weighted(0.2, any_reason()).prop_map(|reason| Message::Goodbye { reason }),
        1 => Just(Message::Devices { devices: Vec::new() }),
    ]
}

fn any_input() -> impl Strategy<Value = Input> {
    prop_oneof![
        4 => any_message().prop_map(Input::Control),
        20 => (any_workspace(), any_message()).prop_map(|(workspace, message)| match message {
            Message::Open { .. } => Input::Stream { workspace, message: Message::Open { workspace } },
            message => Input::Stream { workspace, message },
        }),
        2 => any_workspace().prop_map(|workspace| Input::StreamClosed { workspace }),
        3 => prop::collection::btree_set(any_workspace(), 0..4)
            .prop_map(|ids| Input::Offers(offered(&ids.into_iter().collect::<Vec<_>>()))),
        6 => (any_workspace(), prop::collection::vec((any_author(), any_head()), 0..3))
            .prop_map(|(workspace, heads)| Input::Heads { workspace, heads, peer_seal: None }),
        4 => (any_workspace(), any_author(), any_head(), prop::option::of(any_run()))
            .prop_map(|(workspace, author, head, run)| Input::Advanced { workspace, author, head, run }),
        6 => (any_workspace(), any_author(), prop::collection::vec(any_run(), 0..3))
            .prop_map(|(workspace, author, units)| Input::Units { workspace, author, units }),
        3 => (any_workspace(), any_author(), any_seq(), any_reason())
            .prop_map(|(workspace, author, from, reason)| Input::Declined { workspace, author, from, reason }),
        2 => (any_workspace(), any_author()).prop_map(|(workspace, author)| Input::Withdrawn { workspace, author }),
        1 => Just(Input::Finish),
        1 => Just(Input::Tick),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Nothing is ever durable here, so nothing may be acknowledged but what the replica said itself that it holds.
    #[test]
    fn any_inputs_in_any_order(
        opener in 0..2_usize,
        role in prop::sample::select(vec![PeerRole::Own, PeerRole::Friend]),
        mode in prop::sample::select(vec![Mode::StayOpen, Mode::FinishWhenLevel]),
        warm: bool,
        inputs in prop::collection::vec((any_input(), 0..500_u64), 0..120),
    ) {
        let config = SessionConfig {
            me: Store::new(1).id(),
            peer: PEER[opener],
            peer_role: role,
            info: LocalInfo { name: "me".to_owned(), wall_clock_ms: 0, addresses: Vec::new() },
            version_floor: 0,
            mode,
        };
        let mut session = Session::new(config, Millis(0));
        let mut now = 0;
        let mut held = Held::default();
        let mut over = false;
        let before = if warm { warm_up(opener, role) } else { Vec::new() };
        for (input, pause) in before.into_iter().map(|input| (input, 0)).chain(inputs) {
            now += pause;
            held.note(&input);
            session.handle(Millis(now), input);
            while let Some(output) = session.poll() {
                prop_assert!(!over, "{output:?} came after the last output");
                match output {
                    Output::Send { message: Message::Ack { held: acknowledged, .. }, workspace } => {
                        for (author, seq) in acknowledged {
                            prop_assert!(held.covers(workspace, author, seq), "{author} was acknowledged up to {seq}");
                        }
                    }
                    Output::Close { .. } => over = true,
                    _ => {}
                }
            }
            prop_assert_eq!(session.is_over(), over);
            prop_assert!(session.poll_timeout().is_none() || !over);
        }
    }
}

/// What the replica said that it holds, by whatever way it came.
#[derive(Default)]
struct Held(Vec<(WorkspaceId, Author, Seq)>);

impl Held {
    fn note(&mut self, input: &Input) {
        match input {
            Input::Heads { workspace, heads, .. } => {
                self.0.extend(heads.iter().map(|(author, head)| (*workspace, *author, head.seq)));
            }
            Input::Advanced { workspace, author, head, .. } => self.0.push((*workspace, *author, head.seq)),
            _ => {}
        }
    }

    fn covers(&self, workspace: WorkspaceId, author: Author, seq: Seq) -> bool {
        self.0.iter().any(|(w, a, s)| (*w, *a) == (workspace, author) && *s >= seq)
    }
}

/// Inputs that bring a session to where units flow, so that the rest meets something.
fn warm_up(opener: usize, role: PeerRole) -> Vec<Input> {
    let ids: Vec<WorkspaceId> = (1..4).map(workspace).collect();
    let mut inputs = vec![
        Input::Offers(offered(&ids)),
        Input::Control(peer_info(VersionRange::CURRENT)),
        Input::Control(Message::Offer { add: offered(&ids), remove: Vec::new() }),
        Input::Offers(offered(&ids)),
        Input::Control(Message::Offer { add: Vec::new(), remove: Vec::new() }),
    ];
    let control = (role == PeerRole::Own).then_some(WorkspaceId::CONTROL);
    for workspace in control.into_iter().chain(ids) {
        if opener == 0 {
            inputs.push(Input::Stream { workspace, message: Message::Open { workspace } });
        }
        inputs.push(Input::Heads { workspace, heads: Vec::new(), peer_seal: None });
        let digest = if workspace == self::workspace(2) { HeldDigest([3; 32]) } else { HeldDigest::of([]) };
        inputs.push(Input::Stream { workspace, message: Message::Hello { digest } });
        if workspace == self::workspace(2) {
            let message = Message::Vector { entries: Vec::new(), seal: None };
            inputs.push(Input::Stream { workspace, message });
        }
    }
    inputs
}

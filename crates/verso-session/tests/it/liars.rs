//! Peers that break the protocol: each session ends, with its reason, and nothing panics.

use verso_identity::{Signature, WorkspaceId};
use verso_session::{Input, Millis, Mode, SessionError};
use verso_trust::PeerRole;
use verso_vv::{Author, Seq};
use verso_wire::limits::{IN_FLIGHT, MAX_UNIT_BYTES};
use verso_wire::{ChainHead, HeldDigest, Message, Reason, Seal, VersionRange};

use crate::net::{Closed, workspace};
use crate::script::{Opener, Script, Setup, author, decided, offered, peer_info, unit, vector};

/// A lie, how it is told, and what the session must end with.
type Lie = (&'static str, fn() -> Script, Reason);

fn ends(lies: &[Lie]) {
    for (name, tell, reason) in lies {
        let script = tell();
        assert_eq!(script.closed, Closed::For(*reason), "{name}: {:?}", script.session.error());
        assert!(script.session.is_over());
        assert_eq!(script.session.error().map(SessionError::reason), Some(*reason));
        assert_eq!(script.session.poll_timeout(), None);
    }
}

/// Tells one thing on the control stream of an introduced session.
fn control(message: Message) -> Script {
    let mut script = Script::friend().introduced();
    script.control(message);
    script
}

/// Tells things on the workspace's stream of a session that got there.
fn told(mut script: Script, messages: impl IntoIterator<Item = Message>) -> Script {
    for message in messages {
        if script.closed == Closed::Open {
            script.stream(message);
        }
    }
    script
}

fn open(id: WorkspaceId) -> Input {
    Input::Stream { workspace: id, message: Message::Open { workspace: id } }
}

fn given(mut script: Script, inputs: impl IntoIterator<Item = Input>) -> Script {
    for input in inputs {
        script.give(input);
    }
    script
}

fn devices() -> Input {
    Input::Control(Message::Devices { devices: Vec::new() })
}

fn hello() -> Message {
    Message::Hello { digest: HeldDigest([8; 32]) }
}

fn versions(floor: u32, min: u32, max: u32) -> Script {
    let setup = Setup { opener: Opener::Peer, role: PeerRole::Friend, mode: Mode::StayOpen, floor };
    let mut script = Script::new(setup);
    script.control(peer_info(VersionRange { min, max }));
    script
}

#[test]
fn on_the_control_stream() {
    ends(&[
        ("an offer before PeerInfo", || given(Script::friend(), [Input::Control(decided())]), Reason::Malformed),
        (
            "a goodbye before PeerInfo",
            || given(Script::friend(), [Input::Control(Message::Goodbye { reason: None })]),
            Reason::Malformed,
        ),
        ("a second PeerInfo", || control(peer_info(VersionRange::CURRENT)), Reason::Malformed),
        ("a hello", || control(hello()), Reason::Malformed),
        ("a unit", || control(unit(10)), Reason::Malformed),
        ("only later versions", || versions(0, 2, 3), Reason::Version),
        ("only earlier versions", || versions(0, 0, 0), Reason::Version),
        ("less than it has proven", || versions(2, 1, 1), Reason::Downgrade),
        ("versions that are no range", || versions(0, 2, 1), Reason::Malformed),
        (
            "the control log as an offer",
            || control(Message::Offer { add: offered(&[WorkspaceId::CONTROL]), remove: Vec::new() }),
            Reason::Malformed,
        ),
        ("an answer to no offer", || control(decided()), Reason::Malformed),
        (
            "more workspaces than may be offered, a few at a time",
            || {
                let ids: Vec<WorkspaceId> =
                    (0..=255).map(workspace).chain([WorkspaceId::from_bytes([1; 16])]).collect();
                let other = WorkspaceId::from_bytes(*b"one workspace to");
                let mut script = Script::friend().introduced();
                for id in ids.iter().chain([&other]) {
                    script.control(Message::Offer { add: offered(&[*id]), remove: Vec::new() });
                }
                script
            },
            Reason::Limit,
        ),
        (
            "offers without end",
            || {
                let offer = |add: &[WorkspaceId], remove: &[WorkspaceId]| {
                    Input::Control(Message::Offer { add: offered(add), remove: remove.to_vec() })
                };
                let inputs = (0..1000).flat_map(|_| [offer(&[workspace(2)], &[]), offer(&[], &[workspace(2)])]);
                given(Script::friend().introduced(), inputs)
            },
            Reason::Limit,
        ),
        (
            "further devices of an own device",
            || {
                let own = Setup { opener: Opener::Peer, role: PeerRole::Own, mode: Mode::StayOpen, floor: 0 };
                given(Script::new(own).introduced(), [devices()])
            },
            Reason::Malformed,
        ),
        ("further devices before PeerInfo", || given(Script::friend(), [devices()]), Reason::Malformed),
        (
            "further devices without end",
            || given(Script::friend().introduced(), (0..17).map(|_| devices())),
            Reason::Limit,
        ),
        (
            "two goodbyes",
            || {
                let mut script = Script::friend().flowing();
                script.control(Message::Goodbye { reason: None });
                script.control(Message::Goodbye { reason: None });
                script
            },
            Reason::Malformed,
        ),
        ("a goodbye with a reason", || control(Message::Goodbye { reason: Some(Reason::Revoked) }), Reason::Revoked),
    ]);
}

#[test]
fn on_opening_streams() {
    ends(&[
        (
            "opening although the other does that",
            || {
                let setup = Setup { opener: Opener::Me, role: PeerRole::Own, mode: Mode::StayOpen, floor: 0 };
                given(Script::new(setup).introduced(), [open(workspace(1))])
            },
            Reason::Malformed,
        ),
        (
            "the control log, by a friend",
            || given(Script::friend().introduced(), [open(WorkspaceId::CONTROL)]),
            Reason::NoGrant,
        ),
        (
            "one name outside, another inside",
            || told(Script::friend().introduced(), [Message::Open { workspace: workspace(2) }]),
            Reason::Malformed,
        ),
        ("twice", || given(Script::friend().introduced(), [open(workspace(1)), open(workspace(1))]), Reason::Malformed),
        ("no stream at all", || told(Script::friend().introduced(), [hello()]), Reason::Malformed),
        (
            "streams without end",
            || {
                let mut script = Script::friend().introduced();
                script.give(Input::Offers(Vec::new()));
                while script.closed == Closed::Open {
                    script.give(open(workspace(1)));
                }
                script
            },
            Reason::Limit,
        ),
        (
            "streams that it never ends, few at a time",
            || {
                let mut script = Script::friend().introduced();
                for number in 0..1000_u16 {
                    script.now = Millis(u64::from(number) * 1000);
                    script.give(open(WorkspaceId::from_bytes(std::array::from_fn(|at| {
                        number.to_le_bytes().get(at).copied().unwrap_or(0xf0)
                    }))));
                }
                script
            },
            Reason::Limit,
        ),
        (
            "closing the control log",
            || {
                let setup = Setup { opener: Opener::Peer, role: PeerRole::Own, mode: Mode::StayOpen, floor: 0 };
                let closed = Input::StreamClosed { workspace: WorkspaceId::CONTROL };
                given(Script::new(setup).introduced(), [open(WorkspaceId::CONTROL), closed])
            },
            Reason::Malformed,
        ),
        (
            "closing what it goes on to offer",
            || {
                let mut script = Script::friend().flowing();
                script.give(Input::StreamClosed { workspace: workspace(1) });
                assert_eq!(script.closed, Closed::Open);
                script.tick(10_000);
                script
            },
            Reason::Malformed,
        ),
    ]);
}

#[test]
fn on_saying_what_is_held() {
    ends(&[
        (
            "a unit before its hello",
            || told(Script::friend().introduced(), [Message::Open { workspace: workspace(1) }, unit(10)]),
            Reason::Malformed,
        ),
        ("a second hello", || told(Script::friend().greeted(), [hello()]), Reason::Malformed),
        ("a hello while units flow", || told(Script::friend().flowing(), [hello()]), Reason::Malformed),
        ("a unit before its vector", || told(Script::friend().greeted(), [unit(10)]), Reason::Malformed),
        (
            "a vector although the digests are equal",
            || {
                let mut script = Script::friend().introduced();
                let digest = HeldDigest::of(script.store.heads(workspace(1)));
                script.stream(Message::Open { workspace: workspace(1) });
                script.stream(Message::Hello { digest });
                told(script, [Message::Vector { entries: Vec::new(), seal: None }])
            },
            Reason::Malformed,
        ),
        (
            "a second vector",
            || told(Script::friend().flowing(), [Message::Vector { entries: Vec::new(), seal: None }]),
            Reason::Malformed,
        ),
        (
            "authors out of order",
            || {
                let entries = vector(3, 1).into_iter().rev().collect();
                told(Script::friend().greeted(), [Message::Vector { entries, seal: None }])
            },
            Reason::Malformed,
        ),
        (
            "an author twice",
            || {
                let entries = [vector(1, 1), vector(1, 2)].concat();
                told(Script::friend().greeted(), [Message::Vector { entries, seal: None }])
            },
            Reason::Malformed,
        ),
        (
            "empty chains",
            || told(Script::friend().greeted(), [Message::Vector { entries: vector(1, 0), seal: None }]),
            Reason::Malformed,
        ),
        (
            "too many authors",
            || told(Script::friend().greeted(), [Message::Vector { entries: vector(4097, 1), seal: None }]),
            Reason::Limit,
        ),
        (
            "somebody else's seal",
            || {
                let head = ChainHead::start(&workspace(1), &author(1));
                let seal = Seal { author: author(1), head, signature: Signature::from_bytes([0; 64]) };
                told(Script::friend().greeted(), [Message::Vector { entries: Vec::new(), seal: Some(seal) }])
            },
            Reason::Malformed,
        ),
    ]);
}

fn ack(held: &[(Author, Seq)], credit: u64) -> Message {
    Message::Ack { held: held.to_vec(), credit }
}

#[test]
fn on_sending_and_acknowledging() {
    ends(&[
        ("an empty unit", || told(Script::friend().flowing(), [unit(0)]), Reason::Malformed),
        (
            "a unit that no frame could hold",
            || told(Script::friend().flowing(), [unit(MAX_UNIT_BYTES + 1)]),
            Reason::Limit,
        ),
        (
            "more than its credit",
            || {
                let units = usize::try_from(IN_FLIGHT).unwrap() / 500_000 + 1;
                told(Script::friend().flowing(), (0..units).map(|_| unit(500_000)))
            },
            Reason::Limit,
        ),
        (
            "a unit that is none",
            || {
                let mut script = told(Script::friend().flowing(), [unit(10)]);
                script.give(Input::Refused(Reason::Malformed));
                script
            },
            Reason::Malformed,
        ),
        ("less credit than before", || told(Script::friend().flowing(), [ack(&[], IN_FLIGHT - 1)]), Reason::Malformed),
        (
            "credit for what was never sent",
            || told(Script::friend().flowing(), [ack(&[], IN_FLIGHT + 1_000_000)]),
            Reason::Malformed,
        ),
        ("credit without end", || told(Script::friend().flowing(), [ack(&[], u64::MAX)]), Reason::Malformed),
        (
            "less than it had acknowledged",
            || {
                let acks = [5, 4].map(|seq| ack(&[(author(1), Seq(seq))], IN_FLIGHT));
                told(Script::friend().flowing(), acks)
            },
            Reason::Malformed,
        ),
        (
            "acknowledgements of nothing without end",
            || told(Script::friend().flowing(), (0..20_000).map(|_| ack(&[], IN_FLIGHT))),
            Reason::Limit,
        ),
        (
            "acknowledgements for authors without end",
            || {
                let acks = (0..10_000).map(|number| ack(&[(author(number), Seq(1))], IN_FLIGHT));
                told(Script::friend().flowing(), acks)
            },
            Reason::Limit,
        ),
        (
            "declining entry 0",
            || {
                let decline = Message::Decline { author: author(1), from: Seq::ZERO, reason: Reason::Declined };
                told(Script::friend().flowing(), [decline])
            },
            Reason::Malformed,
        ),
        (
            "declining without end",
            || {
                let decline = || Message::Decline { author: author(1), from: Seq(1), reason: Reason::Declined };
                told(Script::friend().flowing(), (0..20_000).map(|_| decline()))
            },
            Reason::Limit,
        ),
        (
            "withdrawing without end",
            || told(Script::friend().flowing(), (0..20_000).map(|_| Message::Withdraw { author: author(1) })),
            Reason::Limit,
        ),
    ]);
}

/// A peer that sees gaps for ever gets its units a few times, and then the chain is given up under that reason; the session lives.
#[test]
fn gaps_without_end_are_not_served_without_end() {
    let mut script = Script::friend().flowing();
    let author = script.store.author();
    assert_eq!(script.units_sent(), 1);
    for _ in 0..100 {
        script.stream(Message::Decline { author, from: Seq(1), reason: Reason::Gap });
    }
    assert_eq!(script.closed, Closed::Open);
    assert_eq!(script.units_sent(), 9);
}

/// A peer that claims what nobody can hold is believed in nothing but its claim: the session lives, is never level, and the figures don't overflow.
#[test]
fn absurd_claims_overflow_nothing() {
    let mut script = Script::friend().greeted();
    script.stream(Message::Vector { entries: vector(4096, u64::MAX), seal: None });
    for number in 0..4096 {
        script.stream(Message::Ack { held: vec![(author(number), Seq(u64::MAX))], credit: IN_FLIGHT });
    }
    let mine = script.store.author();
    script.stream(Message::Ack { held: vec![(mine, Seq(u64::MAX))], credit: IN_FLIGHT });
    script.give(Input::Durable {
        workspace: workspace(1),
        advanced: vec![(author(1), Seq(u64::MAX))],
        bytes: u64::MAX,
    });
    script.stream(Message::Decline { author: mine, from: Seq::FIRST, reason: Reason::Gap });
    assert_eq!(script.closed, Closed::Open);
    assert!(!script.session.is_level());
}

//! What a session holds is bounded, whatever the peer sends or withholds. Its `Debug` form shows all of it; its length is what is measured.

use bytes::Bytes;
use verso_identity::{DeviceId, Signature, WorkspaceId};
use verso_session::{EncodedRun, Input, Millis};
use verso_vv::{Author, EntryHash, Incarnation, Seq};
use verso_wire::{ChainHead, EntryDigest, ForkProof, ForkSide, HeldDigest, Message, Reason};

use crate::net::{Closed, workspace};
use crate::script::{Script, author, decided, offered, unit};

/// Characters that a session may show: of 8,192 chains, which are as many as one stream may track, at 300 each; of the streams and offers that there may be;
/// of a session that keeps nothing of what is said.
const CHAINS: usize = 8_192 * 300;
const STREAMS: usize = 25_000;
const NOTHING: usize = 5_000;

/// How often each thing is said: several times as often as anything may be kept.
const TIMES: u64 = 40_000;

fn held(script: &Script) -> usize {
    format!("{:?}", script.session).len()
}

/// Says something again and again, each time as the number says, slowly enough that no budget of time ends the session. Returns the most
/// that was held.
fn repeat(mut script: Script, say: impl Fn(u64) -> Input) -> usize {
    let mut most = held(&script);
    for number in 0..TIMES {
        if script.closed != Closed::Open {
            break;
        }
        script.now = Millis(script.now.0 + 20);
        script.give(say(number));
        script.sent.clear();
        if number.is_multiple_of(1000) {
            most = most.max(held(&script));
        }
    }
    most.max(held(&script))
}

fn any_workspace(number: u64) -> WorkspaceId {
    let mut id = [3; 16];
    id[..8].copy_from_slice(&number.to_le_bytes());
    WorkspaceId::from_bytes(id)
}

fn in_stream(message: Message) -> Input {
    Input::Stream { workspace: workspace(1), message }
}

fn proof(number: u64) -> ForkProof {
    let side = || ForkSide { digests: vec![EntryDigest([7; 32])], signature: Signature::from_bytes([7; 64]) };
    ForkProof { author: author(number), at: Seq(1), prev_hash: EntryHash([7; 32]), sides: [side(), side()] }
}

/// What is said, what of it may be kept, and how it is said.
type Flood = (&'static str, usize, fn(u64) -> Input);

const FLOODS: [Flood; 13] = [
    ("offers of new workspaces", STREAMS, |number| {
        Input::Control(Message::Offer { add: offered(&[any_workspace(number)]), remove: Vec::new() })
    }),
    ("offers that come and go", STREAMS, |number| {
        let gone = any_workspace(number.saturating_sub(1));
        Input::Control(Message::Offer { add: offered(&[any_workspace(number)]), remove: vec![gone] })
    }),
    ("decisions", NOTHING, |_| Input::Control(decided())),
    ("streams of what is not offered", STREAMS, |number| {
        let workspace = any_workspace(number);
        Input::Stream { workspace, message: Message::Open { workspace } }
    }),
    ("messages on streams that are not open", STREAMS, |number| Input::Stream {
        workspace: any_workspace(number),
        message: Message::Hello { digest: HeldDigest([7; 32]) },
    }),
    ("ends of streams", STREAMS, |number| Input::StreamClosed { workspace: any_workspace(number) }),
    ("hellos", NOTHING, |_| in_stream(Message::Hello { digest: HeldDigest([7; 32]) })),
    ("units", NOTHING, |_| in_stream(unit(100))),
    ("acknowledgements", CHAINS, |number| {
        in_stream(Message::Ack { held: vec![(author(number), Seq(1))], credit: verso_wire::limits::IN_FLIGHT })
    }),
    ("declines", CHAINS, |number| {
        in_stream(Message::Decline { author: author(number), from: Seq(1), reason: Reason::Declined })
    }),
    ("withdrawals", CHAINS, |number| in_stream(Message::Withdraw { author: author(number) })),
    ("gaps", CHAINS, |number| {
        in_stream(Message::Decline { author: author(number), from: Seq(1), reason: Reason::Gap })
    }),
    ("proofs", NOTHING, |number| in_stream(Message::Proof(proof(number)))),
];

#[test]
fn whatever_the_peer_sends() {
    let begins: [fn() -> Script; 4] = [
        Script::friend,
        || Script::friend().introduced(),
        || Script::friend().greeted(),
        || Script::friend().flowing(),
    ];
    for (stage, begin) in begins.iter().enumerate() {
        for (what, bound, say) in FLOODS {
            let most = repeat(begin(), say);
            assert!(most <= bound, "{what} at stage {stage}: {most} characters");
        }
    }
}

/// The peer stays silent at some point, while much is written here: what is new waits in the log, not in the session.
#[test]
fn whatever_the_peer_withholds() {
    let begins: [fn() -> Script; 4] = [
        Script::friend,
        || Script::friend().introduced(),
        || Script::friend().greeted(),
        || Script::friend().flowing(),
    ];
    let me = Author { device: DeviceId::from_bytes([8; 32]), incarnation: Incarnation(1) };
    for (stage, begin) in begins.iter().enumerate() {
        let mut script = begin();
        for number in 1..=TIMES {
            let head = ChainHead { seq: Seq(number), hash: EntryHash([7; 32]) };
            let run = EncodedRun { first: head.seq, last: head.seq, bytes: Bytes::from_static(&[1; 1000]) };
            script.give(Input::Advanced { workspace: workspace(1), author: me, head, run: Some(run) });
            script.sent.clear();
        }
        // One read of 1 MiB may wait, of which each byte shows as one character or two.
        assert_eq!(script.closed, Closed::Open);
        assert!(held(&script) < 20_000, "stage {stage}: {} characters", held(&script));
    }
}

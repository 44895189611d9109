//! Peers that fall silent: how long they are waited for, and what that means.

use verso_session::{Input, Millis, Mode};
use verso_trust::PeerRole;
use verso_wire::limits::IN_FLIGHT;
use verso_wire::{HeldDigest, Message, Reason};

use crate::net::{Closed, workspace};
use crate::script::{Opener, Script, Setup, vector};

fn finishing() -> Script {
    Script::new(Setup { opener: Opener::Peer, role: PeerRole::Friend, mode: Mode::FinishWhenLevel, floor: 0 })
}

/// Lets time pass to just before the next deadline, at which nothing happens, and to it.
fn expires(script: &mut Script, at: u64) {
    assert_eq!(script.session.poll_timeout(), Some(Millis(at)));
    script.tick(at - 1);
    assert_eq!(script.closed, Closed::Open);
    script.tick(at);
}

#[test]
fn no_peer_info() {
    let mut script = Script::friend();
    expires(&mut script, 10_000);
    assert_eq!(script.closed, Closed::For(Reason::Unreachable));
}

#[test]
fn no_hello() {
    let mut script = Script::friend().introduced();
    script.now = Millis(5_000);
    script.stream(Message::Open { workspace: workspace(1) });
    expires(&mut script, 15_000);
    assert_eq!(script.closed, Closed::For(Reason::Unreachable));
}

#[test]
fn no_hello_on_a_stream_opened_here() {
    let setup = Setup { opener: Opener::Me, role: PeerRole::Friend, mode: Mode::StayOpen, floor: 0 };
    let mut script = Script::new(setup).introduced();
    expires(&mut script, 10_000);
    assert_eq!(script.closed, Closed::For(Reason::Unreachable));
}

#[test]
fn no_vector() {
    let mut script = Script::friend().greeted();
    expires(&mut script, 10_000);
    assert_eq!(script.closed, Closed::For(Reason::Unreachable));
}

/// A device that stays waits for data as long as the connection lives; the transport notices when that ends.
#[test]
fn no_data_to_a_device_that_stays() {
    let mut script = Script::friend().greeted();
    script.stream(Message::Vector { entries: vector(1, 10), seal: None });
    assert_eq!(script.session.poll_timeout(), None);
}

/// One that is to finish does not wait for ever for what was promised.
#[test]
fn no_data_to_a_device_that_finishes() {
    let mut script = finishing().greeted();
    script.stream(Message::Vector { entries: vector(1, 10), seal: None });
    expires(&mut script, 60_000);
    assert_eq!(script.closed, Closed::For(Reason::Unreachable));
}

/// But what this device has yet to do itself is not the peer's silence.
#[test]
fn a_slow_disk_is_not_the_peers_silence() {
    let mut script = finishing().greeted();
    script.stream(Message::Vector { entries: vector(1, 10), seal: None });
    script.stream(crate::script::unit(100));
    script.tick(60_000);
    assert_eq!(script.closed, Closed::Open);
    script.now = Millis(70_000);
    script.give(Input::Durable { workspace: workspace(1), advanced: Vec::new(), bytes: 100 });
    expires(&mut script, 130_000);
    assert_eq!(script.closed, Closed::For(Reason::Unreachable));
}

/// After its own goodbye a device's work is done: it leaves without a reason.
#[test]
fn no_answer_to_a_goodbye() {
    let mut script = finishing().introduced();
    script.stream(Message::Open { workspace: workspace(1) });
    let digest = HeldDigest::of(script.store.heads(workspace(1)));
    script.stream(Message::Hello { digest });
    assert!(matches!(script.sent.last(), Some(Message::Goodbye { reason: None })));
    expires(&mut script, 10_000);
    assert_eq!(script.closed, Closed::Done);
}

/// Whoever answered leaves the other a moment to close.
#[test]
fn no_close_after_both_goodbyes() {
    let mut script = Script::friend().flowing();
    let author = script.store.author();
    script.now = Millis(1_000);
    script.control(Message::Goodbye { reason: None });
    assert!(!matches!(script.sent.last(), Some(Message::Goodbye { .. })), "not before all is acknowledged");
    script.stream(Message::Ack { held: vec![(author, verso_vv::Seq(3))], credit: IN_FLIGHT });
    assert!(matches!(script.sent.last(), Some(Message::Goodbye { reason: None })));
    expires(&mut script, 3_000);
    assert_eq!(script.closed, Closed::Done);
}

/// A device that was asleep takes what came in meanwhile before it looks at the clock.
#[test]
fn a_message_that_lay_waiting_counts() {
    let mut script = Script::friend();
    script.now = Millis(3_600_000);
    script.control(crate::script::peer_info(verso_wire::VersionRange::CURRENT));
    assert_eq!(script.closed, Closed::Open);
}

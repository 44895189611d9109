//! The order of outputs: what goes first, and what is taken back, when the driver and the replica take their time.

use verso_identity::WorkspaceId;
use verso_session::{EncodedRun, Input, Millis, Mode, Output};
use verso_trust::PeerRole;
use verso_vv::Seq;
use verso_wire::{ChainHead, HeldDigest, Message, Reason};

use crate::net::workspace;
use crate::script::{Opener, Script, Setup, decided, offered, peer_info};

/// Both logs are open and level, and the peer holds what is held here.
fn level() -> Script {
    let mut script =
        Script::new(Setup { opener: Opener::Peer, role: PeerRole::Own, mode: Mode::StayOpen, floor: 0 }).introduced();
    for id in [WorkspaceId::CONTROL, workspace(1)] {
        let digest = HeldDigest::of(script.store.heads(id));
        for message in [Message::Open { workspace: id }, Message::Hello { digest }] {
            script.give(Input::Stream { workspace: id, message });
        }
    }
    assert!(script.session.is_level());
    script
}

fn outputs(script: &mut Script) -> Vec<String> {
    std::iter::from_fn(|| script.session.poll()).map(|output| kind(&output)).collect()
}

fn kind(output: &Output) -> String {
    let log = |id: &WorkspaceId| if *id == WorkspaceId::CONTROL { "control log" } else { "workspace" };
    match output {
        Output::Read { workspace, .. } => format!("read {}", log(workspace)),
        Output::Send { workspace, message } => format!("send {} {}", log(workspace), message.tag()),
        Output::CloseStream { workspace } => format!("close {}", log(workspace)),
        Output::SendControl(message) => format!("send {}", message.tag()),
        Output::Progress { .. } => "progress".to_owned(),
        Output::Describe { .. } => "describe".to_owned(),
        other => format!("{other:?}"),
    }
}

/// Commits and tells the session of it, which answers nothing yet.
fn advance(script: &mut Script, id: WorkspaceId, with_run: Option<()>) -> EncodedRun {
    let author = script.store.author();
    let (head, run): (ChainHead, EncodedRun) = script.store.commit(id, 1, 10);
    let handed = with_run.map(|()| run.clone());
    script.session.handle(Millis(0), Input::Advanced { workspace: id, author, head, run: handed });
    run
}

#[test]
fn the_control_log_is_read_before_anything_else() {
    let mut script = level();
    let author = script.store.author();
    let run = advance(&mut script, WorkspaceId::CONTROL, None);
    advance(&mut script, workspace(1), None);
    assert_eq!(outputs(&mut script), ["read control log", "progress", "progress"]);
    script.session.handle(Millis(0), Input::Units { workspace: WorkspaceId::CONTROL, author, units: vec![run] });
    assert_eq!(outputs(&mut script), ["send control log Unit", "read workspace"]);
}

#[test]
fn a_push_does_not_overtake_a_read() {
    let mut script = level();
    let author = script.store.author();
    let first = advance(&mut script, workspace(1), None);
    let second = advance(&mut script, workspace(1), Some(()));
    assert_eq!(outputs(&mut script), ["read workspace", "progress", "progress"]);
    script.session.handle(Millis(0), Input::Units { workspace: workspace(1), author, units: vec![first] });
    assert_eq!(outputs(&mut script), ["send workspace Unit", "read workspace"]);
    script.session.handle(Millis(0), Input::Units { workspace: workspace(1), author, units: vec![second] });
    assert_eq!(outputs(&mut script), ["send workspace Unit"]);
}

#[test]
fn a_push_of_another_author_waits_for_the_read_too() {
    let mut script = level();
    advance(&mut script, workspace(1), None);
    script.store.new_incarnation();
    advance(&mut script, workspace(1), Some(()));
    assert_eq!(outputs(&mut script), ["read workspace", "progress", "progress"]);
}

/// A peer that holds other entries asks for the chain from its start, although it had acknowledged as much: it is sent again from there, and a read
/// that is answered meanwhile is not sent as if it went on.
#[test]
fn an_answer_that_comes_too_late_is_dropped() {
    let mut script = level();
    let author = script.store.author();
    let late = advance(&mut script, workspace(1), None);
    assert_eq!(outputs(&mut script), ["read workspace", "progress"]);
    let message = Message::Decline { author, from: Seq::FIRST, reason: Reason::Gap };
    script.session.handle(Millis(0), Input::Stream { workspace: workspace(1), message });
    assert_eq!(outputs(&mut script), ["progress"], "one read is open at a time");
    script.session.handle(Millis(0), Input::Units { workspace: workspace(1), author, units: vec![late.clone()] });
    assert_eq!(outputs(&mut script), ["read workspace"], "the late answer is dropped, and the right one asked for");
    let units = script.store.read(workspace(1), author, Seq::FIRST, 1000);
    assert!(units.len() > 1 && units.last() == Some(&late));
    script.session.handle(Millis(0), Input::Units { workspace: workspace(1), author, units });
    assert_eq!(outputs(&mut script), ["send workspace Unit", "send workspace Unit"]);
}

/// Also what the machine had already put in the queue is taken back when a grant is.
#[test]
fn a_grant_taken_away_takes_back_what_waits() {
    let mut script = level();
    advance(&mut script, workspace(1), Some(()));
    advance(&mut script, WorkspaceId::CONTROL, Some(()));
    script.session.handle(Millis(0), Input::Offers(Vec::new()));
    let told = outputs(&mut script);
    assert!(!told.iter().any(|output| output.starts_with("send workspace")), "{told:?}");
    let at = |wanted: &str| told.iter().position(|output| output == wanted);
    assert!(at("send control log Unit").is_some());
    assert!(at("close workspace") < at("send Offer"), "{told:?}");
}

/// A stream that comes before the offer it rests on is told nothing until that is there.
#[test]
fn nothing_is_told_before_the_offer() {
    let mut script = Script::friend();
    script.control(peer_info(verso_wire::VersionRange::CURRENT));
    script.stream(Message::Open { workspace: workspace(1) });
    let hellos = |script: &Script| script.sent.iter().filter(|sent| matches!(sent, Message::Hello { .. })).count();
    assert_eq!(hellos(&script), 0);
    script.control(Message::Offer { add: offered(&[workspace(1)]), remove: Vec::new() });
    assert_eq!(hellos(&script), 1);
    script.control(decided());
}

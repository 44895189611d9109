//! What is to be decided is told once, when it is durable, whoever wrote it.

use verso_identity::WorkspaceId;
use verso_replica::Event;
use verso_trust::{Access, PeerRole};

use crate::notes::write;
use crate::rig::{NOW, Rig, let_in, other};
use crate::writer::Writer;

/// What was told of conflicts since this was last asked.
fn told(rig: &mut Rig, workspace: WorkspaceId) -> Vec<String> {
    rig.sort_effects();
    let line = |event: Event| match event {
        Event::ConflictOpened { workspace: of, conflicts } => Some((of, format!("opened {}", conflicts.join(" ")))),
        Event::ConflictResolved { workspace: of, conflicts } => Some((of, format!("resolved {}", conflicts.join(" ")))),
        _ => None,
    };
    let lines = rig.events.drain(..).filter_map(line);
    lines
        .map(|(of, line)| {
            assert_eq!(of, workspace);
            line
        })
        .collect()
}

#[test]
fn conflicts_are_told_when_they_are_durable_and_once() {
    let (mut rig, workspace) = Rig::with_workspace();
    rig.replica.commit(&workspace, &[write("?a"), write("?b"), write("?c"), write("!c")], NOW).unwrap();
    assert_eq!(told(&mut rig, workspace), [""; 0]);
    rig.replica.flush(NOW).unwrap();
    assert_eq!(told(&mut rig, workspace), ["opened a b"]);
    rig.replica.commit(&workspace, &[write("!a"), write("?d")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert_eq!(told(&mut rig, workspace), ["opened d", "resolved a"]);
    rig.replica.flush(NOW).unwrap();
    assert_eq!(told(&mut rig, workspace), [""; 0]);
}

#[test]
fn what_was_open_before_a_start_is_not_told_again() {
    let (mut rig, workspace) = Rig::with_workspace();
    rig.replica.commit(&workspace, &[write("?a")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    rig.reopen();
    assert_eq!(told(&mut rig, workspace), [""; 0]);
    rig.replica.commit(&workspace, &[write("!a"), write("?b")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert_eq!(told(&mut rig, workspace), ["opened b", "resolved a"]);
}

#[test]
fn what_a_peer_brings_is_told_like_what_was_written_here() {
    let (mut rig, workspace) = Rig::with_workspace();
    let mut own = rig.meet(other(0), PeerRole::Own, &[workspace]);
    let mut writer = Writer::new(other(0), 1, workspace);
    let mut guest = Writer::new(other(2), 1, workspace);
    let_in(&mut rig, &mut own, &mut writer, guest.device(), Access::ReadWrite);
    let unit = guest.texts(&["?theirs"]);
    own.give(&mut rig, workspace, &unit);
    assert_eq!(told(&mut rig, workspace), ["opened theirs"]);
    rig.replica.commit(&workspace, &[write("!theirs")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    assert_eq!(told(&mut rig, workspace), ["resolved theirs"]);
}

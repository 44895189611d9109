//! What the user does: all of a batch or nothing, and never more than is allowed.

use verso_identity::WorkspaceId;
use verso_replica::{CommitError, Committed};
use verso_trust::{MembershipEvent, PeerRole, Revoke};
use verso_vv::Seen;
use verso_wire::limits::MAX_PAYLOAD;

use crate::notes::{Intent, write};
use crate::rig::{NOW, Rig, other};
use crate::writer::Writer;

#[test]
fn a_batch_of_several_units_is_one_commit() {
    let (mut rig, workspace) = Rig::with_workspace();
    let batch: Vec<Intent> = (0..5000).map(|text| write(&format!("text {text}"))).collect();
    let Committed { first, last, .. } = rig.replica.commit(&workspace, &batch, NOW).unwrap();
    assert_eq!(last.0 - first.0, 4999);
    rig.replica.flush(NOW).unwrap();
    assert_eq!(rig.texts(&workspace).len(), 5002);
    rig.assert_rebuilds();
}

#[test]
fn a_text_that_fits_no_entry_leaves_nothing_of_its_batch() {
    for len in [MAX_PAYLOAD + 1, 4 * MAX_PAYLOAD + 1] {
        let (mut rig, workspace) = Rig::with_workspace();
        let mut batch: Vec<Intent> = (0..5000).map(|text| write(&format!("text {text}"))).collect();
        batch.push(Intent::Long(len));
        let before = rig.replica.entries(&workspace);
        assert!(matches!(rig.replica.commit(&workspace, &batch, NOW), Err(CommitError::Journal(_))));
        assert_eq!(rig.replica.entries(&workspace), before);
        rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
        rig.replica.flush(NOW).unwrap();
        assert_eq!(rig.texts(&workspace), ["Reading", "one", "two"]);
        rig.assert_rebuilds();
    }
}

#[test]
fn what_the_application_rejects_is_not_recorded() {
    let (mut rig, workspace) = Rig::with_workspace();
    let before = rig.replica.entries(&workspace);
    let outcome = rig.replica.commit(&workspace, &[write("two"), Intent::Nonsense], NOW);
    assert!(matches!(outcome, Err(CommitError::Rejected(_))));
    assert_eq!(rig.replica.entries(&workspace), before);
}

#[test]
fn a_workspace_whose_name_is_rejected_is_not_founded() {
    let mut rig = Rig::new();
    assert!(matches!(rig.replica.found_workspace("nonsense", NOW), Err(CommitError::Rejected(_))));
    assert_eq!(rig.replica.workspaces().count(), 0);
    rig.replica.flush(NOW).unwrap();
    rig.reopen();
    assert_eq!(rig.replica.workspaces().count(), 0);
    assert_eq!(rig.disk.files().iter().filter(|path| path.starts_with("logs/")).count(), 1, "only the control log");
}

#[test]
fn a_workspace_that_nobody_has_is_not_written() {
    let (mut rig, _workspace) = Rig::with_workspace();
    let unknown = WorkspaceId::from_bytes([7; 16]);
    assert!(matches!(rig.replica.commit(&unknown, &[write("x")], NOW), Err(CommitError::UnknownWorkspace)));
    assert!(rig.replica.commit(&WorkspaceId::CONTROL, &[write("x")], NOW).is_err());
}

#[test]
fn a_device_that_was_removed_from_a_workspace_writes_nothing_more() {
    let mut rig = Rig::new();
    // A workspace that another own device founded.
    let founder = other(0);
    let nonce = [3; 16];
    let device = crate::writer::key(founder).id();
    let workspace = WorkspaceId::found(&device, &nonce);
    let mut peer = rig.meet(founder, PeerRole::Own, &[workspace]);
    assert!(rig.replica.workspaces().any(|held| held == workspace), "an own device's offer is adopted");
    let outcome = rig.replica.commit(&workspace, &[write("too early")], NOW);
    assert!(matches!(outcome, Err(CommitError::Refused(_))), "nobody has vouched yet");

    let mut writer = Writer::new(founder, 1, workspace);
    let unit = writer.member(&MembershipEvent::new(Seen::default(), verso_trust::Found { nonce }));
    peer.give(&mut rig, workspace, &unit);
    let me = rig.replica.device();
    let access = verso_trust::Access::ReadWrite;
    let vouch = verso_trust::Vouch { device: me, access, standing: verso_trust::Standing::Member };
    let unit = writer.member(&MembershipEvent::new(Seen::default(), vouch));
    peer.give(&mut rig, workspace, &unit);
    rig.replica.commit(&workspace, &[write("mine")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    peer.listen(&mut rig);
    assert_eq!(rig.texts(&workspace), ["mine"]);

    let revoke = Revoke { device: me, cuts: Vec::new(), keeps: None };
    let unit = writer.member(&MembershipEvent::new(Seen::default(), revoke));
    peer.give(&mut rig, workspace, &unit);
    assert_eq!(rig.texts(&workspace), Vec::<&str>::new());
    let held = rig.replica.entries(&workspace).unwrap().0;
    assert!(matches!(rig.replica.commit(&workspace, &[write("no more")], NOW), Err(CommitError::Refused(_))));
    assert_eq!(rig.replica.entries(&workspace).unwrap(), (held, 3), "refused before it enters the log");
    rig.assert_rebuilds();
}

#[test]
fn stamps_go_on_after_what_was_seen_before_a_restart() {
    let (mut rig, workspace) = Rig::with_workspace();
    let mut own = rig.meet(other(0), PeerRole::Own, &[workspace]);
    let mut writer = Writer::new(other(0), 1, workspace);
    // The other's clock is half a minute ahead: believed. This device's own clock then goes back an hour.
    writer.millis = NOW.wall_ms + 30_000;
    let unit = writer.texts(&["ahead"]);
    own.give(&mut rig, workspace, &unit);
    rig.reopen();
    let behind = verso_replica::Now { wall_ms: NOW.wall_ms - 3_600_000, ..NOW };
    rig.replica.commit(&workspace, &[write("after")], behind).unwrap();
    rig.replica.flush(behind).unwrap();
    assert!(rig.replica.clock().millis() >= NOW.wall_ms + 30_000);
}

#[test]
fn stamps_never_go_back_though_the_clock_does() {
    let (mut rig, workspace) = Rig::with_workspace();
    let ahead = verso_replica::Now { wall_ms: NOW.wall_ms + 86_400_000, ..NOW };
    rig.replica.commit(&workspace, &[write("tomorrow")], ahead).unwrap();
    rig.replica.flush(ahead).unwrap();
    let last = rig.replica.clock();
    rig.reopen();
    rig.replica.commit(&workspace, &[write("today")], NOW).unwrap();
    assert!(rig.replica.clock() > last);
}

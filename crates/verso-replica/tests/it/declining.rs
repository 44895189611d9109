//! Peers that lose trust while they are connected.

use verso_identity::WorkspaceId;
use verso_trust::{Access, ControlEvent, MembershipEvent, PeerRole, Removed, Revoke};
use verso_vv::Seen;
use verso_wire::Reason;

use crate::notes::write;
use crate::peer::{Closed, Peer};
use crate::rig::{NOW, Rig, let_in, other};
use crate::writer::{Writer, key};

#[test]
fn a_peer_that_is_removed_is_shown_out() {
    let (mut rig, workspace) = Rig::with_workspace();
    let own = rig.meet(other(0), PeerRole::Own, &[workspace]);
    let mut second = rig.meet(other(1), PeerRole::Own, &[workspace]);
    second.units.clear();
    let mut control = Writer::new(other(0), 1, WorkspaceId::CONTROL);
    let removed = Removed { device: key(other(1)).id(), cuts: Vec::new() };
    let unit = control.control(&ControlEvent::new(Seen::default(), removed));
    own.send(&mut rig, WorkspaceId::CONTROL, &unit);
    rig.replica.commit(&workspace, &[write("secret")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    second.listen(&mut rig);
    assert_eq!(second.closed, Closed::For(Reason::Revoked));
    assert!(second.units.is_empty(), "nothing more is sent");
    let greeting = verso_replica::Greeting { addresses: Vec::new(), mode: verso_session::Mode::StayOpen };
    assert!(rig.replica.connect(second.device, greeting, NOW).is_err());
}

#[test]
fn a_grant_that_is_taken_away_closes_the_stream_before_anything_more_is_sent() {
    let (mut rig, workspace) = Rig::with_workspace();
    let mut own = rig.meet(other(0), PeerRole::Own, &[workspace]);
    let mut writer = Writer::new(other(0), 1, workspace);
    let friend = rig.pair(other(1), PeerRole::Friend);
    let_in(&mut rig, &mut own, &mut writer, friend, Access::ReadWrite);
    let mut friend = Peer::connect(&mut rig, friend, &[workspace]);
    rig.replica.flush(NOW).unwrap();
    friend.listen(&mut rig);
    assert!(friend.offered.contains_key(&workspace));
    friend.units.clear();
    let revoke = Revoke { device: friend.device, cuts: Vec::new(), keeps: None };
    let unit = writer.member(&MembershipEvent::new(Seen::default(), revoke));
    own.send(&mut rig, workspace, &unit);
    rig.replica.commit(&workspace, &[write("secret")], NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    friend.listen(&mut rig);
    assert!(friend.units.is_empty(), "neither the secret nor the revocation");
    assert!(!friend.offered.contains_key(&workspace));
}

#[test]
fn a_friend_never_sees_the_control_log() {
    let (mut rig, _workspace) = Rig::with_workspace();
    let mut friend = rig.meet(other(1), PeerRole::Friend, &[]);
    rig.replica.rename("desk", NOW).unwrap();
    rig.replica.flush(NOW).unwrap();
    friend.listen(&mut rig);
    assert!(friend.units.is_empty() && friend.offered.is_empty());
    friend.say_in(&mut rig, WorkspaceId::CONTROL, verso_wire::Message::Open { workspace: WorkspaceId::CONTROL });
    friend.listen(&mut rig);
    assert!(matches!(friend.closed, Closed::For(_)));
}

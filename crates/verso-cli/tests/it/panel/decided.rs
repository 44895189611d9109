//! What a person decides at the panel, action by action: it is done for good, and what can't be done is told.

use verso_panel::PanelAction;
use verso_panel::state::{ConflictKind, Doubt, HappeningKind, InvitationState, Pairing, Trust, Verdict};
use verso_panel::{OfferTerms, PanelState};
use verso_trust::{Access, PeerRole};

use super::far::Far;
use crate::device::{Device, apart, befriend, end, meet, pair, sync, titles, up};

fn no_failure(state: &PanelState) -> Option<()> {
    state.failure.is_none().then_some(())
}

#[test]
fn conflicts_are_settled_and_what_was_settled_meanwhile_is_told() {
    let [desk, _lap] = apart();
    let serving = up(&desk);
    let (mut far, mut late) = (Far::open(&desk), Far::open(&desk));
    let conflicts = far.until("two conflicts", |state| (state.conflicts.len() == 2).then(|| state.conflicts.clone()));
    let [deletion, title] = [ConflictKind::Deletion, ConflictKind::Title]
        .map(|kind| conflicts.iter().find(|conflict| conflict.kind == kind).unwrap().clone());
    let resolve = |verdict| PanelAction::Resolve { workspace: deletion.workspace, conflict: deletion.id, verdict };
    late.until("two conflicts", |state| (state.conflicts.len() == 2).then_some(()));
    far.ask(&resolve(Verdict::Keep));
    far.until("one conflict", |state| (state.conflicts.len() == 1).then_some(()));
    // Another window still showed it.
    late.ask(&resolve(Verdict::Delete));
    let failure = late.until("that it is late", |state| state.failure.clone());
    assert!(failure.why.contains("changed meanwhile"), "{failure:?}");
    let value = title.opinions.iter().find(|opinion| opinion.value == "from lap").unwrap();
    let pick = |value: &str| PanelAction::Pick {
        workspace: title.workspace,
        conflict: title.id,
        value: value.to_owned(),
        device: title.opinions[0].device,
    };
    far.ask(&pick("from nowhere"));
    far.until("that there is no such value", |state| state.failure.clone());
    far.ask(&PanelAction::Pick {
        workspace: title.workspace,
        conflict: title.id,
        value: value.value.clone(),
        device: value.device,
    });
    far.until("no conflict", |state| state.conflicts.is_empty().then_some(()));
    end(serving);
    assert_eq!(titles(&desk), ["B", "from lap"]);
}

#[test]
fn what_is_held_is_kept_or_given_up_with_what_depends_on_it() {
    let (ann, ben) = (Device::new("ann"), Device::new("ben"));
    ann.ok(&["workspace", "new", "garden"]);
    befriend(&ann, &ben, &["-w", "garden"]);
    sync(&ann, &ben);
    sync(&ann, &ben);
    for title in ["weed", "tulip"] {
        ben.ok(&["node", "add", &format!("u:{title}"), "--title", title]);
    }
    ben.ok(&["node", "tag", "weed", "tall"]);
    ann.ok(&["workspace", "share", "garden", "ben", "--access", "ro"]);
    meet(&ann, &ben);

    let serving = up(&ann);
    let mut far = Far::open(&ann);
    let held = far.until("what is held", |state| (state.held.len() == 3).then(|| state.held.clone()));
    let id = |does: &str| held.iter().find(|held| held.does.starts_with(does)).unwrap().id;
    let (workspace, [weed, tulip]) = (held[0].workspace, ["adds weed", "adds tulip"].map(id));
    far.ask(&PanelAction::KeepHeld { workspace, entries: vec![tulip] });
    far.until("two that are held", |state| (state.held.len() == 2).then_some(()));
    far.ask(&PanelAction::AskDiscard { workspace, entries: vec![weed] });
    let asked = far.until("the question", |state| state.discarding.clone());
    assert_eq!(asked.dependents, ["ben: tags weed with tall"]);
    far.ask(&PanelAction::CancelDiscard);
    far.until("no question", |state| state.discarding.is_none().then_some(()));
    far.ask(&PanelAction::Discard { workspace, entries: held.iter().map(|held| held.id).collect() });
    far.until("nothing held", |state| state.held.is_empty().then_some(()));
    far.ask(&PanelAction::Discard { workspace, entries: vec![weed] });
    let failure = far.until("that it is late", |state| state.failure.clone());
    assert!(failure.why.contains("not held any more"), "{failure:?}");
    end(serving);
    assert_eq!(titles(&ann), ["tulip"]);
}

#[test]
fn workspaces_are_shared_offered_joined_renamed_and_left() {
    let (ann, ben) = (Device::new("ann"), Device::new("ben"));
    ann.ok(&["workspace", "new", "garden"]);
    befriend(&ann, &ben, &[]);
    sync(&ann, &ben);
    let ups = [up(&ann), up(&ben)];
    let (mut here, mut there) = (Far::open(&ann), Far::open(&ben));
    let (garden, device) = here.until("both", |state| Some((state.workspaces.first()?.id, state.devices.first()?.id)));
    here.ask(&PanelAction::Rename { device, name: "Benjamin".to_owned() });
    here.until("the name", |state| (state.devices[0].name == "Benjamin").then_some(()));
    here.ask(&PanelAction::Share { workspace: garden, device, access: Access::ReadWrite });
    let from = there.until("the offer", |state| Some(state.offered.first()?.from));
    there.ask(&PanelAction::JoinWorkspace { workspace: garden, from });
    there.until("the workspace", |state| (state.workspaces.first()?.id == garden).then_some(()));
    there.until("the right to write", |state| (state.workspaces[0].access == Access::ReadWrite).then_some(()));
    there.ask(&PanelAction::RenameWorkspace { workspace: garden, name: "orchard".to_owned() });
    here.until("its new name", |state| (state.workspaces[0].name == "orchard").then_some(()));
    // Only an owner takes it away.
    there.ask(&PanelAction::Unshare { workspace: garden, device: from });
    there.until("that it is refused", |state| state.failure.clone());
    there.ask(&PanelAction::DismissFailure);
    there.until("no failure", no_failure);
    there.ask(&PanelAction::LeaveWorkspace { workspace: garden });
    here.until("that it left", |state| state.workspaces[0].members.iter().any(|member| member.has_left).then_some(()));
    here.ask(&PanelAction::Unshare { workspace: garden, device });
    here.until("nobody in it", |state| state.workspaces[0].members.is_empty().then_some(()));
    here.ask(&PanelAction::Forget { device });
    here.until("nobody", |state| state.devices.is_empty().then_some(()));
    here.until("the news of it", |state| {
        state.activity.iter().any(|it| it.kind == HappeningKind::Forgotten).then_some(())
    });
    ups.into_iter().for_each(end);
}

#[test]
fn a_link_is_made_and_taken_back() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    let serving = up(&desk);
    let mut far = Far::open(&desk);
    far.ask(&PanelAction::Invite { terms: OfferTerms { role: PeerRole::Own, workspaces: Vec::new() } });
    let link = far.until("the link", |state| match &state.pairing {
        Pairing::Invited { link, .. } => Some(link.clone()),
        _ => None,
    });
    let id = far.until("that it stands", |state| Some(state.invitations.first()?.id.clone()));
    far.ask(&PanelAction::ClosePairing);
    far.ask(&PanelAction::WithdrawInvitation { id: id.clone() });
    far.until("that it is over", |state| {
        state.invitations.first().is_none_or(|link| link.state != InvitationState::Open).then_some(())
    });
    let failure = lap.fails(&["join", link.expose(), "--yes"]);
    assert!(matches!(failure.code, 4 | 5), "{failure:?}");
    far.ask(&PanelAction::WithdrawInvitation { id: "nothing".to_owned() });
    far.until("that there is none", |state| state.failure.clone());
    end(serving);
}

#[test]
fn who_says_no_pairs_nobody() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    let ups = [up(&desk), up(&lap)];
    let (mut here, mut there) = (Far::open(&desk), Far::open(&lap));
    here.ask(&PanelAction::ShowCode { terms: OfferTerms { role: PeerRole::Own, workspaces: Vec::new() } });
    let link = here.until("a code", |state| match &state.pairing {
        Pairing::Showing(screen) => Some(screen.link.clone()),
        _ => None,
    });
    there.ask(&PanelAction::Join { code: link });
    let question = |state: &PanelState| matches!(state.pairing, Pairing::Confirming(_)).then_some(());
    here.until("a question", question);
    there.until("a question", question);
    // A yes to another question counts for nothing.
    here.ask(&PanelAction::Agree { device: verso_identity::DeviceId::from_bytes([9; 32]) });
    here.ask(&PanelAction::Refuse);
    here.until("the end", |state| matches!(state.pairing, Pairing::None).then_some(()));
    there.until("why not", |state| matches!(state.pairing, Pairing::Failed(_)).then_some(()));
    ups.into_iter().for_each(end);
    for device in [&desk, &lap] {
        assert_eq!(device.json(&["peers"])["peers"], serde_json::json!([]));
    }
}

/// Who has the journals open for others can't put them aside; a person is told how it is done.
#[test]
fn a_repair_beside_up_is_refused_with_the_way_to_it() {
    let desk = Device::new("desk");
    let serving = up(&desk);
    let mut far = Far::open(&desk);
    far.ask(&PanelAction::Repair { workspace: None });
    let failure = far.until("why not", |state| state.failure.clone());
    assert!(failure.why.contains("journals open") && failure.hint.contains("Run it here"), "{failure:?}");
    assert!(far.state.as_ref().unwrap().activity.iter().all(|it| it.kind != HappeningKind::RepairBegun));
    end(serving);
}

/// An older image of the directory was put back under the mark that says how far it had been: as `status` tells, and by name while it is known.
#[test]
fn a_directory_that_was_put_back_is_called_so() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    desk.ok(&["workspace", "new", "garden"]);
    pair(&desk, &lap);
    sync(&desk, &lap);
    let image = desk.copy();
    desk.ok(&["node", "add", "u:later"]);
    std::fs::copy(desk.dir().join("high-water"), image.dir().join("high-water")).unwrap();
    for doubt in [Doubt::PutBack, Doubt::Earlier] {
        let serving = up(&image);
        let mut far = Far::open(&image);
        let told = far.until("that it is in doubt", |state| state.device.doubt);
        assert_eq!(told, doubt);
        assert_eq!(far.state.as_ref().unwrap().devices[0].trust, Trust::Unconfirmed);
        end(serving);
    }
}

//! Whatever a person can ask for, found by the name that a screen reader says.

use verso_identity::DeviceId;
use verso_panel::state::{Pairing, PairingFailure, Secret, Trust, Verdict};
use verso_panel::{OfferTerms, PanelAction, PanelState};
use verso_trust::{Access, PeerRole, Standing};
use verso_wire::Reason;

use crate::samples::{self, ADA, DELETION, DESK, GARDEN, LAP, ORCHARD, PHONE, READING, TITLES};
use crate::stage::{NARROW, Stage};

/// Goes to a page, presses names one after the other, and returns what came of it.
fn pressing(state: PanelState, page: &str, names: &[&str]) -> Vec<PanelAction> {
    let mut stage = Stage::new(state.clone());
    let mut narrow = Stage::of(state, NARROW, egui::Theme::Dark);
    for stage in [&mut stage, &mut narrow] {
        if !page.is_empty() {
            stage.go(page);
        }
        for name in names {
            stage.press(name);
        }
    }
    let asked = stage.asked();
    assert_eq!(narrow.asked(), asked, "it is the same where there is little room");
    asked
}

#[test]
fn the_indicator_leads_to_what_it_is_made_of() {
    let mut stage = Stage::new(samples::synced());
    stage.go("Activity");
    stage.press("Sync: 2 peers · synced");
    assert!(stage.shows("Everything is in step"));
}

#[test]
fn sync_now() {
    assert_eq!(pressing(samples::synced(), "", &["Sync now"]), [PanelAction::SyncNow]);
}

#[test]
fn a_device_is_synced_with_renamed_and_forgotten() {
    let retry = pressing(samples::synced(), "Devices", &["More about lap", "Sync with lap now"]);
    assert_eq!(retry, [PanelAction::Retry { device: LAP }]);

    let mut stage = Stage::new(samples::synced());
    stage.go("Devices");
    stage.press("More about phone");
    stage.press("Rename phone");
    stage.write("New name of phone", " 2");
    stage.press("Rename");
    assert_eq!(stage.asked(), [PanelAction::Rename { device: PHONE, name: "phone 2".into() }]);

    let forget = ["More about Ada's notebook", "Forget Ada's notebook"];
    assert_eq!(pressing(samples::synced(), "Devices", &forget), [], "it is asked first");
    let sure = [&forget[..], &["Forget Ada's notebook for good"]].concat();
    assert_eq!(pressing(samples::synced(), "Devices", &sure), [PanelAction::Forget { device: ADA }]);
    let not = [&forget[..], &["Keep Ada's notebook", "Forget Ada's notebook"]].concat();
    assert_eq!(pressing(samples::synced(), "Devices", &not), []);
}

#[test]
fn this_device_is_renamed() {
    let mut stage = Stage::new(samples::synced());
    stage.go("Devices");
    stage.press("Rename this device");
    stage.write("Name of this device", "top");
    stage.press("Rename");
    assert_eq!(stage.asked(), [PanelAction::RenameThis { name: "desktop".into() }]);
    stage.press("Rename this device");
    stage.press("Cancel");
    assert_eq!(stage.asked(), []);
}

#[test]
fn a_device_is_confirmed_after_a_restore() {
    let mut state = samples::synced();
    state.devices[0].trust = Trust::Unconfirmed;
    state.stops = vec![samples::stop(Reason::Unconfirmed, Some(LAP), None)];
    let confirm = PanelAction::ConfirmPeer { device: LAP };
    assert_eq!(pressing(state.clone(), "Devices", &["More about lap", "Confirm lap"]), std::slice::from_ref(&confirm));
    assert_eq!(pressing(state, "", &["Confirm this device: lap · since 09:40"]), [confirm]);
}

#[test]
fn a_code_is_shown_for_an_own_device_and_for_a_friend_s() {
    let own = OfferTerms { role: PeerRole::Own, workspaces: Vec::new() };
    let shown = pressing(samples::synced(), "", &["Pair a device", "Show a code"]);
    assert_eq!(shown, [PanelAction::ShowCode { terms: own }]);

    let choose =
        ["Pair a device", "A friend's", "Garden: Read", "Reading: Write", "Garden: Write", "Garden: Not shared"];
    let terms = OfferTerms { role: PeerRole::Friend, workspaces: vec![(READING, Access::ReadWrite)] };
    let shown = pressing(samples::synced(), "", &[&choose[..], &["Show a code"]].concat());
    assert_eq!(shown, [PanelAction::ShowCode { terms: terms.clone() }]);
    let invited = pressing(samples::synced(), "", &[&choose[..], &["Make a link to send"]].concat());
    assert_eq!(invited, [PanelAction::Invite { terms }]);
}

#[test]
fn a_code_is_entered() {
    let mut stage = Stage::new(samples::first());
    stage.press("Pair a device");
    stage.write("LINK OR SIX WORDS", "  orbit velvet canyon lunar bamboo thrive ");
    stage.press("Continue with the code");
    let code = Secret::new("orbit velvet canyon lunar bamboo thrive".into());
    assert_eq!(stage.asked(), [PanelAction::Join { code }]);
}

#[test]
fn a_device_nearby_is_joined() {
    let device = DeviceId::from_bytes([4; 32]);
    let join = [PanelAction::JoinNearby { device }];
    assert_eq!(pressing(samples::busy(), "Devices", &["Pair with Grace's tablet"]), join);
    assert_eq!(pressing(samples::busy(), "", &["Pair a device", "Pair with Grace's tablet"]), join);
}

#[test]
fn codes_are_compared() {
    let mut stage = Stage::new(samples::comparing());
    assert!(stage.shows("This screen's code: 204917"));
    assert!(stage.shows("2 tries left"));
    stage.write("THE CODE ON THE OTHER SCREEN", "118 204");
    stage.press("Continue with the other screen's code");
    assert_eq!(stage.asked(), [PanelAction::TypeCode { code: Secret::new("118204".into()) }]);
}

#[test]
fn what_will_happen_is_agreed_to_or_not() {
    let device = DeviceId::from_bytes([0x77; 32]);
    assert_eq!(pressing(samples::confirming(), "", &["Pair with Grace's tablet"]), [PanelAction::Agree { device }]);
    assert_eq!(pressing(samples::confirming(), "", &["Do not pair"]), [PanelAction::Refuse]);
    let stage = Stage::new(samples::confirming());
    for told in [
        "Grace's tablet",
        &device.fingerprint(),
        "As a friend's device",
        "Garden: read and write",
        "Reading: read only",
    ] {
        assert!(stage.shows(told), "{told}");
    }
}

#[test]
fn a_pairing_is_closed_whatever_has_become_of_it() {
    let close = [PanelAction::ClosePairing];
    assert_eq!(pressing(samples::showing(), "", &["Cancel pairing"]), close);
    assert_eq!(pressing(samples::paired(), "", &["Done"]), close);
    let mut failed = samples::synced();
    let failure = PairingFailure { what: "the code was used".into(), hint: "show a new one".into() };
    failed.pairing = Pairing::Failed(failure);
    assert_eq!(pressing(failed.clone(), "", &["Close pairing"]), close);
    assert_eq!(pressing(failed, "", &["Start over"]), close);
    assert_eq!(pressing(samples::synced(), "", &["Pair a device", "Back pairing"]), []);
}

#[test]
fn an_invitation_is_withdrawn() {
    let withdrawn = pressing(samples::busy(), "Devices", &["Withdraw the link 5f1c22aa"]);
    assert_eq!(withdrawn, [PanelAction::WithdrawInvitation { id: "5f1c22aa".into() }]);
}

#[test]
fn a_workspace_is_made_renamed_and_left() {
    for (state, page) in [(samples::first(), ""), (samples::synced(), "Workspaces")] {
        let mut stage = Stage::new(state);
        if !page.is_empty() {
            stage.go(page);
        }
        stage.press("New workspace");
        stage.write("Name of the workspace", "Orchard");
        stage.press("Make it");
        assert_eq!(stage.asked(), [PanelAction::NewWorkspace { name: "Orchard".into() }]);
    }

    let mut stage = Stage::new(samples::synced());
    stage.go("Workspaces");
    stage.press("Rename Garden");
    stage.write("New name of Garden", "s");
    stage.press("Rename");
    assert_eq!(stage.asked(), [PanelAction::RenameWorkspace { workspace: GARDEN, name: "Gardens".into() }]);

    let mut member = samples::synced();
    member.workspaces[0].standing = Standing::Member;
    assert_eq!(pressing(member.clone(), "Workspaces", &["Leave Garden", "Stay in Garden"]), []);
    let left = pressing(member, "Workspaces", &["Leave Garden", "Leave Garden for good"]);
    assert_eq!(left, [PanelAction::LeaveWorkspace { workspace: GARDEN }]);
}

#[test]
fn a_workspace_is_shared_with_more_or_less_access_and_taken_away() {
    let share = |access| [PanelAction::Share { workspace: READING, device: ADA, access }];
    let name = "Share Reading with Ada's notebook";
    assert_eq!(pressing(samples::synced(), "Workspaces", &["Share Reading", name]), share(Access::ReadWrite));
    assert_eq!(
        pressing(samples::synced(), "Workspaces", &["Share Reading", "Read only", name]),
        share(Access::ReadOnly)
    );

    let less = pressing(samples::synced(), "Workspaces", &["Make read only: Ada's notebook in Garden"]);
    assert_eq!(less, [PanelAction::Share { workspace: GARDEN, device: ADA, access: Access::ReadOnly }]);
    let mut reader = samples::synced();
    reader.workspaces[0].members[2] = samples::member(ADA, Access::ReadOnly);
    let more = pressing(reader, "Workspaces", &["Let it write: Ada's notebook in Garden"]);
    assert_eq!(more, [PanelAction::Share { workspace: GARDEN, device: ADA, access: Access::ReadWrite }]);

    let stop = ["Stop sharing Garden with Ada's notebook"];
    assert_eq!(pressing(samples::synced(), "Workspaces", &stop), [], "it is asked first");
    let sure = [&stop[..], &["Take Garden away from Ada's notebook"]].concat();
    let taken = pressing(samples::synced(), "Workspaces", &sure);
    assert_eq!(taken, [PanelAction::Unshare { workspace: GARDEN, device: ADA }]);
}

#[test]
fn an_offered_workspace_is_joined() {
    let joined = pressing(samples::busy(), "Review", &["Join Orchard of Ada's notebook"]);
    assert_eq!(joined, [PanelAction::JoinWorkspace { workspace: ORCHARD, from: ADA }]);
}

#[test]
fn either_value_of_a_conflict_is_taken_by_one_press() {
    let pick = |value: &str, device| {
        let (workspace, conflict) = (GARDEN, TITLES.parse().unwrap());
        [PanelAction::Pick { workspace, conflict, value: value.into(), device }]
    };
    let kept = pressing(samples::conflicted(), "Review", &["Keep this: HyperCard, 1987 by lap"]);
    assert_eq!(kept, pick("HyperCard, 1987", LAP));
    let taken = pressing(samples::conflicted(), "Review", &["Take this: HyperCard (Bill Atkinson) by desk"]);
    assert_eq!(taken, pick("HyperCard (Bill Atkinson)", DESK));
}

#[test]
fn what_becomes_of_a_deleted_node_is_decided_by_one_press() {
    let buttons = [("Keep it", Verdict::Keep), ("Leave it a ghost", Verdict::Ghost), ("Delete it", Verdict::Delete)];
    for (button, verdict) in buttons {
        let decided = pressing(samples::conflicted(), "Review", &[&format!("{button}: Apple varieties")]);
        let conflict = DELETION.parse().unwrap();
        assert_eq!(decided, [PanelAction::Resolve { workspace: GARDEN, conflict, verdict }]);
    }
}

#[test]
fn what_is_held_is_kept_or_given_up_once_it_is_clear_what_depends_on_it() {
    let entries = vec![samples::held_id(1), samples::held_id(2)];
    let (workspace, of) = (GARDEN, "2 entries of Ada's notebook");
    let kept = pressing(samples::busy(), "Review", &[&format!("Keep {of}")]);
    assert_eq!(kept, [PanelAction::KeepHeld { workspace, entries: entries.clone() }]);
    let asked = pressing(samples::busy(), "Review", &[&format!("Discard {of}")]);
    assert_eq!(asked, [PanelAction::AskDiscard { workspace, entries: entries.clone() }]);
    let given_up = pressing(samples::discarding(), "Review", &["Give up 2 entries"]);
    assert_eq!(given_up, [PanelAction::Discard { workspace, entries }]);
    assert_eq!(pressing(samples::discarding(), "Review", &["Not now"]), [PanelAction::CancelDiscard]);
}

#[test]
fn a_reason_s_button_does_something_about_it() {
    let with = |reason, device, workspace| {
        let mut state = samples::synced();
        state.stops = vec![samples::stop(reason, device, workspace)];
        state
    };
    let retried = pressing(with(Reason::Unreachable, Some(PHONE), None), "", &["Try again: phone · since 09:40"]);
    assert_eq!(retried, [PanelAction::Retry { device: PHONE }]);
    let again = pressing(with(Reason::DiskFull, None, None), "", &["Check again: this device · since 09:40"]);
    assert_eq!(again, [PanelAction::SyncNow]);
    let about = "this device · Garden · since 09:40";
    let damaged = || with(Reason::LogDamaged, None, Some(GARDEN));
    let [repair, sure, not] = ["Repair", "Repair now", "Leave it as it is"].map(|label| format!("{label}: {about}"));
    assert_eq!(pressing(damaged(), "", &[&repair]), [], "it is asked first");
    let repaired = pressing(damaged(), "", &[&repair, &sure]);
    assert_eq!(repaired, [PanelAction::Repair { workspace: Some(GARDEN) }]);
    assert_eq!(pressing(damaged(), "", &[&repair, &not, &repair]), []);

    let mut stage = Stage::new(with(Reason::Revoked, Some(ADA), Some(GARDEN)));
    stage.press("Pair again: Ada's notebook · Garden · since 09:40");
    assert!(stage.shows("Show a code here"), "it leads to the sheet for pairing");
    let mut stage = Stage::new(with(Reason::Declined, Some(ADA), Some(GARDEN)));
    stage.press("Review what is held: Ada's notebook · Garden · since 09:40");
    assert!(stage.shows("Nothing waits for you"), "it leads to what is to be decided");
    let mut stage = Stage::new(with(Reason::Version, Some(LAP), None));
    stage.press("Copy details: lap · since 09:40");
    assert!(stage.copied().contains(&LAP.to_hex()), "who is to be told has something to tell");
}

#[test]
fn what_did_not_work_is_told_until_it_was_read() {
    let mut state = samples::synced();
    state.failure = Some(verso_panel::state::Failure {
        what: "can't rename the workspace".into(),
        why: "this device may only read it".into(),
        hint: "ask an owner for write access".into(),
    });
    for page in ["Overview", "Devices", "Workspaces", "Review", "Activity"] {
        let mut stage = Stage::new(state.clone());
        stage.go(page);
        assert!(stage.shows("This device may only read it"), "{page}");
    }
    assert_eq!(pressing(state, "", &["Dismiss"]), [PanelAction::DismissFailure]);
}

#[test]
fn ids_and_links_are_copied() {
    let mut stage = Stage::new(samples::synced());
    stage.go("Devices");
    stage.press("Copy the id of this device");
    assert_eq!(stage.copied(), DESK.to_hex());
    let mut stage = Stage::new(samples::showing());
    stage.press("Copy the link");
    assert_eq!(stage.copied(), samples::LINK);
}

#[test]
fn the_host_looks_around_only_while_devices_nearby_are_shown() {
    let mut stage = Stage::new(samples::synced());
    let looks = |stage: &mut Stage| std::mem::take(&mut stage.0.state_mut().actions);
    assert_eq!(looks(&mut stage), []);
    stage.go("Devices");
    assert_eq!(looks(&mut stage), [PanelAction::LookAround]);
    stage.go("Activity");
    assert_eq!(looks(&mut stage), [PanelAction::StopLooking]);
}

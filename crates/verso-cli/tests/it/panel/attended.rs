//! A window that a running `verso up` attends to: all that it shows, and all that can be asked for.

use std::time::{Duration, Instant};

use verso_panel::state::{HappeningKind, Indicator, Pairing, Presence, Screen, Secret};
use verso_panel::{OfferTerms, PanelAction, PanelState};
use verso_trust::{Access, PeerRole};

use super::far::{Far, Heard};
use crate::device::{Device, end, pair, sync, up};

fn own() -> OfferTerms {
    OfferTerms { role: PeerRole::Own, workspaces: Vec::new() }
}

fn screen(state: &PanelState) -> Option<Screen> {
    match &state.pairing {
        Pairing::Showing(screen) => Some(screen.as_ref().clone()),
        _ => None,
    }
}

fn confirming(state: &PanelState) -> Option<verso_identity::DeviceId> {
    match &state.pairing {
        Pairing::Confirming(agreement) => Some(agreement.device),
        _ => None,
    }
}

fn is_paired(state: &PanelState) -> Option<()> {
    matches!(state.pairing, Pairing::Paired { .. }).then_some(())
}

fn is_synced(state: &PanelState) -> Option<()> {
    matches!(state.indicator, Indicator::Synced { .. }).then_some(())
}

/// Pairs by the link that the first shows.
fn pair_by_link(shows: &mut Far, joins: &mut Far, terms: OfferTerms) {
    shows.ask(&PanelAction::ShowCode { terms });
    let link = shows.until("a code", screen).link;
    joins.ask(&PanelAction::Join { code: link });
    for far in [&mut *joins, &mut *shows] {
        let device = far.until("a question", confirming);
        far.ask(&PanelAction::Agree { device });
    }
    for far in [joins, shows] {
        far.until("the pairing", is_paired);
        far.ask(&PanelAction::ClosePairing);
        far.until("the end of the pairing", |state| matches!(state.pairing, Pairing::None).then_some(()));
    }
}

#[test]
fn what_is_asked_for_is_done_and_what_others_do_is_shown() {
    let desk = Device::new("desk");
    let serving = up(&desk);
    let mut far = Far::open(&desk);
    far.until("the first state", |state| (state.device.name == "desk").then_some(()));
    far.ask(&PanelAction::NewWorkspace { name: "garden".to_owned() });
    let garden = far.until("the workspace", |state| Some(state.workspaces.first()?.id));
    desk.ok(&["node", "add", "u:a", "--title", "A"]);
    far.ask(&PanelAction::RenameThis { name: "tower".to_owned() });
    far.until("the node and the name", |state| {
        (state.workspaces[0].nodes == 1 && state.device.name == "tower").then_some(())
    });
    assert_eq!(desk.json(&["id"])["name"], "tower");
    far.ask(&PanelAction::RenameWorkspace { workspace: garden, name: " \u{7} ".to_owned() });
    let failure = far.until("the failure", |state| state.failure.clone());
    assert!(failure.what.contains("name") && !failure.hint.is_empty(), "{failure:?}");
    far.ask(&PanelAction::DismissFailure);
    far.until("no failure", |state| state.failure.is_none().then_some(()));
    end(serving);
    assert_eq!(far.end(), Heard::Nothing, "it has ended with it");
}

/// The whole story, at the far ends of two sockets.
#[test]
fn two_devices_pair_share_conflict_and_resolve() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    desk.ok(&["workspace", "new", "garden"]);
    let ups = [up(&desk), up(&lap)];
    let (mut here, mut there) = (Far::open(&desk), Far::open(&lap));
    pair_by_link(&mut here, &mut there, own());
    for far in [&mut here, &mut there] {
        far.until("both in step", is_synced);
        far.until("the news of it", |state| {
            state.activity.iter().any(|it| it.kind == HappeningKind::Paired).then_some(())
        });
    }
    desk.ok(&["node", "add", "u:rose", "--title", "rose"]);
    there.until("the node", |state| (state.workspaces.first()?.nodes == 1).then_some(()));
    // Apart, both give it another title.
    ups.into_iter().for_each(end);
    drop((here, there));
    desk.ok(&["node", "title", "rose", "Rosa"]);
    lap.ok(&["node", "title", "rose", "the rose"]);
    sync(&desk, &lap);

    let ups = [up(&desk), up(&lap)];
    let (mut here, mut there) = (Far::open(&desk), Far::open(&lap));
    let conflict = there.until("the conflict", |state| state.conflicts.first().cloned());
    here.until("the conflict", |state| (state.conflicts.len() == 1).then_some(()));
    let value = conflict.opinions.iter().find(|opinion| opinion.value == "Rosa").unwrap();
    there.ask(&PanelAction::Pick {
        workspace: conflict.workspace,
        conflict: conflict.id,
        value: value.value.clone(),
        device: value.device,
    });
    for far in [&mut there, &mut here] {
        far.until("it settled", |state| state.conflicts.is_empty().then_some(()));
    }
    ups.into_iter().for_each(end);
    assert_eq!(crate::device::titles(&desk), ["Rosa"]);
    assert_eq!(crate::device::titles(&lap), ["Rosa"]);
}

#[test]
fn a_friend_gets_what_is_agreed_and_no_longer_than_that() {
    let (desk, ada) = (Device::new("desk"), Device::new("ada"));
    desk.ok(&["workspace", "new", "garden"]);
    let ups = [up(&desk), up(&ada)];
    let (mut here, mut there) = (Far::open(&desk), Far::open(&ada));
    let garden = here.until("the workspace", |state| Some(state.workspaces.first()?.id));
    let terms = OfferTerms { role: PeerRole::Friend, workspaces: vec![(garden, Access::ReadOnly)] };
    pair_by_link(&mut here, &mut there, terms);
    there.until("the workspace", |state| (state.workspaces.first()?.access == Access::ReadOnly).then_some(()));
    let device = here.until("the friend", |state| Some(state.devices.first()?.id));
    here.ask(&PanelAction::Share { workspace: garden, device, access: Access::ReadWrite });
    there.until("the right to write", |state| (state.workspaces[0].access == Access::ReadWrite).then_some(()));
    here.ask(&PanelAction::Forget { device });
    here.until("nobody", |state| state.devices.is_empty().then_some(()));
    ups.into_iter().for_each(end);
}

#[test]
fn one_code_is_shown_at_a_time_whoever_shows_it() {
    let desk = Device::new("desk");
    let serving = up(&desk);
    let mut far = Far::open(&desk);
    far.ask(&PanelAction::ShowCode { terms: own() });
    let first = far.until("a code", screen);
    let failure = desk.fails(&["pair", "--yes"]);
    assert_eq!(failure.code, 1, "{failure:?}");
    // The own one gives way to another.
    far.ask(&PanelAction::ShowCode { terms: own() });
    far.until("another code", |state| screen(state).filter(|screen| screen.link != first.link));
    far.ask(&PanelAction::ClosePairing);
    far.until("no code", |state| screen(state).is_none().then_some(()));
    let mut pairing = desk.start(&["pair", "--yes", "--json"]);
    pairing.event("offer");
    far.ask(&PanelAction::ShowCode { terms: own() });
    far.until("why not", |state| matches!(state.pairing, Pairing::Failed(_)).then_some(()));
    pairing.signal("INT");
    pairing.end();
    end(serving);
}

/// A window that is closed withdraws what it shows, as `verso pair` does.
#[test]
fn a_code_goes_with_its_window() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    let serving = up(&desk);
    let mut far = Far::open(&desk);
    far.ask(&PanelAction::ShowCode { terms: own() });
    let code = far.until("a code", screen).link;
    drop(far);
    // Its place is free as soon as it is withdrawn.
    let until = Instant::now() + Duration::from_mins(1);
    let pairing = loop {
        let mut pairing = desk.start(&["pair", "--yes", "--json"]);
        let first = pairing.try_line();
        match first {
            Some(line) if line["event"] == "offer" => break pairing,
            _ => assert!(Instant::now() < until, "the code is still shown"),
        }
    };
    let failure = lap.fails(&["join", code.expose(), "--yes"]);
    assert!(matches!(failure.code, 4 | 5), "{failure:?}");
    drop(pairing);
    end(serving);
}

#[test]
fn who_comes_and_goes_is_told_once() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    pair(&desk, &lap);
    let serving = up(&desk);
    let mut far = Far::open(&desk);
    for round in 1..=2 {
        let other = up(&lap);
        far.until("a connection", is_synced);
        end(other);
        far.until("the end of it", |state| matches!(state.devices.first()?.presence, Presence::Away).then_some(()));
        // It makes itself heard by something that comes after it.
        desk.ok(&["workspace", "new", &format!("after {round}")]);
        let told = far.until("what comes after", |state| {
            (state.workspaces.len() == round).then(|| state.activity.iter().map(|it| it.kind).collect::<Vec<_>>())
        });
        let count = |kind| told.iter().filter(|told| **told == kind).count();
        assert_eq!((count(HappeningKind::Online), count(HappeningKind::Offline)), (round, round), "{told:?}");
    }
    end(serving);
}

#[test]
fn nonsense_ends_the_window_and_nothing_else() {
    let desk = Device::new("desk");
    let serving = up(&desk);
    for piece in [&b"{}"[..], b"\xff\xfe", b"", br#"{"Forget":{"device":"nobody"}}"#] {
        let mut far = Far::open(&desk);
        far.until("the first state", |_state| Some(()));
        far.say(piece);
        assert_eq!(far.end(), Heard::Done(1), "{piece:?}");
    }
    // A code that is none is an answer to the person, and no nonsense.
    let mut far = Far::open(&desk);
    far.ask(&PanelAction::Join { code: Secret::new("orbit".to_owned()) });
    far.until("why not", |state| matches!(state.pairing, Pairing::Failed(_)).then_some(()));
    end(serving);
}

/// A window that does not read is shown fewer states, and keeps nobody waiting.
#[test]
fn whoever_does_not_look_keeps_nobody_waiting() {
    const MANY: usize = 30;
    let desk = Device::new("desk");
    let serving = up(&desk);
    let mut far = Far::open(&desk);
    for number in 0..MANY {
        far.ask(&PanelAction::NewWorkspace { name: format!("{number} {}", "x".repeat(60)) });
    }
    far.until("all of them", |state| (state.workspaces.len() == MANY).then_some(()));
    // More states than a socket holds, and nobody reads one.
    for number in 0..200 {
        far.ask(&PanelAction::RenameThis { name: format!("desk {number}") });
    }
    desk.ok(&["workspace", "list"]);
    desk.ok(&["id"]);
    end(serving);
    drop(far);
}

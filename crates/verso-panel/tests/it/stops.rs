//! What keeps data from moving, in words: what is the matter, with which device, and what to do.

use verso_panel::PanelAction;
use verso_panel::state::{Doubt, Stop, Trust};
use verso_wire::Reason;

use crate::samples::{self, GARDEN, LAP};
use crate::stage::{NARROW, Stage};

/// A panel that tells of one thing.
fn telling(stop: Stop) -> Stage {
    let mut state = samples::synced();
    state.stops = vec![stop];
    Stage::new(state)
}

fn clock(ahead_ms: i64) -> Stop {
    Stop { clock_ahead_ms: Some(ahead_ms), ..Stop::new(Reason::ClockSkew, Some(LAP)) }
}

#[test]
fn nobody_is_told_to_run_a_command_where_a_button_stands() {
    for reason in Reason::ALL {
        for device in [Some(LAP), None] {
            let stage = telling(Stop::new(*reason, device));
            assert!(!stage.shows("`"), "{reason}");
        }
    }
}

#[test]
fn clocks_are_told_with_which_is_how_far_off() {
    let mut stage = telling(clock(7_200_001));
    assert!(stage.shows("The clock of lap is 2 hours ahead of this device's."));
    assert!(stage.shows("whichever is wrong"));
    stage.press("Copy details: lap");
    assert!(stage.copied().contains("clock ahead: 7200001 ms"), "{}", stage.copied());
    assert!(telling(clock(-61_000)).shows("The clock of lap is 1 minute behind this device's."));
    let unknown = Stop { clock_ahead_ms: None, ..clock(0) };
    assert!(telling(unknown).shows(Reason::ClockSkew.what()));
}

#[test]
fn it_says_which_device_is_in_doubt_and_why() {
    let confirm = "Confirm this device: lap";
    for (doubt, what) in [
        (Doubt::PutBack, "was put back to an earlier state"),
        (Doubt::Earlier, "was restored from a backup or put back"),
    ] {
        let mut state = samples::synced();
        state.device.doubt = Some(doubt);
        state.devices[0].trust = Trust::Unconfirmed;
        state.stops = vec![Stop::new(Reason::Unconfirmed, Some(LAP))];
        for mut stage in [Stage::new(state.clone()), Stage::of(state.clone(), NARROW, egui::Theme::Dark)] {
            assert!(stage.shows(what) && stage.shows("whether lap is still trusted"), "{doubt:?}");
            assert!(stage.shows("until one that was in use since has confirmed it"), "it is told as a whole, too");
            assert_eq!(stage.shows("backup"), doubt == Doubt::Earlier, "{doubt:?}");
            stage.press(confirm);
            assert_eq!(stage.asked(), [PanelAction::ConfirmPeer { device: LAP }]);
        }
    }
    // The other one is in doubt, and nothing that is done here helps it.
    let mut stage = telling(Stop::new(Reason::Unconfirmed, Some(LAP)));
    assert!(
        stage.shows("lap was restored from a backup or put back")
            && stage.shows("whether this device is still trusted")
    );
    assert!(!stage.shows(confirm));
    stage.press("Try again: lap");
    assert_eq!(stage.asked(), [PanelAction::Retry { device: LAP }]);
}

#[test]
fn what_is_missing_still_is_repaired_once_more() {
    let mut stage = telling(Stop { workspace: Some(GARDEN), ..Stop::new(Reason::Gap, None) });
    assert!(stage.shows("Entries are missing that this device had."));
    stage.press("Repair: this device · Garden");
    assert!(stage.shows("the old one is kept beside it"));
    stage.press("Repair now: this device · Garden");
    assert_eq!(stage.asked(), [PanelAction::Repair { workspace: Some(GARDEN) }]);
}

//! An idle panel costs nothing: no frame is asked for, whatever page is open.

use std::time::Duration;

use verso_panel::PanelState;

use crate::samples;
use crate::stage::Stage;

/// Draws some frames and returns when the panel wants to be drawn again.
fn wish(stage: &mut Stage) -> Duration {
    stage.0.run_steps(3);
    let output = stage.0.output();
    output.viewport_output.values().map(|viewport| viewport.repaint_delay).min().unwrap_or(Duration::MAX)
}

fn rests(state: PanelState, pages: &[&str]) {
    let mut stage = Stage::new(state);
    assert_eq!(wish(&mut stage), Duration::MAX, "the first page");
    for page in pages {
        stage.go(page);
        assert_eq!(wish(&mut stage), Duration::MAX, "{page}");
    }
}

const PAGES: [&str; 5] = ["Overview", "Devices", "Workspaces", "Review", "Activity"];

#[test]
fn no_page_asks_for_a_frame() {
    for state in [samples::first(), samples::synced(), samples::syncing(), samples::busy()] {
        rests(state, &PAGES);
    }
}

#[test]
fn no_step_of_a_pairing_asks_for_a_frame_but_the_countdown() {
    for state in [samples::confirming(), samples::comparing(), samples::paired()] {
        rests(state, &[]);
    }
    let mut stage = Stage::new(samples::showing());
    let next = wish(&mut stage);
    assert!(next > Duration::ZERO && next <= Duration::from_secs(1), "once a second, not {next:?}");
    let mut over = samples::showing();
    over.now_ms += 600_000;
    rests(over, &[]);
}

#[test]
fn a_field_that_has_the_keyboard_asks_for_none() {
    let mut stage = Stage::new(samples::synced());
    stage.go("Devices");
    stage.press("Rename this device");
    stage.write("Name of this device", "x");
    assert_eq!(wish(&mut stage), Duration::MAX);
}

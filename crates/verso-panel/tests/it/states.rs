//! The state as data, and what is made of it beside the panel: the badge, toasts, the QR code.

use egui_kittest::Harness;
use egui_kittest::kittest::Queryable as _;
use verso_panel::state::{Conflict, Happening, HappeningKind, Indicator, MAX_ROWS, MAX_TEXT_BYTES, Secret};
use verso_panel::{Badge, PanelAction, PanelState, Pointed, Toasts};

use crate::samples;
use crate::stage::Stage;

fn all() -> Vec<PanelState> {
    vec![
        samples::first(),
        samples::synced(),
        samples::syncing(),
        samples::busy(),
        samples::discarding(),
        samples::showing(),
        samples::confirming(),
        samples::comparing(),
        samples::paired(),
    ]
}

#[test]
fn states_and_actions_pass_through_json_unchanged() {
    for state in all() {
        let text = serde_json::to_string(&state).unwrap();
        assert_eq!(serde_json::from_str::<PanelState>(&text).unwrap(), state);
    }
    let action = PanelAction::Pick {
        workspace: samples::GARDEN,
        conflict: samples::TITLES.parse().unwrap(),
        value: "HyperCard".into(),
        device: samples::LAP,
    };
    let text = serde_json::to_string(&action).unwrap();
    assert!(text.contains(samples::TITLES), "conflicts are named as everywhere: {text}");
    assert_eq!(serde_json::from_str::<PanelAction>(&text).unwrap(), action);
}

#[test]
fn a_state_costs_little_to_show_whoever_sent_it() {
    let mut state = samples::busy();
    let happening = Happening { at_ms: u64::MAX, kind: HappeningKind::InStep, device: None, workspace: None };
    state.activity = vec![happening; MAX_ROWS * 3];
    state.held = vec![state.held[0].clone(); MAX_ROWS + 7];
    state.conflicts = vec![Conflict { title: "ä".repeat(100_000), ..samples::titles() }; MAX_ROWS * 2];
    state.devices = vec![state.devices[0].clone(); MAX_ROWS * 2];
    let bounded = state.bounded();
    assert_eq!(bounded.activity.len(), MAX_ROWS);
    assert_eq!((bounded.held.len(), bounded.more_held), (MAX_ROWS, 12 + 7), "what is counted is counted whole");
    assert!(bounded.conflicts.iter().all(|conflict| conflict.title.len() <= MAX_TEXT_BYTES + 3));
    // One device writes as much as it likes.
    let opinion = samples::titles().opinions[0].clone();
    let long = verso_panel::state::Opinion { value: "ä".repeat(MAX_TEXT_BYTES), ..opinion };
    let mut state = samples::busy();
    state.conflicts = vec![Conflict { opinions: vec![long; 100], ..samples::titles() }; 50];
    let told = serde_json::to_vec(&state.bounded()).unwrap().len();
    assert!(told < 8 << 20, "{told} bytes");
    let mut stage = Stage::new(bounded);
    for page in ["Devices", "Workspaces", "Review", "Activity"] {
        stage.go(page);
    }
}

#[test]
fn what_can_pair_is_in_no_log_line() {
    let secret = Secret::new("orbit velvet".to_owned());
    let join = PanelAction::Join { code: secret };
    for text in [format!("{join:?}"), format!("{:?}", samples::showing()), format!("{:?}", samples::comparing())] {
        assert!(!["orbit", "verso://pair", "204917"].iter().any(|word| text.contains(word)), "{text}");
    }
}

#[test]
fn the_badge_says_it_in_one_line() {
    let cases = [
        (Indicator::Synced { peers: 2 }, "● 2 peers · synced"),
        (Indicator::Synced { peers: 1 }, "● 1 peer · synced"),
        (Indicator::Syncing { peers: 2, done: 1204, of: 9310 }, "◐ 2 peers · syncing 1,204 / 9,310"),
        (Indicator::Offline, "○ offline"),
        (Indicator::Conflict { count: 1 }, "! conflict"),
        (Indicator::Conflict { count: 3 }, "! 3 conflicts"),
        (Indicator::Attention, "! needs you"),
    ];
    for (indicator, text) in cases {
        assert_eq!(format!("{} {}", indicator.sign(), indicator.line()), text);
        let mut harness = Harness::new_ui(move |ui| _ = ui.add(Badge::new(&indicator)).rect);
        harness.run_ok();
        harness.get_by_label(&format!("Sync: {}", indicator.line()));
    }
}

/// Toasts over a window, the state they follow, and what was pointed at.
struct Notes {
    toasts: Toasts,
    state: PanelState,
    pointed: Option<Pointed>,
}

fn notes(state: PanelState) -> Harness<'static, Notes> {
    let notes = Notes { toasts: Toasts::new(), state, pointed: None };
    let mut harness = Harness::builder().with_size([700.0, 400.0]).with_render_cursor(false).build_ui_state(
        |ui, notes: &mut Notes| {
            if let Some(pointed) = notes.toasts.show(ui.ctx(), &notes.state) {
                notes.pointed = Some(pointed);
            }
        },
        notes,
    );
    harness.run_ok();
    harness
}

#[test]
fn a_toast_tells_of_a_new_conflict_and_points_into_the_list() {
    let mut harness = notes(samples::conflicted());
    assert!(harness.query_by_label("Later: Apple varieties").is_none(), "what was there before is no news");

    harness.state_mut().state.conflicts.remove(1);
    harness.step();
    harness.state_mut().state = samples::conflicted();
    harness.step();
    harness.step();
    harness.get_by_label_contains("Changed on two devices at once: Apple varieties in Garden");
    harness.snapshot("toast-dark");
    harness.get_by_label("Review the conflict: Apple varieties").click_accesskit();
    harness.step();
    harness.step();
    assert_eq!(harness.state().pointed, Some(Pointed::Conflicts));
    assert!(harness.query_by_label("Later: Apple varieties").is_none(), "it has done its work");
}

/// What a toast points at is seen, whatever sheet is open, and what was under way goes on.
#[test]
fn the_list_of_conflicts_is_shown_over_a_pairing_that_goes_on() {
    let mut state = samples::conflicted();
    state.pairing = samples::showing().pairing;
    let mut stage = Stage::new(state);
    stage.0.state_mut().panel.show_conflicts();
    stage.0.run_ok();
    assert!(stage.shows("CONFLICTS") && !stage.shows("Word 1"), "the sheet gave way");
    assert_eq!(stage.asked(), [], "the code still stands");
    stage.press("Back to the pairing");
    assert!(stage.shows("Word 1"));
    // Somebody comes meanwhile: then the question is what matters.
    stage.0.state_mut().panel.show_conflicts();
    stage.0.run_ok();
    assert!(!stage.shows("Word 1"));
    stage.0.state_mut().state.pairing = samples::confirming().pairing;
    stage.0.run_ok();
    assert!(stage.shows("Pair with Grace's tablet?"));
    // What is over is closed by leaving it.
    stage.0.state_mut().state.pairing = samples::paired().pairing;
    stage.0.run_ok();
    stage.0.state_mut().panel.show_conflicts();
    stage.0.run_ok();
    assert_eq!(stage.asked(), [PanelAction::ClosePairing]);
}

#[test]
fn a_toast_goes_by_itself_and_the_list_stays() {
    let mut harness = notes(samples::synced());
    harness.state_mut().state = samples::conflicted();
    harness.step();
    harness.step();
    assert!(harness.query_by_label("Later: HyperCard, 1987").is_some());
    // Ten seconds and some, a quarter of a second a frame.
    harness.run_steps(44);
    assert!(harness.query_by_label("Later: HyperCard, 1987").is_none());
    assert_eq!(harness.state().pointed, None);
    assert_eq!(harness.state().state.conflicts.len(), 2);
}

#[test]
fn the_qr_code_on_the_screen_holds_the_link() {
    for (size, theme) in [([1100.0, 820.0], egui::Theme::Dark), ([320.0, 820.0], egui::Theme::Light)] {
        let mut stage = Stage::of(samples::showing(), size, theme);
        let picture = stage.0.render().unwrap();
        let [width, height] = [picture.width(), picture.height()].map(|side| usize::try_from(side).unwrap());
        let grey: Vec<u8> = picture.pixels().map(|pixel| pixel.0[1]).collect();
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, |x, y| grey[y * width + x]);
        let read: Vec<String> = image.detect_grids().iter().filter_map(|grid| Some(grid.decode().ok()?.1)).collect();
        assert_eq!(read, [samples::LINK], "at a width of {}", size[0]);
    }
}

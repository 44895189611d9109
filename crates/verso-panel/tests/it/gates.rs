//! What stands before the panel: the first run, a passphrase, a program that has ended.

use egui::Theme::{Dark, Light};
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use egui_kittest::{Harness, SnapshotResults};
use verso_panel::state::{Failure, Secret};
use verso_panel::{Entrance, FirstRun, Gate, GateAction, Keep, KeyPlace};

use crate::stage::{NARROW, WIDE};

/// An entrance, what stands there, and what was asked for.
struct Scene {
    entrance: Entrance,
    gate: Gate,
    asked: Vec<GateAction>,
}

struct Stage(Harness<'static, Scene>);

impl Stage {
    fn of(gate: Gate, size: [f32; 2], theme: egui::Theme) -> Self {
        let scene = Scene { entrance: Entrance::new(), gate, asked: Vec::new() };
        let draw = |ui: &mut egui::Ui, scene: &mut Scene| {
            let whole = ui.ctx().content_rect();
            let mut ui = ui.new_child(egui::UiBuilder::new().max_rect(whole));
            ui.set_clip_rect(whole);
            scene.asked.extend(scene.entrance.ui(&mut ui, &scene.gate));
        };
        let builder = Harness::builder().with_size(size).with_theme(theme).with_render_cursor(false);
        let mut harness = builder.build_ui_state(draw, scene);
        harness.run_ok();
        Self(harness)
    }

    fn new(gate: Gate) -> Self {
        Self::of(gate, WIDE, Light)
    }

    fn press(&mut self, name: &str) {
        self.0.get_by_label(name).click_accesskit();
        self.0.run_ok();
    }

    fn is_disabled(&self, name: &str) -> bool {
        self.0.get_by_label(name).accesskit_node().is_disabled()
    }

    /// Writes into the field with this caption; one for secrets is another kind of field.
    fn write(&mut self, name: &str, text: &str) {
        let find = |harness: &Harness<'static, Scene>| {
            let fields = [egui::accesskit::Role::TextInput, egui::accesskit::Role::PasswordInput];
            fields.into_iter().find(|role| harness.query_by_role_and_label(*role, name).is_some()).expect("a field")
        };
        let role = find(&self.0);
        self.0.get_by_role_and_label(role, name).focus();
        self.0.run_ok();
        self.0.get_by_role_and_label(role, name).type_text(text);
        self.0.run_ok();
    }

    fn shows(&self, text: &str) -> bool {
        self.0.query_all_by_label_contains(text).next().is_some()
    }

    fn asked(&mut self) -> Vec<GateAction> {
        std::mem::take(&mut self.0.state_mut().asked)
    }
}

fn first_run(key: KeyPlace) -> Gate {
    Gate::NoDevice(FirstRun { name: "desk".into(), place: "/srv/ada/verso".into(), key, failure: None })
}

fn only_file() -> KeyPlace {
    KeyPlace::OnlyFile { why: "no keychain answers".into() }
}

fn failure() -> Failure {
    let [what, why, hint] =
        ["can't open the device", "the passphrase is wrong", "try again: it is the one that was chosen at the start"];
    Failure { what: what.into(), why: why.into(), hint: hint.into() }
}

fn barred() -> Gate {
    Gate::Barred { failure: failure(), is_mendable: false }
}

fn damaged() -> Gate {
    let [what, why, hint] = [
        "can't open the device in /srv/ada/verso",
        "a record of the journal is damaged",
        "mend it with `verso log repair`, which gets what is missing from your other devices",
    ];
    let failure = Failure { what: what.into(), why: why.into(), hint: hint.into() };
    Gate::Barred { failure, is_mendable: true }
}

fn mending() -> Gate {
    Gate::Mending { what: "Looking for devices that have what is missing".into() }
}

fn secret(text: &str) -> Secret {
    Secret::new(text.into())
}

#[test]
fn a_device_is_set_up_with_the_keychain_or_with_a_file() {
    let mut stage = Stage::new(first_run(KeyPlace::Ask));
    stage.press("Set it up");
    assert_eq!(stage.asked(), [GateAction::Make { name: "desk".into(), keep: Keep::Keychain }]);

    let mut stage = Stage::new(first_run(KeyPlace::Ask));
    stage.write("WHAT OTHER DEVICES CALL IT", "top");
    stage.press("In a file under a passphrase");
    assert!(stage.is_disabled("Set it up"), "there is no passphrase yet");
    stage.write("PASSPHRASE", "tea and cake");
    stage.write("THE SAME AGAIN", "tea and coke");
    assert!(stage.shows("These two differ."));
    assert!(stage.is_disabled("Set it up"), "they differ");
    stage.press("In the system's keychain");
    stage.press("Set it up");
    assert_eq!(stage.asked(), [GateAction::Make { name: "desktop".into(), keep: Keep::Keychain }]);
}

#[test]
fn without_a_keychain_a_passphrase_is_written_twice() {
    let mut stage = Stage::new(first_run(only_file()));
    assert!(stage.shows("no keychain answers"));
    stage.write("PASSPHRASE", "tea and cake");
    stage.write("THE SAME AGAIN", "tea and cake");
    stage.0.key_press(egui::Key::Enter);
    stage.0.run_ok();
    let keep = Keep::File { passphrase: secret("tea and cake") };
    assert_eq!(stage.asked(), [GateAction::Make { name: "desk".into(), keep }]);
    assert!(stage.is_disabled("Set it up"), "what was asked for is forgotten here");
}

#[test]
fn what_is_settled_is_not_asked() {
    let mut stage = Stage::new(first_run(KeyPlace::Settled { place: "in the system's keychain".into() }));
    stage.press("Set it up");
    assert_eq!(stage.asked(), [GateAction::Make { name: "desk".into(), keep: Keep::AsSettled }]);
}

#[test]
fn a_passphrase_is_asked_for_and_asked_again() {
    let mut stage = Stage::new(Gate::Locked { failure: None });
    assert!(stage.is_disabled("Open"));
    stage.write("PASSPHRASE", "tea and coke");
    stage.0.key_press(egui::Key::Enter);
    stage.0.run_ok();
    assert_eq!(stage.asked(), [GateAction::Unlock { passphrase: secret("tea and coke") }]);
    stage.0.state_mut().gate = Gate::Locked { failure: Some(failure()) };
    stage.0.run_ok();
    assert!(stage.shows("The passphrase is wrong"));
    stage.write("PASSPHRASE", "tea and cake");
    stage.press("Open");
    assert_eq!(stage.asked(), [GateAction::Unlock { passphrase: secret("tea and cake") }]);
}

#[test]
fn what_has_stopped_runs_here_when_somebody_asks_and_what_is_barred_is_tried_again() {
    let mut stage = Stage::new(Gate::Stopped { failure: None });
    stage.press("Run it here");
    assert_eq!(stage.asked(), [GateAction::RunHere]);
    let mut stage = Stage::new(barred());
    assert!(stage.shows("Can't open the device") && stage.shows("The passphrase is wrong"));
    stage.press("Try again");
    assert_eq!(stage.asked(), [GateAction::Retry]);
}

#[test]
fn what_is_barred_by_damage_is_mended_or_tried_again() {
    let mut stage = Stage::new(damaged());
    assert!(stage.shows("A record of the journal is damaged") && stage.shows("other devices"));
    assert!(!stage.shows("log repair"), "nobody is told to run a command where a button stands");
    stage.press("Repair");
    assert_eq!(stage.asked(), [GateAction::Repair]);
    stage.press("Try again");
    assert_eq!(stage.asked(), [GateAction::Retry]);
    stage.0.state_mut().gate = mending();
    stage.0.run_ok();
    assert!(stage.shows("Mending the journals") && stage.shows("Looking for devices"));
}

#[test]
fn nothing_asks_for_a_frame_while_it_rests() {
    let gates = [
        Gate::Opening { what: "Opening this device".into() },
        first_run(only_file()),
        Gate::Locked { failure: Some(failure()) },
        Gate::Stopped { failure: None },
        barred(),
        damaged(),
        mending(),
    ];
    for gate in gates {
        let mut stage = Stage::new(gate);
        stage.0.run_steps(3);
        let output = stage.0.output();
        let wish = output.viewport_output.values().map(|viewport| viewport.repaint_delay).min();
        assert_eq!(wish, Some(std::time::Duration::MAX));
    }
}

#[test]
fn pictures() {
    let mut results = SnapshotResults::default();
    let mut add = |name: &str, gate: Gate, size: [f32; 2], theme: egui::Theme| {
        let mut stage = Stage::of(gate, size, theme);
        stage.0.snapshot(name);
        results.extend_harness(&mut stage.0);
    };
    add("gate-first-light", first_run(KeyPlace::Ask), WIDE, Light);
    add("gate-first-dark", first_run(only_file()), WIDE, Dark);
    add("gate-first-narrow", first_run(only_file()), NARROW, Light);
    add("gate-locked-light", Gate::Locked { failure: Some(failure()) }, WIDE, Light);
    add("gate-stopped-light", Gate::Stopped { failure: None }, WIDE, Light);
    add("gate-stopped-narrow", Gate::Stopped { failure: Some(failure()) }, NARROW, Dark);
    add("gate-barred-dark", barred(), WIDE, Dark);
    add("gate-damaged-light", damaged(), WIDE, Light);
    add("gate-damaged-narrow", damaged(), NARROW, Dark);
    add("gate-mending-light", mending(), WIDE, Light);
    add("gate-mending-narrow", mending(), NARROW, Dark);
}

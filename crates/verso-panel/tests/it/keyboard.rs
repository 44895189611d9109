//! By keyboard alone.

use std::collections::BTreeSet;

use egui::Key;
use egui_kittest::kittest::{NodeT as _, Queryable as _};
use verso_panel::{OfferTerms, PanelAction, PanelState};
use verso_trust::PeerRole;

use crate::samples;
use crate::stage::{NARROW, Stage};

/// Names of all that can be pressed or written in.
fn reachable(stage: &Stage) -> BTreeSet<String> {
    let roles = [
        egui::accesskit::Role::Button,
        egui::accesskit::Role::Tab,
        egui::accesskit::Role::RadioButton,
        egui::accesskit::Role::TextInput,
    ];
    let nodes = roles.into_iter().flat_map(|role| stage.0.query_all_by_role(role));
    nodes.filter(|node| !node.accesskit_node().is_disabled()).map(|node| name(&node)).collect()
}

fn name(node: &egui_kittest::Node<'_>) -> String {
    let labelled = node.accesskit_node().labelled_by().find_map(|label| label.label().or_else(|| label.value()));
    node.accesskit_node().label().or(labelled).unwrap_or_default()
}

fn has_keyboard(node: &egui_kittest::kittest::AccessKitNode<'_>) -> bool {
    node.is_focused()
}

/// Goes through the panel with Tab and returns the names that the keyboard was at.
fn tabbed(stage: &mut Stage) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    for _ in 0..120 {
        stage.0.key_press(Key::Tab);
        stage.0.run_ok();
        let focused = stage
            .0
            .root()
            .query_all(egui_kittest::kittest::By::new().predicate(has_keyboard))
            .map(|node| name(&node))
            .next();
        if let Some(name) = focused {
            reached.insert(name);
        }
    }
    reached
}

fn all_is_reached(state: PanelState, size: [f32; 2], prepare: impl FnOnce(&mut Stage)) {
    let mut stage = Stage::of(state, size, egui::Theme::Light);
    prepare(&mut stage);
    let wanted = reachable(&stage);
    assert!(wanted.len() >= 3, "there is something to reach: {wanted:?}");
    let reached = tabbed(&mut stage);
    let missed: Vec<_> = wanted.difference(&reached).collect();
    assert!(missed.is_empty(), "out of reach: {missed:?}");
}

#[test]
fn tab_reaches_everything_on_every_page() {
    for page in ["Overview", "Devices", "Workspaces", "Review", "Activity"] {
        all_is_reached(samples::busy(), [1100.0, 3000.0], |stage| stage.go(page));
    }
    all_is_reached(samples::busy(), NARROW, |stage| stage.go("Review"));
    all_is_reached(samples::confirming(), NARROW, |_| {});
    all_is_reached(samples::busy(), NARROW, |stage| stage.press("Pair a device"));
}

#[test]
fn space_and_enter_press() {
    for key in [Key::Space, Key::Enter] {
        let mut stage = Stage::new(samples::synced());
        stage.0.get_by_label("Sync now").focus();
        stage.0.run_ok();
        stage.0.key_press(key);
        stage.0.run_ok();
        assert_eq!(stage.asked(), [PanelAction::SyncNow], "{key:?}");
    }
}

#[test]
fn a_device_is_paired_without_a_mouse() {
    let mut stage = Stage::new(samples::synced());
    for name in ["Pair a device", "Show a code"] {
        stage.0.get_by_label(name).focus();
        stage.0.run_ok();
        stage.0.key_press(Key::Enter);
        stage.0.run_ok();
    }
    let terms = OfferTerms { role: PeerRole::Own, workspaces: Vec::new() };
    assert_eq!(stage.asked(), [PanelAction::ShowCode { terms }]);
}

#[test]
fn enter_finishes_a_name_and_escape_leaves_it() {
    let mut stage = Stage::new(samples::synced());
    stage.go("Devices");
    stage.press("Rename this device");
    stage.write("Name of this device", "top");
    stage.0.key_press(Key::Enter);
    stage.0.run_ok();
    assert_eq!(stage.asked(), [PanelAction::RenameThis { name: "desktop".into() }]);

    stage.press("Rename this device");
    stage.write("Name of this device", "x");
    stage.0.key_press(Key::Escape);
    stage.0.run_ok();
    assert_eq!(stage.asked(), []);
    assert!(stage.0.query_by_label("Name of this device").is_none(), "the field is gone");
}

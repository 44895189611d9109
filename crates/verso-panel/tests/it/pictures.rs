//! Pictures of the main states, drawn by a software renderer. `UPDATE_SNAPSHOTS=true` draws them anew; then somebody has to look at them.

use egui::Theme::{Dark, Light};
use egui_kittest::SnapshotResults;
use verso_panel::PanelState;

use crate::samples;
use crate::stage::{NARROW, Stage, WIDE};

/// A set of pictures; dropped, it tells of all that differ.
#[derive(Default)]
struct Album(SnapshotResults);

impl Album {
    /// Shows a state as `prepare` leaves it, and compares.
    fn add(&mut self, name: &str, shown: (PanelState, [f32; 2], egui::Theme), prepare: impl FnOnce(&mut Stage)) {
        let (state, size, theme) = shown;
        let mut stage = Stage::of(state, size, theme);
        prepare(&mut stage);
        stage.0.snapshot(name);
        self.0.extend_harness(&mut stage.0);
    }
}

#[test]
fn overview() {
    let mut album = Album::default();
    album.add("overview-light", (samples::synced(), WIDE, Light), |_| {});
    album.add("overview-dark", (samples::synced(), WIDE, Dark), |_| {});
    album.add("overview-narrow", (samples::synced(), NARROW, Light), |_| {});
}

#[test]
fn overview_syncing() {
    let mut album = Album::default();
    album.add("syncing-dark", (samples::syncing(), WIDE, Dark), |_| {});
    album.add("syncing-narrow", (samples::syncing(), NARROW, Dark), |_| {});
}

#[test]
fn first_start() {
    let mut album = Album::default();
    album.add("first-light", (samples::first(), WIDE, Light), |_| {});
    album.add("first-narrow", (samples::first(), NARROW, Dark), |_| {});
}

#[test]
fn what_needs_somebody() {
    let mut album = Album::default();
    album.add("attention-light", (samples::busy(), WIDE, Light), |_| {});
    album.add("attention-narrow", (samples::busy(), NARROW, Dark), |_| {});
}

#[test]
fn devices() {
    let mut album = Album::default();
    let open = |stage: &mut Stage| {
        stage.go("Devices");
        stage.press("More about lap");
    };
    album.add("devices-light", (samples::busy(), [1100.0, 1500.0], Light), open);
    album.add("devices-narrow", (samples::busy(), [320.0, 900.0], Dark), open);
}

#[test]
fn workspaces() {
    let mut album = Album::default();
    album.add("workspaces-light", (samples::syncing(), [1100.0, 1100.0], Light), |stage| stage.go("Workspaces"));
    album.add("workspaces-narrow", (samples::syncing(), [320.0, 1500.0], Light), |stage| stage.go("Workspaces"));
}

#[test]
fn review() {
    let mut album = Album::default();
    album.add("review-light", (samples::busy(), [1100.0, 1100.0], Light), |stage| stage.go("Review"));
    album.add("review-dark", (samples::discarding(), [1100.0, 1300.0], Dark), |stage| stage.go("Review"));
    album.add("review-narrow", (samples::busy(), [320.0, 1100.0], Light), |stage| stage.go("Review"));
    album.add("review-empty", (samples::synced(), WIDE, Light), |stage| stage.go("Review"));
}

#[test]
fn activity() {
    let mut album = Album::default();
    album.add("activity-light", (samples::synced(), [1100.0, 1000.0], Light), |stage| stage.go("Activity"));
    album.add("activity-narrow", (samples::synced(), NARROW, Dark), |stage| stage.go("Activity"));
}

#[test]
fn pairing() {
    let mut album = Album::default();
    album.add("pair-choose-light", (samples::busy(), WIDE, Light), |stage| {
        stage.press("Pair a device");
        stage.press("A friend's");
    });
    album.add("pair-choose-narrow", (samples::busy(), [320.0, 1000.0], Dark), |stage| stage.press("Pair a device"));
    album.add("pair-code-light", (samples::showing(), WIDE, Light), |_| {});
    album.add("pair-code-dark", (samples::showing(), WIDE, Dark), |_| {});
    album.add("pair-code-narrow", (samples::showing(), [320.0, 820.0], Light), |_| {});
    album.add("pair-confirm-light", (samples::confirming(), WIDE, Light), |_| {});
    album.add("pair-confirm-narrow", (samples::confirming(), NARROW, Dark), |_| {});
    album.add("pair-compare-light", (samples::comparing(), WIDE, Light), |_| {});
    album.add("pair-done-dark", (samples::paired(), WIDE, Dark), |_| {});
}

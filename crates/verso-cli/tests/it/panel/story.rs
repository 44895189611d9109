//! The story of two windows on one machine: they pair by the QR code, share a workspace, conflict, and resolve it. Somebody runs it to see it:
//!
//! ```console
//! $ VERSO_PICTURES=docs/pictures cargo nextest run -p verso-cli --run-ignored only story
//! ```

use std::process::Command;

use serde_json::Value;

use super::display::{Display, Picture, album, panel, wait};
use crate::device::{Device, Running, succeeded};

/// A device with its screen.
struct Desk {
    device: Device,
    display: Display,
}

/// The two of them.
struct Story([Desk; 2]);

impl Story {
    fn begin() -> Self {
        Self(["desk", "lap"].map(|name| Desk { device: Device::new(name), display: Display::open() }))
    }

    fn open(&self) -> [Running; 2] {
        self.0.each_ref().map(|desk| {
            let running = desk.display.start(panel(&desk.device));
            desk.display.wait_for("the panel", Picture::is_panel);
            running
        })
    }

    /// Waits until both tell this of their status.
    fn wait(&self, what: &str, is_it: impl Fn(&Value) -> bool) {
        for desk in &self.0 {
            wait(what, || is_it(&desk.device.json(&["status"])).then_some(()));
        }
    }

    /// Keeps what is on both screens as one picture, if pictures are kept.
    fn picture(&self, name: &str) {
        let Some(album) = album() else { return };
        let files = ["left", "right"].map(|side| album.join(format!(".{side}.png")));
        for (desk, file) in self.0.iter().zip(&files) {
            desk.display.keep(file);
        }
        let mut join = Command::new("convert");
        join.args(&files).args(["-bordercolor", "#8a8f98", "-border", "1", "+append", "-colors", "200"]);
        assert!(join.arg(album.join(format!("story-{name}.png"))).status().unwrap().success());
        for file in files {
            std::fs::remove_file(file).unwrap();
        }
    }
}

fn close(windows: [Running; 2]) {
    for window in windows {
        window.signal("TERM");
        succeeded(&["panel"], &window.end());
    }
}

/// Controls by the number at which Tab reaches them: the indicator and the five ways to the pages come first, but on the sheet for pairing, where the way back does.
mod control {
    pub(super) const REVIEW: usize = 5;
    pub(super) const FIRST: usize = 7;
    pub(super) const SECOND: usize = 8;
    pub(super) const SHOW_A_CODE: usize = 4;
    pub(super) const CODE: usize = 6;
    pub(super) const PAIR: usize = 2;
    pub(super) const DONE: usize = 2;
}

#[test]
#[ignore = "for whoever wants to see it: what it shows is tested elsewhere without screens"]
fn two_windows_pair_share_conflict_and_resolve() {
    let story = Story::begin();
    let [desk, lap] = &story.0;
    let windows = story.open();
    story.picture("1-first");

    desk.display.press_control(control::FIRST);
    desk.display.see(|| desk.display.write("garden"));
    desk.display.press(&["Return"]);
    wait("the workspace", || (desk.device.json(&["status"])["workspaces"][0]["name"] == "garden").then_some(()));
    desk.display.press_control(control::FIRST);
    desk.display.press_control(control::SHOW_A_CODE);
    let link = wait("a QR code", || desk.display.look().qr());
    lap.display.press_control(control::SECOND);
    story.picture("2-code");

    lap.display.go_to_control(control::CODE);
    lap.display.see(|| lap.display.write(&link));
    lap.display.press(&["Return"]);
    wait("no QR code", || desk.display.look().qr().is_none().then_some(()));
    story.picture("3-confirm");

    for side in [lap, desk] {
        side.display.press_control(control::PAIR);
    }
    story.wait("both in step", |status| status["indicator"] == "synced");
    story.picture("4-paired");

    for side in [lap, desk] {
        side.display.press_control(control::DONE);
    }
    desk.device.ok(&["node", "add", "https://example.org/rose", "--title", "rose", "--tag", "flower"]);
    story.wait("the node", |status| status["workspaces"][0]["nodes"] == 1 && status["indicator"] == "synced");
    story.picture("5-in-step");

    close(windows);
    desk.device.ok(&["node", "title", "rose", "Rosa gallica"]);
    lap.device.ok(&["node", "title", "rose", "the rose by the gate"]);
    let windows = story.open();
    story.wait("the conflict", |status| status["conflicts"].as_array().is_some_and(|all| all.len() == 1));
    story.picture("6-conflict");

    for side in [lap, desk] {
        side.display.press_control(control::REVIEW);
    }
    story.picture("7-review");
    lap.display.press_control(control::SECOND);
    story.wait("it settled", |status| status["indicator"] == "synced");
    story.picture("8-resolved");
    close(windows);
    let titles = [desk, lap].map(|side| crate::device::titles(&side.device));
    assert_eq!(titles[0], titles[1]);
}

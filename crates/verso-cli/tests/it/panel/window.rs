//! The window itself, on a display that nobody sees.

use super::display::{Display, Picture, panel, wait};
use crate::device::{Device, PASSPHRASE, Running, assert_equal, end, succeeded, titles, up};
use crate::repair::{damage, in_step};

fn close(running: Running) {
    running.signal("TERM");
    succeeded(&["panel"], &running.end());
}

/// The number at which Tab reaches the first control of a page: the indicator and the ways to the five pages come before it.
const FIRST: usize = 7;

/// The number of what can be done about the first thing that keeps data from moving, on the overview of a device that has others.
const REPAIR: usize = 9;

/// The number of the way to the devices.
const DEVICES: usize = 3;

/// Makes a workspace in the window of a device that has none.
fn make_workspace(display: &Display, device: &Device, name: &str) {
    display.press_control(FIRST);
    display.see(|| display.write(name));
    display.press(&["Return"]);
    wait("the workspace", || {
        let told = device.json(&["workspace", "list"]);
        (told["workspaces"].as_array().unwrap().iter().any(|workspace| workspace["name"] == name)).then_some(())
    });
}

#[test]
fn the_window_opens_draws_and_has_the_worker_behind_it() {
    let (desk, display) = (Device::new("desk"), Display::open());
    let running = display.start(panel(&desk));
    display.wait_for("the panel", Picture::is_panel);
    // Other commands are carried out in it, as in `up`.
    desk.ok(&["id", "rename", "tower"]);
    assert_eq!(desk.json(&["status"])["running"], true);
    make_workspace(&display, &desk, "garden");
    close(running);
    assert_eq!(desk.json(&["status"])["running"], false);
    assert_eq!(desk.json(&["workspace", "list"])["workspaces"][0]["name"], "garden");
}

#[test]
fn it_attaches_to_a_running_up_and_goes_on_with_the_next() {
    let (desk, display) = (Device::new("desk"), Display::open());
    let serving = up(&desk);
    let running = display.start(panel(&desk));
    display.wait_for("the panel", Picture::is_panel);
    make_workspace(&display, &desk, "garden");
    // `up` ends: the window says so, and leaves the device to whoever comes.
    end(serving);
    display.wait_for("that it has stopped", Picture::is_gate);
    assert_eq!(desk.json(&["status"])["running"], false);
    let mut serving = up(&desk);
    display.wait_for("the panel again", Picture::is_panel);
    // Killed, it says nothing; then the window is asked to run it.
    serving.child.kill().unwrap();
    serving.child.wait().unwrap();
    display.wait_for("that it has stopped again", Picture::is_gate);
    display.press_control(1);
    display.wait_for("the panel, run here", Picture::is_panel);
    assert_eq!(desk.json(&["status"])["running"], true);
    close(running);
    assert_eq!(desk.json(&["status"])["running"], false);
    assert_eq!(desk.json(&["workspace", "list"])["workspaces"][0]["name"], "garden");
}

/// An `up` that is stopped answers nothing: the window is drawn and closed all the same.
#[test]
fn a_silent_up_does_not_hold_the_window() {
    let (desk, display) = (Device::new("desk"), Display::open());
    let serving = up(&desk);
    let running = display.start(panel(&desk));
    display.wait_for("the panel", Picture::is_panel);
    serving.signal("STOP");
    let before = display.look();
    display.press_control(DEVICES);
    display.wait_for("another page", |now| *now != before && now.is_panel());
    close(running);
    serving.signal("CONT");
    end(serving);
}

#[test]
fn a_device_is_set_up_in_the_window() {
    let (desk, display) = (Device::blank(), Display::open());
    let mut command = panel(&desk);
    command.env_remove("VERSO_PASSPHRASE").env("VERSO_KEY_CACHE", "off");
    let running = display.start(command);
    display.wait_for("the first steps", Picture::is_gate);
    // There is no keychain here, so a passphrase is chosen, and written twice.
    for (control, text) in [(1, "tower"), (2, PASSPHRASE), (3, PASSPHRASE)] {
        display.go_to_control(control);
        display.press(&["ctrl+a"]);
        display.see(|| display.write(text));
    }
    display.press(&["Return"]);
    display.wait_for("the panel", Picture::is_panel);
    assert_eq!(desk.json(&["id"])["name"], "tower");
    make_workspace(&display, &desk, "garden");
    close(running);
    assert_eq!(desk.json(&["workspace", "list"])["workspaces"][0]["name"], "garden");
}

#[test]
fn a_passphrase_is_typed_in_the_window() {
    let (desk, display) = (Device::new("desk"), Display::open());
    let mut command = panel(&desk);
    command.env_remove("VERSO_PASSPHRASE").env("VERSO_KEY_CACHE", "off");
    let running = display.start(command);
    display.wait_for("the question", Picture::is_gate);
    let open = |passphrase: &str| {
        display.go_to_control(1);
        display.see(|| display.write(passphrase));
        display.press(&["Return"]);
    };
    let before = display.look();
    open("tea and coke");
    // What is told about it makes the card higher, and nobody is at the field any more.
    display.wait_for("that it is wrong", |now| now.is_gate() && now.drawn_rows() > before.drawn_rows());
    assert_eq!(desk.json(&["status"])["running"], false);
    open(PASSPHRASE);
    display.wait_for("the panel", Picture::is_panel);
    assert_eq!(desk.json(&["status"])["running"], true);
    close(running);
}

/// What a journal has lost comes back from the other device, and the window goes on where it was.
#[test]
fn journals_are_mended_in_the_window() {
    let (desk, phone) = in_step();
    let serving = up(&phone);
    damage(&desk, "0000000002.seg");
    let display = Display::open();
    let running = display.start(panel(&desk));
    display.wait_for("the panel", Picture::is_panel);
    let is_damaged = || desk.json(&["status"])["reasons"].to_string().contains("log-damaged");
    wait("the damage", || is_damaged().then_some(()));
    // After “Pair a device” and “Sync now” comes what can be done about what is damaged: first it is asked whether it is to be.
    display.press_control(REPAIR);
    assert!(is_damaged(), "nothing is mended before somebody has said so");
    display.press_control(REPAIR);
    wait("whole journals", || desk.run(&["log", "verify"]).status.success().then_some(()));
    display.wait_for("the panel again", Picture::is_panel);
    assert!(!is_damaged());
    desk.ok(&["node", "add", "https://example.org/after", "--title", "after"]);
    wait("both in step", || (desk.json(&["status"])["indicator"] == "synced").then_some(()));
    close(running);
    end(serving);
    assert_equal(&desk, &phone);
    for title in ["one", "two", "three", "after"] {
        assert!(titles(&desk).iter().any(|found| found == title), "{title} is there");
    }
}

#[test]
fn without_a_screen_it_says_so() {
    let desk = Device::new("desk");
    let mut command = desk.command(&["panel", "--json"]);
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env("XDG_RUNTIME_DIR", "/nonexistent");
    let failure = crate::device::failed(&["panel"], &command.output().unwrap());
    assert_eq!((failure.code, failure.what.as_str()), (1, "can't open a window"), "{failure:?}");
    assert!(!failure.why.contains(".rs:"), "it is no place in a source: {failure:?}");
}

//! `status --watch`: what changes is seen, whoever changes it is not in anybody's way, and the terminal is left as it was.

use serde_json::Value;

use crate::device::{Device, succeeded};
#[cfg(unix)]
use crate::device::{Running, pair};

#[test]
fn every_change_is_a_document_and_nothing_else_is() {
    let device = Device::new("desk");
    let mut watch = device.start(&["status", "--watch", "--json"]);
    let first = watch.line();
    assert_eq!((&first["indicator"], &first["running"]), (&"offline".into(), &false.into()));
    assert_eq!(first["workspaces"], Value::from(vec![Value::Null; 0]));
    device.ok(&["workspace", "new", "garden"]);
    assert_eq!(watch.line()["workspaces"][0]["nodes"], 0);
    // Reading changes nothing that anybody would see.
    device.ok(&["show"]);
    device.ok(&["node", "add", "https://example.org/"]);
    assert_eq!(watch.line()["workspaces"][0]["nodes"], 1);
    watch.signal("TERM");
    assert_eq!(succeeded(&["status"], &watch.end()), "", "nothing more was said");
}

#[test]
fn other_commands_go_on_as_if_nobody_watched() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    let mut watch = device.start(&["status", "--watch", "--json"]);
    watch.line();
    for number in 0..12 {
        device.ok(&["node", "add", &format!("https://example.org/{number}")]);
    }
    while watch.line()["workspaces"][0]["nodes"] != 12 {}
    watch.signal("INT");
    succeeded(&["status"], &watch.end());
}

/// Reads documents up to one of which this is so.
#[cfg(unix)]
fn until(watch: &mut Running, is_it: impl Fn(&Value) -> bool) -> Value {
    loop {
        let told = watch.line();
        if is_it(&told) {
            return told;
        }
    }
}

#[cfg(unix)]
#[test]
fn it_follows_a_verso_up_that_begins_and_ends() {
    let device = Device::new("desk");
    device.ok(&["workspace", "new", "garden"]);
    let mut watch = device.start(&["status", "--watch", "--json"]);
    assert_eq!(watch.line()["running"], false);
    for round in 1..=2 {
        let mut up = device.start(&["up", "--json"]);
        up.event("started");
        until(&mut watch, |told| told["running"] == true);
        device.ok(&["node", "add", &format!("https://example.org/{round}")]);
        until(&mut watch, |told| told["workspaces"][0]["nodes"] == round && told["running"] == true);
        up.signal("INT");
        succeeded(&["up"], &up.end());
        let told = until(&mut watch, |told| told["running"] == false);
        assert_eq!(told["workspaces"][0]["nodes"], round);
    }
    let mut up = device.start(&["up", "--json"]);
    up.event("started");
    until(&mut watch, |told| told["running"] == true);
    watch.signal("TERM");
    succeeded(&["status"], &watch.end());
    assert_eq!(device.json(&["status"])["running"], true, "whoever watches leaves it as it is");
    up.signal("INT");
    succeeded(&["up"], &up.end());
}

#[cfg(unix)]
#[test]
fn who_is_connected_and_in_step_is_seen_as_it_comes_about() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    desk.ok(&["workspace", "new", "garden"]);
    pair(&desk, &lap);
    let mut up = desk.start(&["up", "--json"]);
    up.event("started");
    let mut watch = desk.start(&["status", "--watch", "--json"]);
    let alone = watch.line();
    assert_eq!((&alone["indicator"], &alone["peers"][0]["connected"]), (&"offline".into(), &false.into()));
    let mut other = lap.start(&["up", "--json"]);
    let told = until(&mut watch, |told| told["indicator"] == "synced");
    let peer = &told["peers"][0];
    assert_eq!((&peer["connected"], &peer["in_step"], &peer["reason"]), (&true.into(), &true.into(), &Value::Null));
    assert!(peer["progress"]["to_send"].is_u64(), "{told}");
    lap.ok(&["node", "add", "https://example.org/"]);
    until(&mut watch, |told| told["workspaces"][0]["nodes"] == 1 && told["indicator"] == "synced");
    assert!(desk.ok(&["status"]).starts_with("● 1 peer · synced\n"));
    other.signal("INT");
    other.line();
    succeeded(&["up"], &other.end());
    until(&mut watch, |told| told["peers"][0]["connected"] == false);
    watch.signal("INT");
    succeeded(&["status"], &watch.end());
    up.signal("INT");
    succeeded(&["up"], &up.end());
}

#[cfg(target_os = "linux")]
mod at_a_terminal {
    use super::*;
    use crate::seat::Seat;

    const ROWS: u16 = 12;
    const COLUMNS: u16 = 60;

    #[test]
    fn it_is_drawn_in_its_place_and_leaves_the_terminal_as_it_was() {
        let device = Device::new("desk");
        device.ok(&["workspace", "new", "garden"]);
        let seat = Seat::alone(device.command(&["status", "--watch"]), ROWS, COLUMNS);
        let line = |screen: &vt100::Screen, text: &str| {
            screen.contents().lines().any(|line| line.trim_start().starts_with(text))
        };
        seat.shows(ROWS, COLUMNS, |screen| line(screen, "garden  0 nodes") && line(screen, "desk, as stored at"));
        device.ok(&["node", "add", "https://example.org/"]);
        seat.shows(ROWS, COLUMNS, |screen| line(screen, "garden  1 node,") && !line(screen, "garden  0 nodes"));
        // What a `verso up` tells stands in the same place.
        let mut up = device.start(&["up", "--json"]);
        up.event("started");
        seat.shows(ROWS, COLUMNS, |screen| {
            line(screen, "desk, as `verso up` has it")
                && !line(screen, "desk, as stored at")
                && line(screen, "garden  1")
        });
        up.signal("INT");
        succeeded(&["up"], &up.end());
        seat.shows(ROWS, COLUMNS, |screen| line(screen, "desk, as stored at"));
        seat.running.signal("INT");
        let written = {
            let shown = std::sync::Arc::clone(&seat.screen);
            succeeded(&["status"], &seat.running.end());
            shown.lock().unwrap().clone()
        };
        let mut terminal = vt100::Parser::new(ROWS.try_into().unwrap(), COLUMNS.try_into().unwrap(), 0);
        terminal.process(written.as_bytes());
        let screen = terminal.screen();
        assert_eq!(screen.contents().matches("offline").count(), 1, "{}", screen.contents());
        let rows = u16::try_from(screen.contents().lines().count()).unwrap();
        assert_eq!(screen.cursor_position(), (rows, 0), "below all that is shown");
        assert!(!screen.hide_cursor() && !screen.alternate_screen());
        assert_eq!(screen.fgcolor(), vt100::Color::Default);
    }
}

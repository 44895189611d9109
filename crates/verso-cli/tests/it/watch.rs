//! `status --watch`: what changes is seen, whoever changes it is not in anybody's way, and the terminal is left as it was.

use serde_json::Value;

use crate::device::{Device, succeeded};

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

//! Whoever sits at a terminal is asked and shown the same, though the command runs in a `verso up` that has no terminal.

use serde_json::{Value, json};

use crate::device::{Device, end, succeeded, up};
use crate::seat::Seat;

const ROWS: u16 = 50;
const COLUMNS: u16 = 120;

/// A command at a terminal, with nothing in the environment that would answer for the person.
fn sit(device: &Device, words: &[&str]) -> Seat {
    let mut command = device.command(words);
    command.env_remove("VERSO_PASSPHRASE").env("VERSO_KEY_CACHE", "off");
    Seat::alone(command, ROWS, COLUMNS)
}

fn code(seat: Seat) -> Option<i32> {
    seat.running.end().status.code()
}

/// The link on a screen.
fn link(seat: &Seat) -> String {
    seat.wait("Waiting until");
    let behind = seat.wait("verso://pair/");
    format!("verso://pair/{}", behind.split_once('\x1b').unwrap().0)
}

#[test]
fn both_are_asked_before_they_are_paired() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    let (desk_up, lap_up) = (up(&desk), up(&lap));
    for (answers, paired) in [(["n", "y"], false), (["y", "y"], true)] {
        let mut shows = sit(&desk, &["pair"]);
        let link = link(&shows);
        assert!(shows.written().contains('▀') || shows.written().contains('█'), "a terminal gets the QR code");
        let mut joins = sit(&lap, &["join", &link]);
        joins.wait("Pair with desk?");
        joins.type_in(answers[1]);
        shows.wait("Pair with lap?");
        shows.type_in(answers[0]);
        let codes = [code(shows), code(joins)];
        assert_eq!(codes[0] == Some(0), paired, "{codes:?}");
        assert_eq!(codes[1] == Some(0), paired, "{codes:?}");
        let peers = desk.json(&["peers"])["peers"].as_array().unwrap().len();
        assert_eq!(peers, usize::from(paired));
    }
    end(desk_up);
    end(lap_up);
}

/// A link is a secret, and command lines are seen by all who use the machine: it can be typed, and is not shown.
#[test]
fn a_link_can_be_typed_and_is_not_shown() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    let mut serving = None;
    for words in [&["join"][..], &["join", "-"]] {
        let shows = Seat::alone(desk.command(&["pair", "--yes"]), ROWS, COLUMNS);
        let link = link(&shows);
        let mut command = lap.command(words);
        command.env("VERSO_KEY_CACHE", "off");
        let mut joins = Seat::alone(command, ROWS, COLUMNS);
        joins.wait("Link or six words");
        joins.wait_until_hidden();
        joins.type_in(&format!("{link}\r"));
        joins.wait("Pair with desk?");
        assert!(!joins.written().contains(&link["verso://pair/".len()..]), "{}", joins.written());
        joins.type_in("y");
        assert_eq!((code(joins), code(shows)), (Some(0), Some(0)));
        serving.get_or_insert_with(|| up(&lap));
    }
    end(serving.unwrap());
}

#[test]
fn ctrl_c_at_a_question_is_no() {
    let desk = Device::new("desk");
    desk.ok(&["workspace", "new", "garden"]);
    let desk_up = up(&desk);
    let mut leaving = sit(&desk, &["workspace", "leave", "garden"]);
    leaving.wait("Leave garden?");
    // Whoever thinks about it keeps nobody waiting.
    desk.ok(&["node", "add", "u:rose"]);
    leaving.type_in("\x03");
    assert_ne!(code(leaving), Some(0));
    assert_eq!(desk.json(&["workspace", "list"])["workspaces"][0]["access"], "rw");
    end(desk_up);
}

/// The terminal belongs to the question until that is answered, and is left as it was.
#[test]
fn an_up_that_ends_at_a_question_is_told() {
    let desk = Device::new("desk");
    desk.ok(&["workspace", "new", "garden"]);
    let desk_up = up(&desk);
    let mut leaving = sit(&desk, &["workspace", "leave", "garden"]);
    leaving.wait("Leave garden?");
    end(desk_up);
    leaving.wait("press Enter");
    leaving.type_in("y");
    leaving.wait("the command was cut short");
    assert_eq!(code(leaving), Some(1));
    assert_eq!(desk.json(&["workspace", "list"])["workspaces"][0]["access"], "rw");
}

/// What is typed goes to the backup and to no screen and no log.
#[test]
fn a_passphrase_is_asked_for_where_somebody_sits() {
    const TYPED: &str = "marmalade under lock";
    let desk = Device::new("desk");
    let mut serving = desk.start(&["up", "--json", "-vvv"]);
    serving.event("started");
    let file = desk.dir().with_file_name("kept");
    let mut backing = sit(&desk, &["backup", file.to_str().unwrap()]);
    backing.wait("New passphrase");
    backing.type_in(&format!("{TYPED}\r"));
    backing.wait("The same again");
    backing.type_in(&format!("{TYPED}\r"));
    backing.wait("backed up:");
    assert!(!backing.written().contains(TYPED));
    assert_eq!(code(backing), Some(0));
    serving.signal("TERM");
    let told = serving.end();
    let told = [succeeded(&["up"], &told), String::from_utf8_lossy(&told.stderr).into_owned()].concat();
    assert!(!told.contains(TYPED));
    assert!(told.contains("TRACE") || told.contains("DEBUG"), "it logged: {told}");
    let again = Device::blank();
    let mut restore = again.command(&["restore", file.to_str().unwrap(), "--json"]);
    let restored = succeeded(&["restore"], &restore.env("VERSO_BACKUP_PASSPHRASE", TYPED).output().unwrap());
    let restored: Value = serde_json::from_str(&restored).unwrap();
    assert_eq!(restored["device"], desk.json(&["id"])["device"]);
}

#[test]
fn bars_are_drawn_where_somebody_looks() {
    let desk = Device::new("desk");
    desk.ok(&["workspace", "new", "garden"]);
    let desk_up = up(&desk);
    let file = desk.file("many.jsonl", crate::import::lines(60_000));
    let importing = sit(&desk, &["import", &file]);
    importing.wait("nodes");
    importing.wait("tags");
    assert_eq!(code(importing), Some(0));
    assert_eq!(desk.json(&["show"])["nodes"], json!(60_000));
    end(desk_up);
}

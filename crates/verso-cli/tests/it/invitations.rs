//! `pair --invite`, `pair list`, `pair withdraw`: a link that is sent, and served by `verso up`.

use serde_json::{Value, json};

use crate::device::{Device, Running, keys, succeeded, up};

fn invite(device: &Device, words: &[&str]) -> Value {
    let words: Vec<&str> = ["pair", "--invite", "--yes"].iter().chain(words).copied().collect();
    device.json(&words)
}

fn text<'a>(document: &'a Value, field: &str) -> &'a str {
    document[field].as_str().unwrap()
}

/// Runs `up`, which serves invitations.
fn end(up: Running) {
    up.signal("INT");
    succeeded(&["up"], &up.end());
}

fn states(device: &Device) -> Vec<String> {
    let list = device.json(&["pair", "list"]);
    let rows = list["invitations"].as_array().unwrap();
    rows.iter().map(|row| text(row, "state").to_owned()).collect()
}

#[test]
fn a_link_that_was_sent_leads_to_a_pairing_once() {
    let (desk, lap, late) = (Device::new("desk"), Device::new("lap"), Device::new("late"));
    desk.ok(&["workspace", "new", "garden"]);
    let invitation = invite(&desk, &[]);
    assert_eq!(
        keys(&invitation),
        ["expires_at", "failed_proofs", "id", "link", "role", "state", "used_by", "workspaces"]
    );
    let link = text(&invitation, "link").to_owned();
    // Other commands come and go, and so does `up`.
    end(up(&desk));
    assert_eq!(states(&desk), ["open"]);
    let list = desk.ok(&["pair", "list"]);
    assert!(list.contains(&text(&invitation, "id")[..8]) && !list.contains(&link), "{list}");

    let serving = up(&desk);
    let joined = lap.json(&["join", &link, "--yes"]);
    assert_eq!((&joined["name"], &joined["role"]), (&json!("desk"), &json!("own")));
    // It runs, so the other device is in step by its own first contact.
    let met = lap.json(&["up", "--once", "--wait", "30s"]);
    assert_eq!(met["peers"][0]["state"], "in-step", "{met}");
    assert_eq!(lap.json(&["workspace", "list"])["workspaces"][0]["name"], "garden");
    let used = late.fails(&["join", &link, "--yes"]);
    assert_eq!(used.code, 5, "{used:?}");
    end(serving);
    assert_eq!(states(&desk), ["used"]);
    let peers = desk.json(&["peers"]);
    assert_eq!((&peers["peers"][0]["name"], &peers["peers"][0]["added"]["way"]), (&json!("lap"), &json!("invite")));
    assert_eq!(late.json(&["peers"]), json!({"peers": []}));

    // Also after the other device finished, and a restart of this one.
    let serving = up(&desk);
    assert_eq!(late.fails(&["join", &link, "--yes"]).code, 5);
    end(serving);
}

#[test]
fn the_holder_of_a_link_that_is_over_is_told_which() {
    let (desk, late) = (Device::new("desk"), Device::new("late"));
    let withdrawn = invite(&desk, &[]);
    let short = invite(&desk, &["--ttl", "1s"]);
    let other = invite(&desk, &["--role", "friend"]);
    let answer = desk.json(&["pair", "withdraw", &text(&withdrawn, "id")[..10]]);
    assert_eq!((&answer["id"], &answer["state"]), (&withdrawn["id"], &json!("withdrawn")));
    let again = desk.fails(&["pair", "withdraw", text(&withdrawn, "id")]);
    assert_eq!((again.code, again.why.as_str()), (1, "the invitation is over already"), "{again:?}");
    assert_eq!(desk.fails(&["pair", "withdraw", "beef"]).code, 1);

    let serving = up(&desk);
    let failure = late.fails(&["join", text(&withdrawn, "link"), "--yes"]);
    assert_eq!(failure.code, 5, "{failure:?}");
    assert!(failure.why.contains("withdrawn"), "{failure:?}");
    std::thread::sleep(std::time::Duration::from_secs(1));
    let failure = late.fails(&["join", text(&short, "link"), "--yes"]);
    assert_eq!(failure.code, 5, "{failure:?}");
    assert!(failure.why.contains("expired"), "{failure:?}");
    // What stands beside them is as good as ever.
    assert_eq!(late.json(&["join", text(&other, "link"), "--yes"])["role"], "friend");
    end(serving);
    let mut left = states(&desk);
    left.sort();
    assert_eq!(left, ["used", "withdrawn"], "what has expired is gone");
}

#[test]
fn an_invitation_says_what_it_gives() {
    let (ann, ben) = (Device::new("ann"), Device::new("ben"));
    ann.ok(&["workspace", "new", "garden"]);
    ann.ok(&["workspace", "new", "diary"]);
    ann.ok(&["node", "add", "https://example.org/rose", "--title", "rose", "-w", "garden"]);
    let invitation = invite(&ann, &["--role", "friend", "-w", "garden", "--access", "ro"]);
    let garden = &invitation["workspaces"][0];
    assert_eq!((&garden["name"], &garden["access"]), (&json!("garden"), &json!("ro")));
    let serving = up(&ann);
    ben.json(&["join", text(&invitation, "link"), "--yes"]);
    ben.json(&["up", "--once", "--wait", "30s"]);
    end(serving);
    let list = ben.json(&["workspace", "list"]);
    assert_eq!((&list["workspaces"][0]["name"], &list["workspaces"][0]["access"]), (&json!("garden"), &json!("ro")));
    assert_eq!(list["workspaces"].as_array().unwrap().len(), 1);
}

#[test]
fn making_one_takes_consent() {
    let desk = Device::new("desk");
    let silent = desk.fails(&["pair", "--invite"]);
    assert_eq!(silent.code, 2, "{silent:?}");
    assert!(silent.hint.contains("--yes"), "{silent:?}");
    let long = desk.fails(&["pair", "--invite", "--yes", "--ttl", "1000h"]);
    assert_eq!(long.code, 2, "{long:?}");
    assert_eq!(desk.fails(&["pair", "--invite", "--yes", "-w", "garden"]).code, 2, "own devices have all");
    assert!(states(&desk).is_empty());
    assert!(desk.ok(&["pair", "list"]).contains("verso pair --invite"), "it says how to make one");
}

/// The picture holds the link, and the link is nowhere in the data directory.
#[test]
fn the_link_is_drawn_and_kept_secret() {
    let desk = Device::new("desk");
    let path = desk.file("code.svg", "");
    let invitation = invite(&desk, &["--qr", &path]);
    assert!(std::fs::read_to_string(&path).unwrap().contains("<svg"));
    let link = text(&invitation, "link");
    let token = link.split('/').nth(4).unwrap().split('?').next().unwrap();
    for (path, bytes) in desk.files() {
        assert!(!bytes.windows(token.len()).any(|part| part == token.as_bytes()), "{path}");
    }
}

//! Pairing through a `verso up` that runs: sync starts at once.

use serde_json::{Value, json};

use crate::device::{Device, end, failed, succeeded, up};

fn link(offer: &Value) -> String {
    offer["link"].as_str().unwrap().to_owned()
}

#[test]
fn both_pair_while_up_runs_and_sync_begins_at_once() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    desk.ok(&["workspace", "new", "garden"]);
    desk.ok(&["node", "add", "u:rose", "--title", "rose"]);
    let (mut desk_up, mut lap_up) = (up(&desk), up(&lap));
    let mut pairing = desk.start(&["pair", "--yes", "--json"]);
    let link = link(&pairing.event("offer"));
    let joined = lap.json(&["join", &link, "--yes"]);
    assert_eq!(joined["name"], "desk");
    let paired = pairing.event("paired");
    assert_eq!(paired, json!({"event": "paired", "device": lap.json(&["id"])["device"], "name": "lap", "role": "own"}));
    succeeded(&["pair"], &pairing.end());
    desk_up.event("in-step");
    lap_up.event("in-step");
    assert_eq!(lap.json(&["node", "show", "rose"])["url"], "u:rose");
    // And goes on.
    lap.ok(&["node", "add", "u:bee", "--title", "bee"]);
    desk_up.event("received");
    assert_eq!(desk.json(&["node", "show", "bee"])["url"], "u:bee");
    end(desk_up);
    end(lap_up);
}

#[test]
fn words_work_through_it_too() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    let desk_up = up(&desk);
    let mut pairing = desk.start(&["pair", "--yes", "--json"]);
    let offer = pairing.event("offer");
    let words: Vec<&str> = offer["words"].as_str().unwrap().split(' ').collect();
    let at = offer["words_at"][0].as_str().unwrap();
    lap.json(&[&["join", "--yes", "--at", at], words.as_slice()].concat());
    pairing.event("paired");
    succeeded(&["pair"], &pairing.end());
    end(desk_up);
}

#[test]
fn ctrl_c_or_the_end_of_the_client_withdraws_the_offer() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    let desk_up = up(&desk);
    for signal in ["INT", "TERM", "KILL"] {
        let mut pairing = desk.start(&["pair", "--yes", "--json"]);
        let link = link(&pairing.event("offer"));
        pairing.signal(signal);
        let output = pairing.end();
        if signal != "KILL" {
            let failure = failed(&["pair"], &output);
            assert_eq!((failure.code, failure.why.as_str()), (1, "the offer was withdrawn"), "{failure:?}");
        }
        let refused = lap.fails(&["join", &link, "--yes"]);
        assert!([4, 5].contains(&refused.code), "{refused:?}");
    }
    assert_eq!(lap.json(&["peers"]), json!({"peers": []}));
    // It shows the next one.
    let mut pairing = desk.start(&["pair", "--yes", "--json"]);
    let link = link(&pairing.event("offer"));
    let second = desk.fails(&["pair", "--yes"]);
    assert_eq!(second.code, 1, "one screen at a time: {second:?}");
    lap.json(&["join", &link, "--yes"]);
    pairing.event("paired");
    succeeded(&["pair"], &pairing.end());
    end(desk_up);
}

#[test]
fn an_invitation_is_served_and_withdrawn_at_once() {
    let (desk, lap, late) = (Device::new("desk"), Device::new("lap"), Device::new("late"));
    let mut desk_up = up(&desk);
    let [first, second] =
        [(); 2].map(|()| desk.json(&["pair", "--invite", "--yes"])).map(|made| (link(&made), made["id"].clone()));
    lap.json(&["join", &first.0, "--yes"]);
    let mut lap_up = up(&lap);
    lap_up.event("in-step");
    desk_up.event("in-step");
    let withdrawn = desk.json(&["pair", "withdraw", second.1.as_str().unwrap()]);
    assert_eq!(withdrawn["state"], "withdrawn");
    let refused = late.fails(&["join", &second.0, "--yes"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    let list = desk.json(&["pair", "list"]);
    let mut states: Vec<&str> =
        list["invitations"].as_array().unwrap().iter().map(|row| row["state"].as_str().unwrap()).collect();
    states.sort_unstable();
    assert_eq!(states, ["used", "withdrawn"]);
    end(desk_up);
    end(lap_up);
    assert_eq!(desk.json(&["pair", "list"]), list, "it is kept");
}

/// Whom a person trusts no longer is gone at once, and what is shared comes at once.
#[test]
fn decisions_take_effect_while_connected() {
    let (ann, ben) = (Device::new("ann"), Device::new("ben"));
    ann.ok(&["workspace", "new", "garden"]);
    let (mut ann_up, mut ben_up) = (up(&ann), up(&ben));
    let mut pairing = ann.start(&["pair", "--role", "friend", "--yes", "--json"]);
    let link = link(&pairing.event("offer"));
    ben.json(&["join", &link, "--yes"]);
    pairing.event("paired");
    succeeded(&["pair"], &pairing.end());
    ann_up.event("in-step");
    ann.ok(&["workspace", "share", "garden", "ben"]);
    ben_up.event("workspace-offered");
    ben.ok(&["workspace", "join", "garden"]);
    ben.ok(&["workspace", "list"]);
    ann.ok(&["node", "add", "u:rose", "--title", "rose"]);
    ben_up.event("received");
    ann.ok(&["forget", "ben"]);
    ben_up.event("peer-offline");
    end(ann_up);
    end(ben_up);
}

/// A round beside a running `up`: the same document and the same exit codes.
#[test]
fn up_once_beside_up_waits_until_all_are_in_step() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    let words = ["up", "--once", "--wait", "1s"];
    let desk_up = up(&desk);
    let nobody = desk.fails(&words);
    assert_eq!((nobody.code, nobody.stdout.as_str()), (4, "{\"peers\":[]}\n"), "{nobody:?}");
    end(desk_up);
    desk.ok(&["workspace", "new", "garden"]);
    crate::device::pair(&desk, &lap);

    let desk_up = up(&desk);
    let away = desk.fails(&words);
    assert_eq!(away.code, 4, "{away:?}");
    assert!(away.stdout.contains("\"state\":\"unreachable\""), "{away:?}");
    let lap_up = up(&lap);
    for title in ["one", "two"] {
        desk.ok(&["node", "add", &format!("u:{title}"), "--title", title]);
        let met = desk.json(&["up", "--once", "--wait", "30s"]);
        let [peer] = met["peers"].as_array().unwrap().as_slice() else { panic!("{met}") };
        assert_eq!((&peer["name"], &peer["state"], &peer["reason"]), (&json!("lap"), &json!("in-step"), &Value::Null));
        assert_eq!(lap.json(&["node", "show", title])["title"], title, "it is there when the round is over");
    }
    end(lap_up);
    end(desk_up);
}

/// One who refuses is no reason to wait.
#[test]
fn up_once_beside_up_is_refused_as_without_it() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    crate::device::pair(&desk, &lap);
    crate::device::sync(&desk, &lap);
    lap.ok(&["forget", "desk"]);
    let (desk_up, lap_up) = (up(&desk), up(&lap));
    let refused = desk.fails(&["up", "--once", "--wait", "30s"]);
    assert_eq!(refused.code, 5, "{refused:?}");
    assert!(refused.stdout.contains("\"state\":\"refused\""), "{refused:?}");
    end(desk_up);
    end(lap_up);
}

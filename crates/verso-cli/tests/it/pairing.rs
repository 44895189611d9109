//! `pair` and `join`: one link, once, and both agree.

use serde_json::json;

use crate::device::{Device, Running, assert_equal, end, failed, keys, succeeded, up};

fn offer(device: &Device, words: &[&str]) -> (Running, String) {
    let words: Vec<&str> = ["pair", "--yes", "--json"].iter().chain(words).copied().collect();
    let mut pairing = device.start(&words);
    let offer = pairing.line();
    assert_eq!(keys(&offer), ["event", "expires_at", "link", "nearby", "words", "words_at"]);
    assert_eq!(offer["event"], "offer");
    (pairing, offer["link"].as_str().unwrap().to_owned())
}

/// As [`offer`], but gives the words and where their endpoint is.
fn offer_words(device: &Device) -> (Running, Vec<String>, String) {
    let mut pairing = device.start(&["pair", "--yes", "--json"]);
    let offer = pairing.line();
    let words = offer["words"].as_str().unwrap().split(' ').map(str::to_owned).collect();
    (pairing, words, offer["words_at"][0].as_str().unwrap().to_owned())
}

/// Words need neither quotes nor order of options; a link and words are told apart by themselves.
#[test]
fn six_words_join_as_a_link_does() {
    let desk = Device::new("desk");
    let lap = Device::new("lap");
    let (mut pairing, words, at) = offer_words(&desk);
    assert_eq!(words.len(), 6);
    let mut line = vec!["join"];
    line.extend(words.iter().map(String::as_str));
    line.extend(["--at", &at, "--yes"]);
    let joined = lap.json(&line);
    assert_eq!(pairing.line()["event"], "paired");
    succeeded(&["pair"], &pairing.end());
    let desk_id = desk.json(&["id"])["device"].clone();
    assert_eq!(joined, json!({"device": desk_id, "name": "desk", "role": "own"}));
    desk.ok(&["workspace", "new", "garden"]);
    crate::device::sync(&desk, &lap);
    assert_equal(&lap, &desk);
}

/// Other users of a machine see the words of a command line, so a link or six words may come by standard input: also where `up` runs, which has another.
#[test]
fn standard_input_is_no_command_line() {
    let desk = Device::new("desk");
    let (lap, phone) = (Device::new("lap"), Device::new("phone"));
    let phone_up = up(&phone);
    for joins in [&lap, &phone] {
        let (pairing, link) = offer(&desk, &[]);
        let words = ["join", "-", "--yes"];
        succeeded(&words, &joins.run_reading(&words, &format!("{link}\nand what else there is\n")));
        succeeded(&["pair"], &pairing.end());
        assert_eq!(joins.json(&["peers"])["peers"].as_array().unwrap().len(), 1);
    }
    for joins in [&lap, &phone] {
        let fails = |words: &[&str], input: &str| failed(words, &joins.run_reading(words, input));
        let words = ["join", "-", "--yes", "--json"];
        assert_eq!(fails(&words, "").code, 2);
        let long = fails(&words, &format!("verso://pair/{}", "x".repeat(100_000)));
        assert!(long.code == 2 && long.why.contains("standard input"), "{long:?}");
        // Whoever would be asked is not there; and nothing is read that nobody gave.
        assert!(fails(&["join", "-", "--json"], "").hint.contains("--yes"));
        let unsaid = fails(&["join", "--yes", "--json"], "");
        assert!(unsaid.code == 2 && unsaid.hint.contains("standard input"), "{unsaid:?}");
    }
    end(phone_up);
}

#[test]
fn words_that_are_wrong() {
    let desk = Device::new("desk");
    let lap = Device::new("lap");
    let (mut pairing, words, at) = offer_words(&desk);
    let join = |words: &str, more: &[&str]| lap.fails(&[&["join", words, "--yes"], more].concat());

    let mistyped = join("pizza cofee harvest ensure fog spike", &[]);
    assert_eq!(mistyped.code, 2, "{mistyped:?}");
    assert!(mistyped.why.contains("word 2") && mistyped.why.contains("coffee"), "{mistyped:?}");
    for slip in ["pizza coffee harvest ensure fog spin", "pizza coffee harvest ensure fog", "pizza pizza"] {
        let failure = join(slip, &[]);
        assert_eq!(failure.code, 2, "{failure:?}");
        assert!(failure.hint.contains("six words"), "{failure:?}");
    }
    // The right words of another offer find nobody, and the device behind these learns nothing of it.
    let other = join("pizza coffee harvest ensure fog spike", &["--at", &at]);
    assert_eq!(other.code, 4, "{other:?}");
    // Without an address there is nobody to dial.
    let nowhere = join(&words.join("-"), &[]);
    assert_eq!(nowhere.code, 4, "{nowhere:?}");
    assert!(nowhere.hint.contains("--at"), "{nowhere:?}");

    lap.json(&["join", &words.join("-").to_uppercase(), "--at", &at, "--yes"]);
    pairing.event("paired");
    succeeded(&["pair"], &pairing.end());
}

/// The pictures hold the link, and nobody else may read them.
#[test]
fn the_link_as_a_picture() {
    let desk = Device::new("desk");
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(path("code.png"), "an older one").unwrap();
    let (pairing, link) = offer(&desk, &["--qr", &path("code.png")]);
    let bytes = std::fs::read(path("code.png")).unwrap();
    let mut reader = png::Decoder::new(std::io::Cursor::new(bytes)).read_info().unwrap();
    let mut pixels = vec![0; reader.output_buffer_size().unwrap()];
    let frame = reader.next_frame(&mut pixels).unwrap();
    let [width, height] = [frame.width, frame.height].map(|side| usize::try_from(side).unwrap());
    let shade = |x: usize, y: usize| if pixels[y * frame.line_size + x / 8] & (0x80 >> (x % 8)) == 0 { 0 } else { 255 };
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(width, height, shade);
    assert_eq!(image.detect_grids()[0].decode().unwrap().1, link);
    let mode = std::os::unix::fs::PermissionsExt::mode(&std::fs::metadata(path("code.png")).unwrap().permissions());
    assert_eq!(mode & 0o777, 0o600);
    pairing.signal("INT");
    pairing.end();

    let (pairing, _link) = offer(&desk, &["--qr", &path("code.svg")]);
    assert!(std::fs::read_to_string(path("code.svg")).unwrap().contains("<svg"));
    pairing.signal("INT");
    pairing.end();
    let nowhere = desk.fails(&["pair", "--yes", "--qr", &path("no/such/folder/code.svg")]);
    assert_eq!(nowhere.code, 1, "{nowhere:?}");
    assert_eq!(nowhere.stdout, "", "no offer was shown");
}

#[test]
fn a_link_joins_once() {
    let desk = Device::new("desk");
    let lap = Device::new("lap");
    let late = Device::new("late");
    let (mut pairing, link) = offer(&desk, &[]);
    let (desk_id, lap_id) = (desk_device(&link), lap.json(&["id"])["device"].clone());
    let joined = lap.json(&["join", &link, "--yes"]);
    assert_eq!(joined, json!({"device": desk_id, "name": "desk", "role": "own"}));
    assert_eq!(pairing.line(), json!({"event": "paired", "device": lap_id, "name": "lap", "role": "own"}));
    assert_eq!(succeeded(&["pair"], &pairing.end()), "", "it ends at the first pairing");

    let peers = desk.json(&["peers"]);
    let peer = &peers["peers"][0];
    assert_eq!(
        keys(peer),
        ["added", "confirmed", "device", "fingerprint", "grants", "lapses_at", "last_seen", "name", "role"]
    );
    assert_eq!((&peer["device"], &peer["name"], &peer["role"]), (&lap_id, &json!("lap"), &json!("own")));
    assert_eq!((&peer["last_seen"], &peer["grants"]), (&json!(null), &json!([])));
    assert!(peer["lapses_at"].is_string(), "it was not met yet: {peer}");

    // Nothing listens any more; with a new offer at the same port the old link is none.
    let (pairing, _new) = offer(&desk, &[]);
    let used = late.fails(&["join", &link, "--yes"]);
    assert_eq!(used.code, 5, "{used:?}");
    assert_eq!(late.json(&["peers"]), json!({"peers": []}));
    pairing.signal("INT");
    assert_eq!(pairing.end().status.code(), Some(1));
}

/// The device that a link names.
fn desk_device(link: &str) -> &str {
    link.strip_prefix("verso://pair/").unwrap().split('/').next().unwrap()
}

#[test]
fn a_link_that_was_changed_is_refused_and_hurts_nobody() {
    let desk = Device::new("desk");
    let lap = Device::new("lap");
    let (mut pairing, link) = offer(&desk, &[]);
    let token = link.split('/').nth(4).unwrap().split('?').next().unwrap();
    let other = format!("{}{}", if token.starts_with('A') { "B" } else { "A" }, &token[1..]);
    let failure = lap.fails(&["join", &link.replace(token, &other), "--yes"]);
    assert_eq!(failure.code, 5, "{failure:?}");
    lap.json(&["join", &link, "--yes"]);
    pairing.event("paired");
    succeeded(&["pair"], &pairing.end());
}

#[test]
fn an_offer_ends_by_itself_or_when_it_is_withdrawn() {
    let desk = Device::new("desk");
    let lap = Device::new("lap");
    let (pairing, link) = offer(&desk, &["--ttl", "1s"]);
    let output = pairing.end();
    let expired = failed(&["pair"], &output);
    assert_eq!((expired.code, expired.why.as_str()), (1, "nobody joined in time"), "{expired:?}");
    let late = lap.fails(&["join", &link, "--yes"]);
    assert_eq!(late.code, 5, "{late:?}");
    assert!(late.why.contains("expired"), "{late:?}");

    let (pairing, _link) = offer(&desk, &[]);
    pairing.signal("INT");
    let withdrawn = failed(&["pair"], &pairing.end());
    assert_eq!((withdrawn.code, withdrawn.why.as_str()), (1, "the offer was withdrawn"), "{withdrawn:?}");
    assert_eq!(desk.json(&["peers"]), json!({"peers": []}));
}

#[test]
fn nobody_agrees_by_silence() {
    let desk = Device::new("desk");
    let (pairing, link) = offer(&desk, &[]);
    let lap = Device::new("lap");
    for failure in [lap.fails(&["pair"]), lap.fails(&["join", &link])] {
        assert_eq!(failure.code, 2, "{failure:?}");
        assert!(failure.hint.contains("--yes"), "{failure:?}");
        assert_eq!(failure.stdout, "", "no offer was shown");
    }
    pairing.signal("TERM");
    assert_eq!(pairing.end().status.code(), Some(1));
}

#[test]
fn what_is_no_link_is_usage() {
    let device = Device::new("desk");
    let id = device.json(&["id"])["device"].as_str().unwrap().to_owned();
    for link in [
        "hello",
        "https://example.org/",
        "verso://pair/",
        "verso://pair/abc/def",
        &format!("verso://pair/{id}/tooshort"),
        &format!("verso://pair/{id}/{}?addr=nowhere", "A".repeat(22)),
        &"verso://pair/".repeat(1_000),
    ] {
        let failure = device.fails(&["join", link, "--yes"]);
        assert_eq!(failure.code, 2, "{link}: {failure:?}");
        assert!(failure.hint.contains("copy the whole link"), "{failure:?}");
    }
    let own = device.fails(&["join", &format!("verso://pair/{id}/{}?addr=127.0.0.1:9", "A".repeat(22)), "--yes"]);
    assert_eq!(own.code, 2, "{own:?}");
    assert!(own.why.contains("of this device itself"), "{own:?}");
}

#[test]
fn pairing_again_renews_and_both_go_on() {
    let desk = Device::new("desk");
    let lap = Device::new("lap");
    desk.ok(&["workspace", "new", "garden"]);
    crate::device::pair(&desk, &lap);
    crate::device::sync(&desk, &lap);
    crate::device::pair(&lap, &desk);
    assert_eq!(desk.json(&["peers"])["peers"].as_array().unwrap().len(), 1);
    desk.ok(&["node", "add", "u:a"]);
    crate::device::sync(&desk, &lap);
    assert_equal(&lap, &desk);
}

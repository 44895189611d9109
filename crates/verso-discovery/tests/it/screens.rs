//! Open pairing screens: name and id in the clear, and only then.

use verso_discovery::{Heard, Input, PairingScreen};
use verso_identity::Name;

use crate::rig::{
    PORT, WLAN, announcing, at, connect, device, found, gone, hear, id, joined, open_screen, shared_with,
};

#[test]
fn strangers_see_a_device_while_its_pairing_screen_is_open() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), 7)]);
    let mut stranger = device(9, verso_discovery::Mode::Announce);
    connect(&mut stranger, 0, &[(WLAN, "192.168.1.9/24")]);
    laptop.handle(1, open_screen("Ana's laptop")).unwrap();
    let open = joined(&mut laptop)[0].1.clone().unwrap();
    hear(&mut stranger, 10, &open);
    let screens = stranger.neighbours().screens;
    assert_eq!(screens.len(), 1);
    assert_eq!((screens[0].device, screens[0].name.as_str()), (id(1), "Ana's laptop"));
    assert_eq!(screens[0].addresses, [at("192.168.1.1:4242")]);

    laptop.handle(20, Input::Screen(PairingScreen::Closed)).unwrap();
    let closed = joined(&mut laptop)[0].1.clone().unwrap();
    gone(&mut stranger, 20, &open.instance);
    hear(&mut stranger, 20, &closed);
    assert!(stranger.neighbours().screens.is_empty());
    assert_eq!(Heard::decode(&closed.txt()).unwrap().screen, None);
}

#[test]
fn a_device_without_peers_announces_itself_while_its_screen_is_open() {
    let mut new = device(5, verso_discovery::Mode::Announce);
    assert_eq!(connect(&mut new, 0, &[(WLAN, "192.168.1.5/24")]), [(WLAN.to_owned(), None)]);
    new.handle(1, open_screen("new")).unwrap();
    let open = joined(&mut new)[0].1.clone().unwrap();
    let screen = Heard::decode(&open.txt()).unwrap().screen.unwrap();
    assert_eq!((screen.device, screen.name.as_str(), screen.port), (id(5), "new", PORT));
    new.handle(2, Input::Screen(PairingScreen::Closed)).unwrap();
    assert_eq!(joined(&mut new), [(WLAN.to_owned(), None)]);
}

#[test]
fn a_peer_whose_screen_is_open_is_a_peer_all_the_same() {
    let (mut laptop, _) = announcing(1, vec![shared_with(id(2), 7)]);
    let (mut phone, _) = announcing(2, vec![shared_with(id(1), 7)]);
    laptop.handle(1, open_screen("laptop")).unwrap();
    let open = joined(&mut laptop)[0].1.clone().unwrap();
    hear(&mut phone, 10, &open);
    assert_eq!(found(&phone, id(1)), [at("192.168.1.1:4242")]);
    assert_eq!(phone.neighbours().screens.len(), 1);
    hear(&mut laptop, 10, &open);
    assert!(laptop.neighbours().screens.is_empty(), "nobody is listed to oneself");
}

/// Who claims another's id under another name stands beside it: a person sees that something is wrong.
#[test]
fn a_claimed_id_hides_nobody() {
    let mut stranger = device(9, verso_discovery::Mode::Announce);
    connect(&mut stranger, 0, &[(WLAN, "192.168.1.9/24")]);
    for (name, rounds) in [("laptop", 1), ("impostor", 2)] {
        let (mut device, _) = announcing(1, vec![shared_with(id(2), 7)]);
        for _ in 0..rounds {
            connect(&mut device, 1, &[]);
            connect(&mut device, 1, &[(WLAN, "192.168.1.1/24")]);
        }
        device.handle(2, open_screen(name)).unwrap();
        let open = joined(&mut device).pop().unwrap().1.unwrap();
        hear(&mut stranger, 10, &open);
    }
    let names: Vec<_> = stranger.neighbours().screens.iter().map(|screen| screen.name.to_string()).collect();
    assert_eq!(names, ["laptop", "impostor"]);
}

#[test]
fn a_flood_of_screens_is_a_short_list() {
    let mut stranger = device(9, verso_discovery::Mode::Announce);
    connect(&mut stranger, 0, &[(WLAN, "192.168.1.9/24")]);
    for number in 10..200 {
        let mut device = device(number, verso_discovery::Mode::Announce);
        connect(&mut device, 0, &[(WLAN, "192.168.1.1/24")]);
        device.handle(0, open_screen(&format!("device {number}"))).unwrap();
        hear(&mut stranger, 10, &joined(&mut device)[0].1.clone().unwrap());
    }
    let screens = stranger.neighbours().screens;
    assert_eq!(screens.len(), 32);
    assert_eq!(screens.last().unwrap().device, id(199), "the newest are listed");
}

#[test]
fn names_are_made_safe_to_show() {
    for (text, shown) in [
        ("desk", "desk"),
        ("", "?"),
        (" \u{202e} ", "?"),
        ("a\u{202e}b\nc\u{7}", "abc"),
        ("  blank  ", "blank"),
        ("Bücher 📚", "Bücher 📚"),
    ] {
        assert_eq!(Name::lossy(text).as_str(), shown, "{text:?}");
    }
    let long = Name::lossy(&"ü".repeat(100));
    assert_eq!(long.as_str(), "ü".repeat(64));
}

//! Names and relays: safe to show, or not accepted.

use proptest::prelude::*;
use verso_pairing::{Name, NameError, RelayUrl};

#[test]
fn names_that_people_have() {
    for text in ["a", "Zoë", "你好", "Ada's phone 📱", "👩‍👩‍👧 family", "שלום", "x y  z", &"n".repeat(128)]
    {
        assert_eq!(Name::new(text).unwrap().as_str(), text);
        assert_eq!(Name::lossy(text).as_str(), text);
    }
}

#[test]
fn names_that_deceive() {
    assert_eq!(Name::new(""), Err(NameError::Empty));
    assert_eq!(Name::new("n".repeat(129)), Err(NameError::TooLong { len: 129 }));
    for character in
        ['\0', '\n', '\u{1b}', '\u{7f}', '\u{85}', '\u{ad}', '\u{200b}', '\u{202e}', '\u{2028}', '\u{2066}', '\u{feff}']
    {
        assert_eq!(Name::new(format!("a{character}b")), Err(NameError::Deceptive { character }));
        assert_eq!(Name::lossy(&format!("a{character}b")).as_str(), "ab");
    }
    assert_eq!(Name::new(" a"), Err(NameError::BlankEnds));
    assert_eq!(Name::new("a\u{3000}"), Err(NameError::BlankEnds));
}

#[test]
fn any_text_gives_some_name() {
    assert_eq!(Name::lossy("").as_str(), "?");
    assert_eq!(Name::lossy(" \n ").as_str(), "?");
    assert_eq!(Name::lossy(&"é".repeat(100)).as_str(), "é".repeat(64));
    // A cut that would end in a blank does not.
    assert_eq!(Name::lossy(&format!("{} b", "a".repeat(127))).as_str(), "a".repeat(127));
}

#[test]
fn relays() {
    for text in ["https://relay.example", "http://192.0.2.1:3340/", "https://x/y?z"] {
        assert_eq!(text.parse::<RelayUrl>().unwrap().as_str(), text);
    }
    let long = format!("https://{}", "x".repeat(193));
    for text in ["", "relay.example", "https://", "ftp://x", "https://a b", "https://é", "https://a\n", &long] {
        assert!(text.parse::<RelayUrl>().is_err(), "{text:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn lossy_names_are_names(text in any::<String>()) {
        let name = Name::lossy(&text);
        prop_assert_eq!(Name::new(name.as_str()), Ok(name));
    }
}

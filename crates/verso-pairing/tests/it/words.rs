//! Six words: one form, slips that are noticed, suggestions, and what they are worth.

use bip39::Language;
use verso_pairing::{Code, CodeError, LinkError, Words, WordsError};
use zeroize::Zeroizing;

use crate::rig::{SECRET, words};

fn of(secret: u64) -> Words {
    Words::new(&Zeroizing::new(secret.to_le_bytes()))
}

/// Whoever changes the list, the order of the bits or the check makes words of other releases worthless.
#[test]
fn vectors() {
    for (secret, text) in [
        (0, "abandon abandon abandon abandon abandon allow"),
        (1, "abandon abandon abandon abandon abandon appear"),
        (u64::MAX, "zoo zoo zoo zoo zoo world"),
        (0x0123_4567_89ab_cdef, "banana pencil owner cube social jump"),
    ] {
        assert_eq!(of(secret).to_string(), text);
    }
    let list = Language::English.word_list().join("\n");
    let hash = blake3::hash(list.as_bytes()).to_hex();
    assert_eq!(hash.as_str(), "f59da64a9e5948af84d1c91685f2c17af31627eae5143857bc799c691f5fc59b", "the list itself");
}

/// What both sides stretch the words to.
#[test]
fn what_they_are_worth() {
    assert_eq!(words().to_string(), "pizza coffee harvest ensure fog spike");
    let endpoint = "c242990b541238e1aa0e7fe6d7d14c736e9c7bac20eca7995bee5b80f0128c9f";
    assert_eq!(SECRET.endpoint().to_hex(), endpoint);
    assert_eq!(SECRET.discovery_key().expose()[..8], [146, 177, 66, 188, 219, 188, 96, 235]);
}

#[test]
fn only_sixty_bits_count() {
    assert_eq!(of(u64::MAX).to_string(), of(u64::MAX >> 4).to_string());
    assert_ne!(of(u64::MAX >> 4).to_string(), of(u64::MAX >> 5).to_string());
}

#[test]
fn they_are_read_as_people_write_them() {
    let text = words().to_string();
    let [upper, hyphens] = [text.to_uppercase(), text.replace(' ', "-")];
    let list = format!("  {}.\n", text.replace(' ', ",  "));
    for written in [&text, &upper, &hyphens, &list] {
        assert_eq!(written.parse::<Words>().unwrap().to_string(), text, "{written}");
    }
}

#[test]
fn a_mistyped_word_gets_the_nearest() {
    let words = "behind cannon defense crystal recycle swear";
    for (right, typed, suggestion) in [
        ("behind", "behnid", Some("behind")),
        ("cannon", "canon", Some("cannon")),
        ("crystal", "cristal", Some("crystal")),
        ("swear", "swera", Some("swear")),
        ("recycle", "recycel", Some("recycle")),
        ("defense", "defence", Some("defense")),
        ("defense", "qqqqqqqqqqqq", None),
        ("defense", "ünïcödé", None),
        ("defense", "12345678", None),
    ] {
        let number = 1 + words.split(' ').position(|word| word == right).unwrap();
        let error = words.replace(right, typed).parse::<Words>().unwrap_err();
        assert_eq!(error, WordsError::Unknown { number, suggestion }, "{typed}");
    }
    let told = WordsError::Unknown { number: 2, suggestion: Some("cannon") }.to_string();
    assert_eq!(told, "word 2 is not of the list; it may be \"cannon\"");
}

#[test]
fn what_is_not_six_words() {
    let count = |text: &str| text.parse::<Words>().unwrap_err();
    assert_eq!(count(""), WordsError::Count { count: 0 });
    assert_eq!(count("zoo zoo zoo"), WordsError::Count { count: 3 });
    assert_eq!(count(&"zoo ".repeat(7)), WordsError::Count { count: 7 });
    assert_eq!(count(&"zoo ".repeat(100)), WordsError::TooLong { len: 400 });
}

/// Another word of the list in the place of one, or two that changed places: all but one in 64 are noticed.
#[test]
fn slips_are_noticed() {
    let text = words().to_string();
    let right: Vec<&str> = text.split(' ').collect();
    let mut tried = 0;
    let mut passed = 0;
    let mut slip = |words: &[&str]| match words.join(" ").parse::<Words>() {
        _ if words == right => {}
        Ok(_) => (tried, passed) = (tried + 1, passed + 1),
        Err(error) => {
            assert_eq!(error, WordsError::Check);
            tried += 1;
        }
    };
    for at in 0..right.len() {
        for other in Language::English.word_list() {
            let mut words = right.clone();
            words[at] = other;
            slip(&words);
        }
        for with in 0..right.len() {
            let mut words = right.clone();
            words.swap(at, with);
            slip(&words);
        }
    }
    assert!(tried > 12_000);
    let share = f64::from(passed) / f64::from(tried);
    assert!((0.008..0.025).contains(&share), "{passed} of {tried}");
}

/// A link and words are told apart by themselves.
#[test]
fn a_code_is_either() {
    let text = words().to_string();
    for written in [text.clone(), format!(" {}\n", text.replace(' ', "-"))] {
        assert!(matches!(written.parse(), Ok(Code::Words(words)) if words.to_string() == text));
    }
    let link = crate::rig::offer().link().to_string();
    assert!(matches!(format!("\n{link} ").parse(), Ok(Code::Link(read)) if read.to_string() == link));

    assert_eq!("hello".parse::<Code>().unwrap_err(), CodeError::Link(LinkError::NotALink));
    assert_eq!("https://a.example/b-c".parse::<Code>().unwrap_err(), CodeError::Link(LinkError::NotALink));
    let error = "zoo zoo".parse::<Code>().unwrap_err();
    assert_eq!(error, CodeError::Words(WordsError::Count { count: 2 }));
    assert_eq!(error.to_string(), "2 words where there are 6");
}

#[test]
fn debug_prints_no_secret() {
    let text = words().to_string();
    let printed = format!("{:?} {:?} {:?}", words(), *SECRET, text.parse::<Code>());
    assert!(text.split(' ').all(|word| !printed.contains(word)), "{printed}");
    assert!(!printed.contains("90, 90"), "{printed}");
}

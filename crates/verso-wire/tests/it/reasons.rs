//! The closed set of reasons: whole, told apart, and the same in every form.

use std::collections::BTreeSet;

use verso_wire::{CloseCode, ParseReasonError, Reason};

/// Every code that stands for a reason, in the order of their numbers. Codes and numbers are stable: this list only ever grows at its end.
const CODES: [&str; 24] = [
    "offline",
    "unreachable",
    "not-trusted",
    "no-grant",
    "read-only",
    "revoked",
    "declined",
    "handshake-failed",
    "version",
    "downgrade",
    "fork",
    "rolled-back",
    "gap",
    "clock-skew",
    "disk-full",
    "log-damaged",
    "log-locked",
    "key-missing",
    "keychain-locked",
    "busy",
    "limit",
    "worker-crash",
    "malformed",
    "unconfirmed",
];

#[test]
fn every_code_is_there_under_its_number() {
    let codes: Vec<&str> = Reason::ALL.iter().map(|reason| reason.code()).collect();
    assert_eq!(codes, CODES);
    for (number, reason) in (1..).zip(Reason::ALL) {
        assert_eq!(reason.number(), number, "{reason}");
    }
}

#[test]
fn a_reason_survives_every_form() {
    for reason in Reason::ALL.iter().copied() {
        assert_eq!(reason.to_string().parse(), Ok(reason));
        assert_eq!(Reason::from_number(reason.number()), Some(reason));
        assert_eq!(CloseCode::from(reason).reason(), Some(reason));
        assert_eq!(CloseCode::from(reason).to_string(), reason.code());
    }
    for text in ["", "Offline", "offline ", "not_trusted", "unknown"] {
        assert_eq!(text.parse::<Reason>(), Err(ParseReasonError));
    }
}

#[test]
fn numbers_that_are_no_reasons_give_none() {
    assert_eq!(Reason::from_number(0), None);
    assert_eq!(Reason::from_number(25), None);
    assert_eq!(CloseCode::DONE.reason(), None);
    assert_eq!(CloseCode(0x101).reason(), None);
    assert_eq!(CloseCode(0x101).to_string(), "code 257");
    assert_eq!(CloseCode::DONE.to_string(), "done");
    assert_eq!((CloseCode::SUPERSEDED.reason(), CloseCode::SUPERSEDED.to_string()), (None, "superseded".to_owned()));
}

#[test]
fn each_says_what_is_the_matter_and_what_to_do() {
    let mut told = BTreeSet::new();
    for reason in Reason::ALL {
        for sentence in [reason.what(), reason.action()] {
            assert!(sentence.ends_with('.') && sentence.len() > 8, "{reason}: {sentence}");
            assert!(sentence.starts_with(char::is_uppercase), "{reason}: {sentence}");
        }
        assert!(told.insert(reason.what()), "{reason} says what another says");
    }
}

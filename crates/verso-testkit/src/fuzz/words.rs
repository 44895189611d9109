//! What a person types to join: six words, or a link, or anything.

use verso_pairing::{Code, Words};

/// Reads `input` as words, and as a code of either kind.
///
/// # Panics
/// If words that are read do not come back from the one form they have.
pub fn words(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    if let Ok(Code::Words(words)) = text.parse() {
        assert_eq!(words.to_string(), text.parse::<Words>().expect("the same text").to_string());
    }
    let Ok(words) = text.parse::<Words>() else { return };
    let written = words.to_string();
    assert_eq!(written.split(' ').count(), Words::COUNT);
    assert!(matches!(written.parse(), Ok(Code::Words(again)) if again.to_string() == written));
}

//! Pairing links: text that anybody may have sent.

use verso_pairing::PairingLink;

/// Reads `input` as a link.
///
/// # Panics
/// If what is read does not come back from what it is written as.
pub fn link(input: &[u8]) {
    let Ok(text) = std::str::from_utf8(input) else { return };
    let Ok(link) = text.parse::<PairingLink>() else { return };
    let written = link.to_string();
    let again: PairingLink = written.parse().expect("it was just written");
    assert_eq!(again.to_string(), written);
    assert_eq!(again.canonical_hash(), link.canonical_hash());
    assert_eq!((again.device(), again.hints()), (link.device(), link.hints()));
}

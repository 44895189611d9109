//! Messages: whatever decodes is the one encoding of what it says, and what is said comes back.

use verso_wire::{Message, MessageError, frame_header};

use crate::fuzz::{Bytes, shapes};

/// Decodes `input`.
///
/// # Panics
/// If it is a message, and does not encode to the same bytes.
pub fn message(input: &[u8]) {
    if let Ok(message) = Message::decode(input) {
        assert_eq!(message.encode().as_deref(), Ok(input), "{message:?} has one encoding");
    }
}

/// Encodes a message that `input` makes up, then some change of it.
///
/// # Panics
/// If it does not come back, or the change is taken for it.
pub fn message_round_trip(input: &[u8]) {
    let mut input = Bytes::new(input);
    let said = shapes::message(&mut input, 0);
    let body = match said.encode() {
        Ok(body) => body,
        // What may not be said: it is nothing that a receiver would take, so there is nothing to send.
        Err(MessageError::Limit { .. } | MessageError::Malformed { .. }) => return,
        Err(error) => panic!("{said:?} can't be encoded: {error}"),
    };
    assert!(frame_header(&body).is_ok());
    assert_eq!(Message::decode(&body).as_ref(), Ok(&said));
    let changed = shapes::edited(&body, &mut input, 4);
    if changed != body[..] {
        assert_ne!(Message::decode(&changed).as_ref(), Ok(&said), "another encoding of {said:?}");
    }
    message(&changed);
}

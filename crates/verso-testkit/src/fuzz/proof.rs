//! The frames of the proof on a connection's control stream: the first bytes of anybody.

use verso_noise::{AcceptorFrame, DialerFrame};

use crate::fuzz::Bytes;

/// Reads a frame, as the acceptor does or as the dialer does.
///
/// # Panics
/// If what is read is not said by just these bytes, or names more generations than a device does.
pub fn proof(input: &[u8]) {
    let mut input = Bytes::new(input);
    let is_dialers = input.byte().is_multiple_of(2);
    let frame = input.rest();
    if is_dialers {
        let Ok(read) = DialerFrame::decode(frame) else { return };
        assert!(read.others.len() <= DialerFrame::MAX_OTHERS);
        assert_eq!(read.encode(), frame);
    } else {
        let Ok(read) = AcceptorFrame::decode(frame) else { return };
        assert_eq!(read.encode(), frame);
    }
}

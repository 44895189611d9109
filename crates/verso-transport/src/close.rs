//! [`Closed`]: how a connection ended, in the project's words.

use iroh::endpoint::{ConnectionError, VarInt};
use verso_wire::{CloseCode, Reason};

/// How a connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Closed {
    /// The peer closed it and said why.
    #[error("closed by the peer: {0}")]
    ByPeer(CloseCode),
    /// This side closed it.
    #[error("closed by this device")]
    ByUs,
    /// The peer was not heard of any more, or has started anew and forgotten the connection.
    #[error("the peer was lost")]
    Lost,
    /// The peer's QUIC and ours don't understand each other.
    #[error("the peer broke the rules of QUIC")]
    Protocol,
}

impl Closed {
    /// Returns the reason to show, `None` if nothing is wrong.
    pub fn reason(&self) -> Option<Reason> {
        match self {
            Self::ByPeer(code) => code.reason(),
            Self::ByUs => None,
            Self::Lost => Some(Reason::Unreachable),
            Self::Protocol => Some(Reason::Malformed),
        }
    }
}

impl From<ConnectionError> for Closed {
    fn from(source: ConnectionError) -> Self {
        match source {
            ConnectionError::ApplicationClosed(close) => Self::ByPeer(code_of(close.error_code)),
            ConnectionError::LocallyClosed => Self::ByUs,
            ConnectionError::Reset | ConnectionError::TimedOut => Self::Lost,
            ConnectionError::VersionMismatch
            | ConnectionError::TransportError(_)
            | ConnectionError::ConnectionClosed(_)
            | ConnectionError::CidsExhausted => Self::Protocol,
        }
    }
}

/// QUIC's codes are of 62 bits. Ours fit 32; any other is one of a later version and means nothing here.
fn code_of(code: VarInt) -> CloseCode {
    CloseCode(u32::try_from(code.into_inner()).unwrap_or(u32::MAX))
}

/// Closes a connection with a code. The text that QUIC allows beside it stays empty: the code says it all.
pub(crate) fn close(connection: &iroh::endpoint::Connection, code: CloseCode) {
    connection.close(VarInt::from_u32(code.0), &[]);
}

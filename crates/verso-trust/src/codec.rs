//! The one encoding of all events: a version byte, what the author had seen, and the body in postcard.

use std::fmt;
use std::marker::PhantomData;

use serde::de::{DeserializeOwned, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use verso_vv::Seen;

use crate::event::{
    Cut, DecodeEventError, EncodeEventError, MAX_ADDRESS_BYTES, MAX_ADDRESSES, MAX_CHAINS_PER_DEVICE, MAX_NAME_BYTES,
    MAX_PAYLOAD_BYTES, MAX_SEAL_BYTES, MAX_SEALED, MAX_SEALED_BYTES, Sealed,
};

/// The format that is written, and the only one that is read.
pub(crate) const VERSION: u8 = 1;

/// Rules of a body that its types can't express. The text of a failure says which.
pub(crate) trait Body: Serialize + DeserializeOwned {
    fn check(&self) -> Result<(), &'static str> {
        Ok(())
    }
}

pub(crate) fn encode<B: Body>(seen: &Seen, body: &B) -> Result<Vec<u8>, EncodeEventError> {
    body.check().map_err(|what| EncodeEventError::Invalid { what })?;
    let bytes = write(seen, body).map_err(EncodeEventError::Serialize)?;
    if bytes.len() > MAX_PAYLOAD_BYTES {
        return Err(EncodeEventError::TooLarge { bytes: bytes.len() });
    }
    Ok(bytes)
}

pub(crate) fn decode<B: Body>(payload: &[u8]) -> Result<(Seen, B), DecodeEventError> {
    if payload.len() > MAX_PAYLOAD_BYTES {
        return Err(DecodeEventError::TooLarge { bytes: payload.len() });
    }
    let (version, rest) = payload.split_first().ok_or(DecodeEventError::Empty)?;
    if *version != VERSION {
        return Err(DecodeEventError::UnknownVersion { version: *version });
    }
    let (seen, rest) = Seen::decode(rest).map_err(DecodeEventError::Seen)?;
    let (body, rest): (B, _) = postcard::take_from_bytes(rest).map_err(DecodeEventError::Body)?;
    if !rest.is_empty() {
        return Err(DecodeEventError::Trailing { count: rest.len() });
    }
    body.check().map_err(|what| DecodeEventError::Invalid { what })?;
    // postcard reads overlong integers; nothing else than what is written here is an event.
    if write(&seen, &body).map_err(DecodeEventError::Body)? != payload {
        return Err(DecodeEventError::NotCanonical);
    }
    Ok((seen, body))
}

fn write<B: Body>(seen: &Seen, body: &B) -> Result<Vec<u8>, postcard::Error> {
    let mut bytes = vec![VERSION];
    seen.encode(&mut bytes);
    postcard::to_extend(body, bytes)
}

/// Reads a list of at most `MAX` items without believing its declared length: memory grows with the bytes that are there.
pub(crate) fn bounded<'de, D, T, const MAX: usize>(deserializer: D) -> Result<Vec<T>, D::Error>
where
    D: Deserializer<'de>,
    T: Deserialize<'de>,
{
    struct Bounded<T, const MAX: usize>(PhantomData<T>);

    impl<'de, T: Deserialize<'de>, const MAX: usize> Visitor<'de> for Bounded<T, MAX> {
        type Value = Vec<T>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            write!(f, "a list of at most {MAX} items")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Vec<T>, A::Error> {
            let mut list = Vec::new();
            while let Some(item) = items.next_element()? {
                if list.len() == MAX {
                    return Err(A::Error::invalid_length(MAX.saturating_add(1), &self));
                }
                list.push(item);
            }
            Ok(list)
        }
    }

    deserializer.deserialize_seq(Bounded::<T, MAX>(PhantomData))
}

pub(crate) fn check_name(name: &str) -> Result<(), &'static str> {
    if name.len() > MAX_NAME_BYTES {
        return Err("a name is longer than 256 bytes");
    }
    if name.chars().any(char::is_control) {
        return Err("a name contains a control character");
    }
    Ok(())
}

pub(crate) fn check_addresses(addresses: &[String]) -> Result<(), &'static str> {
    if addresses.len() > MAX_ADDRESSES {
        return Err("more than 32 addresses");
    }
    if addresses.iter().any(|address| address.is_empty() || address.len() > MAX_ADDRESS_BYTES) {
        return Err("an address is empty or longer than 256 bytes");
    }
    Ok(())
}

pub(crate) fn check_cuts(cuts: &[Cut]) -> Result<(), &'static str> {
    if cuts.len() > MAX_CHAINS_PER_DEVICE {
        return Err("more cuts than a device may have chains");
    }
    if cuts.iter().any(|cut| cut.seal.len() > MAX_SEAL_BYTES) {
        return Err("a seal is longer than 256 bytes");
    }
    ascending(cuts, |cut| cut.author).then_some(()).ok_or("cuts do not ascend by author")
}

pub(crate) fn check_sealed(sealed: &[Sealed]) -> Result<(), &'static str> {
    if sealed.len() > MAX_SEALED {
        return Err("a secret is sealed to more than 64 devices");
    }
    if sealed.iter().any(|copy| copy.bytes.len() > MAX_SEALED_BYTES) {
        return Err("a sealed secret is longer than 256 bytes");
    }
    ascending(sealed, |copy| copy.device).then_some(()).ok_or("sealed secrets do not ascend by device")
}

pub(crate) fn ascending<T, K: Ord>(items: &[T], key: impl Fn(&T) -> K) -> bool {
    items.is_sorted_by(|left, right| key(left) < key(right))
}

/// Makes the enum of a log's changes, each with its entry kind: `kind`, encoding and decoding follow from the one table.
macro_rules! changes {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $kind:literal => $variant:ident,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        #[non_exhaustive]
        pub enum $name {
            $($(#[$variant_doc])* $variant($variant),)*
        }

        $(impl From<$variant> for $name {
            fn from(change: $variant) -> Self {
                Self::$variant(change)
            }
        })*

        impl $name {
            /// Returns the kind of the entry that carries this change.
            pub const fn kind(&self) -> u8 {
                match self {
                    $(Self::$variant(_) => $kind,)*
                }
            }

            fn encode(&self, seen: &Seen) -> Result<Vec<u8>, EncodeEventError> {
                match self {
                    $(Self::$variant(change) => codec::encode(seen, change),)*
                }
            }

            fn decode(kind: u8, payload: &[u8]) -> Result<(Seen, Self), DecodeEventError> {
                match kind {
                    $($kind => codec::decode::<$variant>(payload).map(|(seen, change)| (seen, Self::$variant(change))),)*
                    _ => Err(DecodeEventError::UnknownKind { kind }),
                }
            }
        }
    };
}

pub(crate) use changes;

//! Keys typed by what they are for, so that one never stands where another belongs.

use std::fmt;
use std::marker::PhantomData;

use hkdf::Hkdf;
use sha2::Sha256;
use zeroize::Zeroizing;

/// Something a key is derived for. The label is HKDF's `info`; the table of all labels is [`purposes`].
pub trait Purpose {
    /// The HKDF label. Changing it loses everything that was encrypted under the purpose's key.
    const LABEL: &'static [u8];
}

/// Every purpose there is, with its label.
pub mod purposes {
    use super::Purpose;

    macro_rules! purposes {
        ($($(#[$doc:meta])* $name:ident = $label:literal;)*) => {
            $($(#[$doc])* #[derive(Debug, Clone, Copy)] pub struct $name;
            impl Purpose for $name { const LABEL: &'static [u8] = $label; })*

            /// All labels, for the test that holds them apart.
            #[cfg(test)]
            pub(crate) const ALL: &[&[u8]] = &[$($label),*];
        };
    }

    purposes! {
        /// Master key of the journals at rest.
        Log = b"verso log v1";
        /// Master key of the checkpoints at rest.
        Checkpoint = b"verso checkpoint v1";
        /// Master key of the device's local state at rest.
        LocalState = b"verso local state v1";
        /// Key of the high-water mark, wherever it is kept.
        HighWater = b"verso high water v1";
        /// Key of a backup file. It comes from a passphrase and not from a device's secret, which is in the file.
        Backup = b"verso backup v1";
        /// Static X25519 key of the Noise handshakes.
        Noise = b"verso noise v1";
        /// X25519 key to which own devices seal shared secrets for each other.
        Sealing = b"verso sealing v1";
        /// By which two devices that share a secret recognise each other on the local network. It comes from that secret.
        Discovery = b"verso discovery v1";
        /// What the six words of a pairing are stretched to. It comes from the words alone, and the three below from it.
        Words = b"verso pairing words v1";
        /// Secret of the one-time endpoint of a pairing by words.
        WordsEndpoint = b"verso pairing words endpoint v1";
        /// What both sides of a pairing by words prove to hold.
        WordsToken = b"verso pairing words token v1";
        /// By which who has the words finds the one-time endpoint on the local network.
        WordsDiscovery = b"verso pairing words discovery v1";
    }
}

/// 32 secret bytes for purpose `P`: zeroized when dropped, never cloned, never printed.
pub struct Key<P> {
    bytes: Zeroizing<[u8; 32]>,
    purpose: PhantomData<P>,
}

impl<P: Purpose> Key<P> {
    pub(crate) const fn new(bytes: Zeroizing<[u8; 32]>) -> Self {
        Self { bytes, purpose: PhantomData }
    }

    /// Derives the key for a narrower purpose, as [`DeviceKey::derive`](crate::DeviceKey::derive) does from a device's secret.
    pub fn derive<Q: Purpose>(&self) -> Key<Q> {
        Key::expand(&self.bytes)
    }

    /// Derives a key from a secret that is no device's own, such as one that two devices share: by HKDF-SHA256 (RFC 5869) with the purpose's label as
    /// `info`.
    #[expect(clippy::missing_panics_doc, reason = "it cannot: see the expectation below")]
    pub fn expand(secret: &Zeroizing<[u8; 32]>) -> Self {
        let mut bytes = Zeroizing::new([0; 32]);
        #[expect(clippy::expect_used, reason = "HKDF-SHA256 gives up to 8,160 bytes; this asks for 32")]
        Hkdf::<Sha256>::new(Some(b"verso key purposes v1"), secret.as_ref())
            .expand(P::LABEL, bytes.as_mut())
            .expect("32 bytes are within HKDF's limit");
        Self::new(bytes)
    }

    /// Returns the 32 secret bytes, for the cipher that uses them.
    pub fn expose(&self) -> &[u8; 32] {
        &self.bytes
    }
}

impl<P: Purpose> fmt::Debug for Key<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({})", String::from_utf8_lossy(P::LABEL))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::{Key, purposes};

    #[test]
    fn labels_are_distinct() {
        let labels: BTreeSet<_> = purposes::ALL.iter().collect();
        assert_eq!(labels.len(), purposes::ALL.len());
    }

    #[test]
    fn the_document_has_every_label_with_a_vector() {
        let document = include_str!("../../../docs/formats/identity.md");
        let secret: [u8; 32] = std::array::from_fn(|at| u8::try_from(at).unwrap());
        for label in purposes::ALL {
            let mut key = [0; 32];
            hkdf::Hkdf::<sha2::Sha256>::new(Some(b"verso key purposes v1"), &secret).expand(label, &mut key).unwrap();
            let (start, end) =
                (format!("| `{}` |", str::from_utf8(label).unwrap()), format!("| `{}` |", crate::hex::encode(&key)));
            assert!(
                document.lines().any(|row| row.starts_with(&start) && row.ends_with(&end)),
                "no row {start} … {end}"
            );
        }
        let device = crate::DeviceKey::from_secret(&zeroize::Zeroizing::new(secret));
        assert_eq!(
            device.derive::<purposes::Log>().expose(),
            Key::<purposes::Log>::expand(&zeroize::Zeroizing::new(secret)).expose()
        );
        let id = device.id();
        let sentence =
            format!("The device with that secret is `{}`, its fingerprint `{}`.", id.to_hex(), id.fingerprint());
        assert!(document.contains(&sentence), "{sentence}");
    }

    #[test]
    fn a_key_gives_another_for_each_purpose() {
        let words = Key::<purposes::Words>::new(zeroize::Zeroizing::new([7; 32]));
        let (endpoint, token) = (words.derive::<purposes::WordsEndpoint>(), words.derive::<purposes::WordsToken>());
        assert_ne!(endpoint.expose(), token.expose());
        assert_ne!(endpoint.expose(), words.expose());
        let device = crate::DeviceKey::from_secret(&zeroize::Zeroizing::new([7; 32]));
        assert_eq!(device.derive::<purposes::WordsToken>().expose(), token.expose(), "the same secret, the same key");
    }
}

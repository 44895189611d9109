//! Keys typed by what they are for, so that one never stands where another belongs.

use std::fmt;
use std::marker::PhantomData;

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

    use super::purposes;

    #[test]
    fn labels_are_distinct() {
        let labels: BTreeSet<_> = purposes::ALL.iter().collect();
        assert_eq!(labels.len(), purposes::ALL.len());
    }
}

//! [`Words`]: six words that a person reads out or types, and [`WordsSecret`], what they are worth.

use std::fmt;
use std::str::FromStr;

use bip39::Language;
use verso_identity::{Cost, DeviceId, DeviceKey, Key, Passphrase, purposes};
use zeroize::Zeroizing;

/// Bits of a word: the list has 2,048.
const WORD_BITS: usize = 11;
/// Bits that tell a slip of the tongue from the right words: one slip in 64 passes, and then fails at the proof.
const CHECK_BITS: usize = 6;
/// The random ones of the 66 bits.
const SECRET_MASK: u64 = (1 << (WORD_BITS * Words::COUNT - CHECK_BITS)) - 1;

/// Longest text that is read as words. Six words take at most 53 bytes; the rest is for blanks.
const MAX_TEXT_BYTES: usize = 256;
/// A word of the list is suggested for one that differs by at most so many letters; more is another word.
const MAX_SLIPS: usize = 3;

/// What stretching costs, and so what each guess costs whoever saw the one-time endpoint's id: 48 MiB and two passes, some 65 ms. Both sides
/// must pay the same, so it belongs to the format and can't follow [`Cost::DEFAULT`].
const COST: Cost = Cost { memory_kib: 48 * 1024, passes: 2, lanes: 1 };
/// There is nothing but the words that both sides know, so the salt is the same for all.
const SALT: &[u8; 16] = b"verso six words1";

/// Six words of the BIP-39 English list: 60 random bits, and 6 by which a wrong word is noticed.
///
/// Zeroized when dropped, never cloned. `Display` is showing the secret, in the one form there is: lower case, a blank between; `Debug`
/// doesn't. Words are read in any case, with blanks, hyphens, commas or full stops between them.
pub struct Words(Zeroizing<u64>);

impl Words {
    /// How many there are.
    pub const COUNT: usize = 6;

    /// Makes words of 8 fresh random bytes, of which 60 bits count.
    pub fn new(random: &Zeroizing<[u8; 8]>) -> Self {
        Self(Zeroizing::new(u64::from_le_bytes(**random) & SECRET_MASK))
    }

    /// Stretches the words into what they are worth. This takes some 65 ms and 48 MiB on purpose, so it has no place where others wait.
    ///
    /// # Errors
    /// [`NoMemory`] if that much memory isn't there.
    #[expect(clippy::missing_panics_doc, reason = "it cannot: see the expectation below")]
    pub fn stretch(&self) -> Result<WordsSecret, NoMemory> {
        #[expect(clippy::expect_used, reason = "six words are not empty")]
        let passphrase = Passphrase::new(Zeroizing::new(self.to_string())).expect("six words are a passphrase");
        let stretched: Key<purposes::Words> = COST.derive(&passphrase, SALT).ok_or(NoMemory)?;
        let endpoint = stretched.derive::<purposes::WordsEndpoint>();
        Ok(WordsSecret {
            endpoint: DeviceKey::from_secret(&Zeroizing::new(*endpoint.expose())),
            token: stretched.derive(),
            discovery: stretched.derive(),
        })
    }

    /// Returns the places of the words in the list.
    fn places(&self) -> [u16; Self::COUNT] {
        let bits = (u128::from(*self.0) << CHECK_BITS) | u128::from(self.check());
        std::array::from_fn(|at| {
            let shift = WORD_BITS * (Self::COUNT - 1 - at);
            #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "the 11 lowest bits are meant")]
            let place = (bits >> shift) as u16 & ((1 << WORD_BITS) - 1);
            place
        })
    }

    fn check(&self) -> u8 {
        let digest = blake3::derive_key("verso pairing words check v1", &self.0.to_le_bytes());
        digest[0] & ((1 << CHECK_BITS) - 1)
    }
}

impl fmt::Display for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, place) in self.places().into_iter().enumerate() {
            let blank = if at == 0 { "" } else { " " };
            write!(f, "{blank}{}", Language::English.word_list().get(usize::from(place)).copied().unwrap_or_default())?;
        }
        Ok(())
    }
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Words(…)")
    }
}

impl FromStr for Words {
    type Err = WordsError;

    fn from_str(text: &str) -> Result<Self, WordsError> {
        if text.len() > MAX_TEXT_BYTES {
            return Err(WordsError::TooLong { len: text.len() });
        }
        let text = Zeroizing::new(text.to_lowercase());
        let between = |character: char| character.is_whitespace() || matches!(character, '-' | ',' | '.');
        let mut bits = Zeroizing::new(0_u128);
        let mut count = 0;
        for word in text.split(between).filter(|word| !word.is_empty()) {
            count += 1;
            let unknown = || WordsError::Unknown { number: count, suggestion: nearest(word) };
            let place = Language::English.find_word(word).ok_or_else(unknown)?;
            *bits = (*bits << WORD_BITS) | u128::from(place);
        }
        if count != Self::COUNT {
            return Err(WordsError::Count { count });
        }
        #[expect(clippy::as_conversions, clippy::cast_possible_truncation, reason = "66 bits less 6 are 60")]
        let words = Self(Zeroizing::new((*bits >> CHECK_BITS) as u64));
        let check = *bits & ((1 << CHECK_BITS) - 1);
        if check == u128::from(words.check()) { Ok(words) } else { Err(WordsError::Check) }
    }
}

/// Finds the word of the list that differs least; of several the one that begins alike.
fn nearest(typed: &str) -> Option<&'static str> {
    let slips = |word: &str| strsim::damerau_levenshtein(typed, word);
    let words = Language::English.word_list().iter().copied();
    let near = words.map(|word| (slips(word), word.chars().next() != typed.chars().next(), word));
    near.min().filter(|(slips, ..)| *slips <= MAX_SLIPS).map(|(.., word)| word)
}

/// Why a text is not [`Words`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WordsError {
    /// It is longer than any six words.
    #[error("{len} bytes are more than {} words", Words::COUNT)]
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// There are fewer or more words.
    #[error("{count} words where there are {}", Words::COUNT)]
    Count {
        /// How many there are.
        count: usize,
    },
    /// A word is not of the list.
    #[error("word {number} is not of the list{}", Meant(*suggestion))]
    Unknown {
        /// Which one, from 1.
        number: usize,
        /// The word of the list that differs least.
        suggestion: Option<&'static str>,
    },
    /// All words are of the list, but they don't belong together.
    #[error("these words don't belong together: one of them is another word, or two have changed places")]
    Check,
}

struct Meant(Option<&'static str>);

impl fmt::Display for Meant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(word) => write!(f, "; it may be \"{word}\""),
            None => Ok(()),
        }
    }
}

/// There isn't the memory to stretch the words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("stretching the words takes {} MiB of memory, which are not there", COST.memory_kib / 1024)]
pub struct NoMemory;

/// What six words are worth: a one-time endpoint, a secret that both sides prove, and one by which the endpoint is found nearby. Whoever has
/// the words has all three, and from one nobody gets another.
pub struct WordsSecret {
    endpoint: DeviceKey,
    token: Key<purposes::WordsToken>,
    discovery: Key<purposes::WordsDiscovery>,
}

impl WordsSecret {
    /// Returns the key of the endpoint that the showing device opens for this pairing alone.
    pub const fn endpoint_key(&self) -> &DeviceKey {
        &self.endpoint
    }

    /// Returns the id of that endpoint, which the joining device dials.
    pub fn endpoint(&self) -> DeviceId {
        self.endpoint.id()
    }

    /// Returns the secret by which the endpoint is announced and recognised on the local network.
    pub const fn discovery_key(&self) -> &Key<purposes::WordsDiscovery> {
        &self.discovery
    }

    pub(crate) fn token(&self) -> &[u8; 32] {
        self.token.expose()
    }
}

impl fmt::Debug for WordsSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WordsSecret").field("endpoint", &self.endpoint()).finish_non_exhaustive()
    }
}

//! What snow computes with: X25519 whose secrets are zeroized, and randomness that was handed in.

use std::cell::Cell;

use snow::Error;
use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::Zeroizing;

use crate::keys::Randomness;

/// Gives snow the caller's randomness, once; hash and cipher are snow's own.
pub(crate) struct Resolver {
    randomness: Cell<Option<Randomness>>,
}

impl Resolver {
    pub(crate) fn new(randomness: Randomness) -> Self {
        Self { randomness: Cell::new(Some(randomness)) }
    }
}

impl CryptoResolver for Resolver {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(Given(self.randomness.take())))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        match choice {
            DHChoice::Curve25519 => Some(Box::new(X25519::default())),
            DHChoice::Curve448 => None,
        }
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

/// Yields the given bytes to the first request of exactly their length and nothing to any other: each side of both
/// patterns makes one ephemeral key.
struct Given(Option<Randomness>);

impl Random for Given {
    fn try_fill_bytes(&mut self, dest: &mut [u8]) -> Result<(), Error> {
        let Randomness(bytes) = self.0.take().ok_or(Error::Rng)?;
        if dest.len() != bytes.len() {
            return Err(Error::Rng);
        }
        dest.copy_from_slice(bytes.as_ref());
        Ok(())
    }
}

/// X25519 (RFC 7748) that zeroizes its secrets and refuses a shared secret of all zeros, which a peer forces with a
/// public key of small order.
#[derive(Default)]
struct X25519 {
    secret: Option<StaticSecret>,
    public: [u8; 32],
}

impl X25519 {
    fn replace(&mut self, secret: &Zeroizing<[u8; 32]>) {
        let secret = StaticSecret::from(**secret);
        self.public = PublicKey::from(&secret).to_bytes();
        self.secret = Some(secret);
    }
}

impl Dh for X25519 {
    fn name(&self) -> &'static str {
        "25519"
    }

    fn pub_len(&self) -> usize {
        32
    }

    fn priv_len(&self) -> usize {
        32
    }

    fn set(&mut self, privkey: &[u8]) {
        // snow's signature has no error; a key of another length leaves none, and `dh` then fails.
        self.secret = None;
        if let Ok(bytes) = <[u8; 32]>::try_from(privkey) {
            self.replace(&Zeroizing::new(bytes));
        }
    }

    fn generate(&mut self, rng: &mut dyn Random) -> Result<(), Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        rng.try_fill_bytes(bytes.as_mut())?;
        self.replace(&bytes);
        Ok(())
    }

    fn pubkey(&self) -> &[u8] {
        &self.public
    }

    fn privkey(&self) -> &[u8] {
        self.secret.as_ref().map_or(&[], |secret| secret.as_bytes())
    }

    fn dh(&self, pubkey: &[u8], out: &mut [u8]) -> Result<(), Error> {
        let secret = self.secret.as_ref().ok_or(Error::Dh)?;
        let public = pubkey.first_chunk::<32>().ok_or(Error::Dh)?;
        let shared = secret.diffie_hellman(&PublicKey::from(*public));
        if !shared.was_contributory() {
            return Err(Error::Dh);
        }
        out.first_chunk_mut::<32>().ok_or(Error::Dh)?.copy_from_slice(shared.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn randomness_is_given_once_and_never_drawn() {
        let resolver = Resolver::new(Randomness::new(Zeroizing::new([7; 32])));
        let mut rng = resolver.resolve_rng().unwrap();
        let mut bytes = [0; 32];
        assert_eq!(rng.try_fill_bytes(&mut bytes), Ok(()));
        assert_eq!(bytes, [7; 32]);
        assert_eq!(rng.try_fill_bytes(&mut bytes), Err(Error::Rng));
        assert_eq!(resolver.resolve_rng().unwrap().try_fill_bytes(&mut bytes), Err(Error::Rng));
    }

    /// Only a key of the one length is made of it: anything else is refused, and nothing is drawn in its place.
    #[test]
    fn randomness_of_another_length_is_none() {
        for len in [0, 31, 33] {
            let resolver = Resolver::new(Randomness::new(Zeroizing::new([7; 32])));
            let mut bytes = vec![0; len];
            assert_eq!(resolver.resolve_rng().unwrap().try_fill_bytes(&mut bytes), Err(Error::Rng));
            assert_eq!(bytes, vec![0; len]);
        }
    }

    /// A key of another length leaves none.
    #[test]
    fn without_a_key_nothing_is_agreed() {
        let mut dh = X25519::default();
        let (mut out, public) = ([0; 32], PublicKey::from([9; 32]).to_bytes());
        assert_eq!(dh.dh(&public, &mut out), Err(Error::Dh));
        dh.set(&[7; 32]);
        assert_eq!(dh.dh(&public, &mut out), Ok(()));
        dh.set(&[7; 31]);
        assert_eq!((dh.dh(&public, &mut out), dh.privkey()), (Err(Error::Dh), &[][..]));
    }

    /// The points of small order that RFC 7748 §6.1 warns of give a shared secret of zeros.
    #[test]
    fn small_order_keys_are_refused() {
        let mut dh = X25519::default();
        dh.set(&[9; 32]);
        let mut out = [0; 32];
        for public in [[0; 32], std::array::from_fn(|index| u8::from(index == 0))] {
            assert_eq!(dh.dh(&public, &mut out), Err(Error::Dh));
        }
    }
}

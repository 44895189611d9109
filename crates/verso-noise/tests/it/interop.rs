//! An independent builder of the same handshakes: snow alone, with its own X25519 and with prologues put together here
//! from the tables in the README. What this crate wired wrongly on both sides alike would show here.

use snow::params::{CipherChoice, DHChoice, HashChoice};
use snow::resolvers::{CryptoResolver, DefaultResolver};
use snow::types::{Cipher, Dh, Hash, Random};
use snow::{Builder, HandshakeState};
use verso_identity::purposes;

use crate::fixture::{ACCEPTOR, DIALER, PairingBelief, SyncBelief, device, id, noise_key};

#[test]
fn sync_completes_with_plain_snow() {
    let prologue = [
        b"verso sync noise".as_slice(),
        &[1],
        &3_u64.to_le_bytes(),
        id(DIALER).as_bytes(),
        id(ACCEPTOR).as_bytes(),
        &[0xE0; 32],
    ]
    .concat();
    let peer = noise_key(DIALER).public();
    let mut plain = acceptor(|secret| {
        plain_builder("Noise_KKpsk0_25519_ChaChaPoly_BLAKE2s")
            .prologue(&prologue)?
            .local_private_key(secret)?
            .remote_public_key(peer.as_bytes())?
            .psk(0, &[0x5E; 32])?
            .fixed_ephemeral_key_for_testing_only(&[0x33; 32])
            .build_responder()
    });

    let (dialer, _) = SyncBelief::pair();
    let mut dialling = dialer.dial().unwrap();
    plain.read_message(&dialling.write_message().unwrap(), &mut []).unwrap();
    dialling.read_message(&write(&mut plain)).unwrap();
    assert_eq!(dialling.finish().unwrap().as_bytes(), plain.get_handshake_hash());
}

#[test]
fn pairing_completes_with_plain_snow() {
    let prologue = [
        b"verso pair noise".as_slice(),
        &[1],
        &[1],
        &[0x11; 32],
        id(DIALER).as_bytes(),
        id(ACCEPTOR).as_bytes(),
        &[0xE0; 32],
    ]
    .concat();
    let mut plain = acceptor(|secret| {
        plain_builder("Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s")
            .prologue(&prologue)?
            .local_private_key(secret)?
            .psk(3, &[0x70; 32])?
            .fixed_ephemeral_key_for_testing_only(&[0x33; 32])
            .build_responder()
    });

    let (dialer, _) = PairingBelief::pair();
    let mut dialling = dialer.dial().unwrap();
    plain.read_message(&dialling.write_message().unwrap(), &mut []).unwrap();
    dialling.read_message(&write(&mut plain)).unwrap();
    plain.read_message(&dialling.write_message().unwrap(), &mut []).unwrap();

    let mut channel = dialling.finish().unwrap();
    assert_eq!(channel.handshake_hash().as_bytes(), plain.get_handshake_hash());
    let mut plain = plain.into_transport_mode().unwrap();
    let mut buffer = [0; 64];
    let len = plain.read_message(&channel.seal(b"to the acceptor").unwrap(), &mut buffer).unwrap();
    assert_eq!(&buffer[..len], b"to the acceptor");
    let len = plain.write_message(b"to the dialer", &mut buffer).unwrap();
    assert_eq!(channel.open(&buffer[..len]).unwrap().as_slice(), b"to the dialer");
}

fn acceptor(build: impl FnOnce(&[u8; 32]) -> Result<HandshakeState, snow::Error>) -> HandshakeState {
    build(device(ACCEPTOR).derive::<purposes::Noise>().expose()).unwrap()
}

fn plain_builder(pattern: &str) -> Builder<'static> {
    Builder::with_resolver(pattern.parse().unwrap(), Box::new(Plain))
}

fn write(plain: &mut HandshakeState) -> Vec<u8> {
    let mut buffer = [0; 128];
    let len = plain.write_message(&[], &mut buffer).unwrap();
    buffer[..len].to_vec()
}

/// snow's own primitives; its ephemeral keys are fixed above.
struct Plain;

impl CryptoResolver for Plain {
    fn resolve_rng(&self) -> Option<Box<dyn Random>> {
        Some(Box::new(NoRandomness))
    }

    fn resolve_dh(&self, choice: &DHChoice) -> Option<Box<dyn Dh>> {
        DefaultResolver.resolve_dh(choice)
    }

    fn resolve_hash(&self, choice: &HashChoice) -> Option<Box<dyn Hash>> {
        DefaultResolver.resolve_hash(choice)
    }

    fn resolve_cipher(&self, choice: &CipherChoice) -> Option<Box<dyn Cipher>> {
        DefaultResolver.resolve_cipher(choice)
    }
}

struct NoRandomness;

impl Random for NoRandomness {
    fn try_fill_bytes(&mut self, _dest: &mut [u8]) -> Result<(), snow::Error> {
        Err(snow::Error::Rng)
    }
}

"""Both Noise handshakes: noise.md. By the Noise Protocol Framework, revision 34, with all that these two patterns need."""

import hashlib
import hmac

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from basis import Wrong, same, x25519, x25519_public

# What is known before the first message, and what each message carries.
PATTERNS = {
    b"Noise_KKpsk0_25519_ChaChaPoly_BLAKE2s": (("s", "s"), (("psk", "e", "es", "ss"), ("e", "ee", "se"))),
    b"Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s": ((), (("e",), ("e", "ee", "s", "es"), ("s", "se", "psk"))),
}


def _hash(data):
    return hashlib.blake2s(data).digest()


def _keys(chaining, material, count):
    """HKDF as Noise has it, over BLAKE2s."""
    temporary = hmac.digest(chaining, material, hashlib.blake2s)
    outputs, last = [], b""
    for place in range(1, count + 1):
        last = hmac.digest(temporary, last + bytes([place]), hashlib.blake2s)
        outputs.append(last)
    return outputs


class Cipher:
    def __init__(self, key):
        self.key, self.number = key, 0

    def _nonce(self):
        self.number += 1
        return bytes(4) + (self.number - 1).to_bytes(8, "little")

    def seal(self, text, associated=b""):
        return ChaCha20Poly1305(self.key).encrypt(self._nonce(), text, associated)

    def open(self, sealed, associated=b""):
        try:
            return ChaCha20Poly1305(self.key).decrypt(self._nonce(), sealed, associated)
        except InvalidTag as error:
            raise Wrong("a message of Noise does not open") from error


class Handshake:
    """A handshake of which both sides' secrets are known, played through: each message must be the one that was sent.

    `statics` and `ephemerals` are the secrets of dialer and acceptor.
    """

    def __init__(self, pattern, prologue, psk, statics, ephemerals):
        before, self.messages = PATTERNS[pattern]
        self.psk, self.secrets = psk, {"s": statics, "e": ephemerals}
        self.hash = pattern if len(pattern) <= 32 else _hash(pattern)
        self.hash = self.hash.ljust(32, b"\0")
        self.chaining, self.cipher, self.turn = self.hash, None, 0
        self._mix_hash(prologue)
        for side, _ in enumerate(before):
            self._mix_hash(x25519_public(statics[side]))

    def _mix_hash(self, data):
        self.hash = _hash(self.hash + data)

    def _mix_key(self, material):
        self.chaining, key = _keys(self.chaining, material, 2)
        self.cipher = Cipher(key)

    def _encrypt_and_hash(self, text):
        sealed = self.cipher.seal(text, self.hash) if self.cipher else text
        self._mix_hash(sealed)
        return sealed

    def next_message(self):
        """What the side whose turn it is sends, with an empty payload."""
        side, out = self.turn % 2, b""
        for token in self.messages[self.turn]:
            if token == "psk":
                self.chaining, mixed, key = _keys(self.chaining, self.psk, 3)
                self._mix_hash(mixed)
                self.cipher = Cipher(key)
            elif token == "e":
                public = x25519_public(self.secrets["e"][side])
                out += public
                self._mix_hash(public)
                # With a pre-shared key the ephemeral keys are mixed in (section 9.2).
                self._mix_key(public)
            elif token == "s":
                out += self._encrypt_and_hash(x25519_public(self.secrets["s"][side]))
            else:
                # Of two letters the first is the dialer's key, the second the acceptor's.
                self._mix_key(x25519(self.secrets[token[0]][0], x25519_public(self.secrets[token[1]][1])))
        self.turn += 1
        return out + self._encrypt_and_hash(b"")

    def expect(self, message):
        same(message, self.next_message(), f"message {self.turn} of the handshake")

    def channel(self):
        """The ciphers of what the dialer and what the acceptor says afterwards."""
        return [Cipher(key) for key in _keys(self.chaining, b"", 2)]


def sync_prologue(generation, dialer, acceptor, exporter):
    return b"verso sync noise\x01" + generation.to_bytes(8, "little") + dialer + acceptor + exporter


def pairing_prologue(way, hashed, dialer, acceptor, exporter):
    return b"verso pair noise\x01" + bytes([way]) + hashed + dialer + acceptor + exporter

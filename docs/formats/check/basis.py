"""What all formats are made of: reading byte by byte, numbers, ciphers, signatures."""

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

try:
    from compression import zstd
except ImportError:
    from backports import zstd

_PRIME = 2**255 - 19


class Wrong(Exception):
    """The bytes are not what a document says."""


def need(condition, what):
    """Raises `Wrong` unless the condition holds."""
    if not condition:
        raise Wrong(what)


def same(found, expected, what):
    """Raises `Wrong` unless both are alike."""
    if found != expected:
        raise Wrong(f"{what}: {shown(found)}, and not {shown(expected)}")


def shown(value):
    return value.hex() if isinstance(value, bytes) else repr(value)


class Reader:
    """Reads from the front, and is asked at the end whether all was read."""

    def __init__(self, data, what):
        self.data, self.at, self.what = data, 0, what

    def take(self, count):
        need(0 <= count <= self.left(), f"{self.what} ends early")
        self.at += count
        return self.data[self.at - count : self.at]

    def left(self):
        return len(self.data) - self.at

    def rest(self):
        return self.take(self.left())

    def byte(self):
        return self.take(1)[0]

    def number(self, width):
        """An integer of fixed width, little-endian."""
        return int.from_bytes(self.take(width), "little")

    def varint(self):
        """Unsigned LEB128 in its shortest form, at most 64 bits."""
        value = 0
        for place in range(10):
            byte = self.byte()
            value |= (byte & 0x7F) << (7 * place)
            if byte < 0x80:
                need(byte != 0 or place == 0, f"{self.what}: a number is not in its shortest form")
                need(value < 2**64, f"{self.what}: a number has more than 64 bits")
                return value
        raise Wrong(f"{self.what}: a number has more than 64 bits")

    def text(self):
        """A length, then so many bytes of UTF-8."""
        return utf8(self.take(self.varint()), self.what)

    def option(self, read):
        """`00`, or `01` and a value."""
        flag = self.byte()
        need(flag <= 1, f"{self.what}: an option begins with {flag}")
        return read() if flag else None

    def many(self, read):
        """A count, then so many values."""
        return [read() for _ in range(self.varint())]

    def end(self):
        need(self.left() == 0, f"{self.what} goes on for {self.left()} bytes")


def utf8(data, what):
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Wrong(f"{what}: not UTF-8") from error


def ascending(items, what):
    """Each is greater than the one before."""
    need(all(a < b for a, b in zip(items, items[1:])), f"{what} don't ascend")
    return items


def aes_gcm(key, nonce, sealed, associated, what):
    """Opens AES-256-GCM; the tag is at the end."""
    try:
        return AESGCM(key).decrypt(nonce, sealed, associated)
    except InvalidTag as error:
        raise Wrong(f"{what} does not open") from error


def little_nonce(number):
    return number.to_bytes(12, "little")


def verify(device, domain, message, signature, what):
    """An Ed25519 signature by a device in a domain; the key must be canonical."""
    need(int.from_bytes(device, "little") % 2**255 < _PRIME, f"{what}: the key is not canonical")
    try:
        Ed25519PublicKey.from_public_bytes(device).verify(signature, domain.encode() + message)
    except InvalidSignature as error:
        raise Wrong(f"{what}: the signature is wrong") from error


def device_of(secret):
    return Ed25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def x25519_public(secret):
    return X25519PrivateKey.from_private_bytes(secret).public_key().public_bytes_raw()


def x25519(secret, public):
    return X25519PrivateKey.from_private_bytes(secret).exchange(X25519PublicKey.from_public_bytes(public))


def hkdf(salt, secret, info):
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=info).derive(secret)


def key_for(purpose, secret):
    """The key for a purpose, by the label of that purpose (identity.md)."""
    return hkdf(b"verso key purposes v1", secret, purpose.encode())


_STRETCHED = {}


def argon2id(passphrase, salt, memory, passes, lanes):
    """32 bytes by Argon2id. Kept, because it is slow on purpose and asked for again with each damaged copy of a file."""
    question = (passphrase, salt, memory, passes, lanes)
    if question not in _STRETCHED:
        stretch = Argon2id(salt=salt, length=32, iterations=passes, lanes=lanes, memory_cost=memory)
        _STRETCHED[question] = stretch.derive(passphrase)
    return _STRETCHED[question]


def inflate(frame, limit, what):
    """Inflates exactly one zstd frame that tells its content size and has no dictionary."""
    try:
        info = zstd.get_frame_info(frame)
        need(info.decompressed_size is not None and info.decompressed_size <= limit, f"{what} tells no size within {limit}")
        need(info.dictionary_id == 0, f"{what} names a dictionary")
        same(zstd.get_frame_size(frame), len(frame), f"{what}, in bytes of its frame")
        plain = zstd.decompress(frame)
    except zstd.ZstdError as error:
        raise Wrong(f"{what} does not inflate") from error
    same(len(plain), info.decompressed_size, f"{what}, inflated")
    return plain

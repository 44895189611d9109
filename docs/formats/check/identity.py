"""The key file, the keychain's entry and the high-water mark: identity.md."""

from basis import Reader, aes_gcm, argon2id, need, same
from blake3 import blake3


def stretch(reader, passphrase, most_memory=65_536):
    """The four fields and the salt by which a passphrase is stretched; the key is made later, when the rest is known to be whole."""
    kind, lanes, passes, memory = reader.byte(), reader.byte(), reader.number(2), reader.number(4)
    salt = reader.take(16)
    same(kind, 1, "key derivation")
    need(1 <= lanes <= 4 and 1 <= passes <= 16 and 8 * lanes <= memory <= most_memory, "out of bounds")
    return lambda: argon2id(passphrase, salt, memory, passes, lanes)


def open_key_file(data, passphrase):
    """The secret of a device."""
    same(len(data), 116, "length")
    same(data[100:], blake3(b"verso identity check v1", data[:100])[:16], "check")
    reader = Reader(data, "the key file")
    same(reader.take(14), b"verso identity", "magic")
    same(reader.number(2), 1, "version")
    key = stretch(reader, passphrase)
    nonce, sealed = reader.take(12), reader.take(48)
    return aes_gcm(key(), nonce, sealed, data[:52], "the key file")


def keychain_entry(data):
    """The secret of a device in the keychain."""
    same(len(data), 41, "length")
    same(data[0], 1, "version")
    same(data[33:], blake3(b"verso keychain check v1", data[1:33])[:8], "check")
    return data[1:33]


def open_mark(data, key):
    """The incarnation, and of each workspace the last own entry: workspace, number, hash."""
    need(len(data) >= 39, "a mark is too short")
    same(data[:11], b"verso mark\x01", "magic and version")
    reader = Reader(aes_gcm(key, data[11:23], data[23:], data[:11], "the mark"), "the mark")
    same(reader.byte(), 1, "version inside")
    incarnation = reader.varint()
    heads = reader.many(lambda: (reader.take(16), reader.varint(), reader.take(32)))
    need(len(heads) <= 40, "too many heads")
    reader.end()
    return incarnation, heads

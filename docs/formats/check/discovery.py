"""Announcements on the local network: discovery.md."""

import unicodedata

from basis import Reader, ascending, need, same, utf8
from blake3 import blake3_keyed

# Marks of writing direction, and blanks of no width: general category Cf has all of them.
_UNSEEN = {"Cc", "Cf", "Zl", "Zp"}


def is_name(name):
    visible = all(unicodedata.category(character) not in _UNSEEN for character in name)
    return 1 <= len(name.encode()) <= 128 and name == name.strip() and visible


def tag_and_mask(secret, salt, announcer):
    output = blake3_keyed(secret, salt, b"verso discovery tag v1", announcer, length=10)
    return output[:8], output[8:]


class Record:
    """A TXT record: salt, slots, and the open pairing screen as (device, name, port), or None."""

    def __init__(self, data):
        need(len(data) <= 1300, "a record is too long")
        reader = Reader(data, "a record")

        def string(key, length=None):
            size = reader.byte()
            need(length is None or size == length + 2, f"{key} has another length")
            same(reader.take(2), key + b"=", "key of a string")
            return reader.take(size - 2)

        same(string(b"v", 1), b"1", "version")
        self.salt = string(b"s", 16)
        slots = string(b"a", 160) + string(b"b", 160)
        self.slots = [(slots[at : at + 8], slots[at + 8 : at + 10]) for at in range(0, 320, 10)]
        ascending([tag for tag, _ in self.slots], "slots")
        self.screen = None
        if reader.left():
            device, name = string(b"d", 32), utf8(string(b"n"), "the name")
            port = int.from_bytes(string(b"p", 2), "big")
            need(is_name(name), "a name that may not be")
            need(port != 0, "port 0")
            self.screen = device, name, port
        reader.end()

    def port_of(self, announcer, secret):
        """The port of a device, if this is its announcement to those who share the secret."""
        tag, mask = tag_and_mask(secret, self.salt, announcer)
        for found, masked in self.slots:
            if found == tag:
                port = int.from_bytes(masked, "big") ^ int.from_bytes(mask, "big")
                return port or None
        return None

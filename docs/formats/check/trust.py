"""Events of the control log and of membership, and the secrets in them: trust.md."""

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF, HKDFExpand

from basis import Reader, Wrong, ascending, need, same, x25519, x25519_public
from blake3 import blake3_derive


class Event(Reader):
    """Reads the parts that events are made of."""

    def device(self):
        return self.take(32)

    key = hash = device

    def workspace(self):
        return self.take(16)

    def author(self):
        return self.take(32), self.varint()

    def one_of(self, *names):
        place = self.byte()
        need(place < len(names), f"{self.what}: {place} is none of {names}")
        return names[place]

    def bytes(self, limit):
        length = self.varint()
        need(length <= limit, f"{self.what}: {length} bytes")
        return self.take(length)

    def name(self):
        name = self.text()
        need(len(name.encode()) <= 256 and name.isprintable(), f"{self.what}: a name that may not be")
        return name

    def addresses(self, limit=32):
        found = self.many(self.text)
        need(len(found) <= limit and all(1 <= len(text.encode()) <= 256 for text in found), f"{self.what}: addresses")
        return found

    def cuts(self):
        cuts = self.many(lambda: (self.author(), self.varint(), self.hash(), self.bytes(256)))
        need(len(cuts) <= 64, f"{self.what}: too many cuts")
        ascending([author for author, *_ in cuts], "cuts")
        return cuts

    def sealed(self):
        copies = self.many(lambda: (self.device(), self.bytes(256)))
        need(len(copies) <= 64, f"{self.what}: too many copies")
        ascending([device for device, _ in copies], "copies")
        return copies

    def further(self):
        devices = self.many(lambda: (self.device(), self.key(), self.name(), self.addresses(8)))
        need(len(devices) <= 16, f"{self.what}: too many devices")
        ascending([device for device, *_ in devices], "further devices")
        return devices

    def access(self):
        return self.one_of("read-only", "read-write")

    def run(self):
        author, first, last = self.author(), self.varint(), self.varint()
        need(1 <= first <= last, f"{self.what}: a run that is none")
        return author, first, last, self.hash()

    def seen(self):
        items = self.many(lambda: (self.take(8), self.varint(), self.take(4)))
        need(all(number >= 1 for _, number, _ in items), f"{self.what}: number 0 was seen")
        return ascending(items, "what was seen")


def introduced(event):
    return event.name(), event.key(), event.key(), event.addresses()


def admitted(event):
    device, role = event.device(), event.one_of("friend", "own")
    side, way = event.one_of("showing", "joining"), event.one_of("link", "invite", "words", "nearby")
    return device, role, side, way, *introduced(event), event.sealed()


def workspace_known(event):
    workspace, name = event.workspace(), event.name()
    return workspace, name, event.device() if event.one_of("founded", "adopted") == "adopted" else "founded"


def vouch(event):
    device, access, standing = event.device(), event.access(), event.one_of("member", "co-owner")
    need(standing == "member" or access == "read-write", "a co-owner who may only read")
    return device, access, standing


KINDS = {
    1: ("introduced", introduced),
    2: ("admitted", admitted),
    3: ("removed", lambda event: (event.device(), event.cuts())),
    4: ("renamed", lambda event: (event.device(), event.name())),
    5: ("relocated", lambda event: (event.device(), event.addresses())),
    6: ("workspace known", workspace_known),
    7: ("workspace forgotten", lambda event: (event.workspace(),)),
    8: ("excluded", lambda event: (event.workspace(), event.device())),
    9: ("included", lambda event: (event.workspace(), event.device())),
    10: ("granted", lambda event: (event.device(), event.workspace(), event.access())),
    11: ("withdrawn", lambda event: (event.device(), event.workspace())),
    12: ("secret renewed", lambda event: (event.take(16), event.sealed())),
    13: ("secret shared", lambda event: (event.take(16), event.sealed())),
    14: ("further devices", lambda event: (event.device(), event.further())),
    128: ("found", lambda event: (event.take(16),)),
    129: ("vouch", vouch),
    130: ("revoke", lambda event: (event.device(), event.cuts(), event.option(event.access))),
    131: ("keep", lambda event: event.run()),
    132: ("discard", lambda event: event.run()),
    133: ("resume", lambda event: ()),
}


def read(kind, payload):
    """An event: its name, what its author had seen, its body."""
    need(kind in KINDS, f"kind {kind}")
    need(len(payload) <= 65_536, "too long a payload")
    name, body = KINDS[kind]
    event = Event(payload, name)
    same(event.byte(), 1, "version")
    seen, values = event.seen(), body(event)
    event.end()
    return name, seen, *values


def _labeled_extract(suite, salt, label, secret):
    return HKDF.extract(hashes.SHA256(), salt, b"HPKE-v1" + suite + label + secret)


def _labeled_expand(suite, key, label, info, length):
    labeled = length.to_bytes(2, "big") + b"HPKE-v1" + suite + label + info
    return HKDFExpand(algorithm=hashes.SHA256(), length=length, info=labeled).derive(key)


def open_sealed(sealed, sealing_secret, subject, device):
    """A sealed secret, by HPKE in base mode (RFC 9180). `subject` is `00` and a generation, or `01` and a peer."""
    same(len(sealed), 80, "length of a sealed secret")
    encapsulated, public = sealed[:32], x25519_public(sealing_secret)
    kem = b"KEM\x00\x20"
    shared = _labeled_extract(kem, b"", b"eae_prk", x25519(sealing_secret, encapsulated))
    shared = _labeled_expand(kem, shared, b"shared_secret", encapsulated + public, 32)
    suite = b"HPKE\x00\x20\x00\x01\x00\x03"
    context = b"\0" + _labeled_extract(suite, b"", b"psk_id_hash", b"")
    context += _labeled_extract(suite, b"", b"info_hash", b"verso sealed secret v1")
    secret = _labeled_extract(suite, shared, b"secret", b"")
    key = _labeled_expand(suite, secret, b"key", context, 32)
    nonce = _labeled_expand(suite, secret, b"base_nonce", context, 12)
    try:
        return ChaCha20Poly1305(key).decrypt(nonce, sealed[32:], subject + device)
    except InvalidTag as error:
        raise Wrong("a sealed secret does not open") from error


def for_two(secret, one, other):
    """What two devices prove by a secret that more than the two hold."""
    return blake3_derive("verso 2026-11 shared secret of two devices v1", secret, min(one, other), max(one, other))


def number_of(secret):
    """By which number two devices name what they agreed: 8 bytes, little-endian."""
    number = blake3_derive("verso 2026-11 pair secret generation v1", secret)[:8]
    return number[:7] + bytes([number[7] | 0x80])

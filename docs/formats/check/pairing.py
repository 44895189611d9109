"""Links, words, the ceremony, and what is kept of it: pairing.md."""

import base64
import ipaddress
import re
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

import noise
from basis import Reader, argon2id, device_of, hkdf, key_for, need, same, utf8, verify, x25519_public
from blake3 import blake3, blake3_derive
from discovery import is_name

ENGLISH = Path(__file__).with_name("bip39-english.txt").read_text().split()
KNOWN = ("v", "addr", "relay", "name", "role", "ws", "wsname", "access", "exp")
HEX = re.compile(r"[0-9a-f]*")


def need_name(name):
    need(is_name(name), f"a name that may not be: {name!r}")
    return name


def need_address(text):
    form = re.fullmatch(r"([0-9.]+|\[[0-9a-f:.]+(%[1-9][0-9]*)?\]):([1-9][0-9]{0,4})", text)
    need(form and int(form[3]) < 2**16, f"an address that is none: {text}")
    try:
        ip = ipaddress.ip_address(form[1].strip("[]").split("%")[0])
    except ValueError:
        ip = None
    need(ip and not ip.is_unspecified and not ip.is_multicast, f"an address that may not be: {text}")
    return text


def need_relay(text):
    need(re.fullmatch(r"https?://[!-~]+", text) and len(text) <= 200, f"a relay that is none: {text}")
    return text


def hexadecimal(text, count):
    need(len(text) == 2 * count and HEX.fullmatch(text), f"not {count} bytes in hexadecimal: {text}")
    return bytes.fromhex(text)


def base64url(text):
    """The token's 22 characters; unused bits are zero."""
    need(re.fullmatch(r"[A-Za-z0-9_-]{22}", text), "not a token")
    token = base64.urlsafe_b64decode(text + "==")
    same(base64.urlsafe_b64encode(token).decode().rstrip("="), text, "the one form of a token")
    return token


class Link:
    """A link, read strictly. `canonical` is its text as it is bound."""

    def __init__(self, text):
        need(text.startswith("verso://pair/") and len(text) <= 2400, "not a link")
        need(re.fullmatch(r"[!-~]*", text) and not set('#"<>\\') & set(text), "a character that may not be")
        path, _, query = text[len("verso://pair/") :].partition("?")
        device, slash, token = path.partition("/")
        need(slash and "/" not in token, "a link has two parts")
        self.device, self.token = hexadecimal(device, 32), base64url(token)
        self.values, self.unknown = {}, []
        for part in query.split("&") if "?" in text else []:
            self._parameter(part)
        self._check()
        self.canonical = self._canonical()
        need(len(self.canonical) <= 2400, "too long in its one form")
        self.hash = blake3(b"verso pairing link v1", self.canonical.encode())

    def _parameter(self, part):
        key, equals, escaped = part.partition("=")
        need(equals and re.fullmatch(r"[a-z0-9_-]{1,32}", key), f"a parameter that is none: {part}")
        need(not re.search(r"%(?![0-9A-Fa-f]{2})", escaped), f"a broken escape in {key}")
        value = utf8(unquote_to_bytes(escaped), key)
        if key == "addr":
            known = self.values.setdefault(key, [])
            need(need_address(value) not in known and len(known) < 6, "addresses")
            known.append(value)
        elif key in KNOWN:
            need(key not in self.values, f"{key} stands twice")
            self.values[key] = value
        else:
            need(key not in dict(self.unknown) and len(self.unknown) < 8, f"{key} stands twice, or too many")
            self.unknown.append((key, value))

    def _check(self):
        values = self.values
        rules = {
            "v": lambda text: same(text, "1", "version of the link"),
            "relay": need_relay,
            "name": need_name,
            "role": lambda text: need(text in ("own", "friend"), f"role {text}"),
            "ws": lambda text: hexadecimal(text, 16),
            "wsname": need_name,
            "access": lambda text: need(text in ("ro", "rw"), f"access {text}"),
            "exp": lambda text: need(re.fullmatch(r"0|[1-9][0-9]{0,19}", text) and int(text) < 2**64, f"exp {text}"),
        }
        for key, value in values.items():
            if key in rules:
                rules[key](value)
        need("ws" in values or not {"wsname", "access"} & set(values), "a workspace's name or access without it")

    def _canonical(self):
        pairs = []
        for key in KNOWN[1:]:
            if key in self.values:
                values = self.values[key]
                pairs += [(key, value) for value in (values if key == "addr" else [values])]
        query = "&".join(f"{key}={quote(value, safe='-._~:/@')}" for key, value in pairs + self.unknown)
        token = base64.urlsafe_b64encode(self.token).decode().rstrip("=")
        return f"verso://pair/{self.device.hex()}/{token}" + (f"?{query}" if query else "")


def words_check(bits):
    return blake3_derive("verso pairing words check v1", bits.to_bytes(8, "little"))[0] & 63


def to_words(bits):
    number = bits << 6 | words_check(bits)
    return " ".join(ENGLISH[number >> shift & 2047] for shift in (55, 44, 33, 22, 11, 0))


def from_words(text):
    """The 60 bits that six words in their one form stand for."""
    words = text.split(" ")
    need(len(words) == 6 and all(word in ENGLISH for word in words), "not six words of the list")
    number = 0
    for word in words:
        number = number << 11 | ENGLISH.index(word)
    same(number & 63, words_check(number >> 6), "check of the words")
    return number >> 6


def words_keys(text):
    """The one-time endpoint's id, the token, and the discovery key of six words."""
    stretched = argon2id(text.encode(), b"verso six words1", 48 * 1024, 2, 1)
    secret = hkdf(b"verso passphrase v1", stretched, b"verso pairing words v1")
    endpoint = device_of(key_for("verso pairing words endpoint v1", secret))
    return endpoint, key_for("verso pairing words token v1", secret), key_for("verso pairing words discovery v1", secret)


def read_terms(reader):
    role = reader.byte()
    need(role in (1, 2), f"role {role}")

    def workspace():
        id, access, name = reader.take(16), reader.byte(), reader.text()
        need(access in (1, 2) and (role == 2 or access == 2), f"access {access}")
        need(id != b"verso control v1", "the control log")
        return id, access, need_name(name)

    workspaces = reader.many(workspace)
    need(len({id for id, *_ in workspaces}) == len(workspaces) <= 256, "workspaces")
    return role, workspaces


def read_addresses(reader):
    addresses = [need_address(text) for text in reader.many(reader.text)]
    need(len(addresses) <= 6, "too many addresses")
    return addresses, reader.option(lambda: need_relay(reader.text()))


def read_introduction(reader):
    """Device, name, sealing key, addresses and relay, contribution."""
    device, name, sealing = reader.take(32), need_name(reader.text()), reader.take(32)
    return device, name, sealing, read_addresses(reader), reader.take(32)


def read_offer(data):
    """An offer as it is kept: link, terms, expiry, failed proofs, stage."""
    reader = Reader(data, "an offer")
    same(reader.byte(), 1, "version")
    text = reader.text()
    same(Link(text).canonical, text, "the canonical link")
    terms, expires, failed, stage = read_terms(reader), reader.varint(), reader.byte(), reader.byte()
    if stage == 1:
        stage = "used", reader.take(32), reader.varint()
    elif stage == 2:
        stage = "settled", reader.take(32)
    else:
        need(stage in (0, 3, 4), f"stage {stage}")
        stage = {0: "open", 3: "withdrawn", 4: "declined"}[stage]
    reader.end()
    return text, terms, expires, failed, stage


def read_provisional(data):
    """A provisional peer: device, Noise key, sealing key, name, who showed, way, terms, addresses and relay, lapse, secret."""
    reader = Reader(data, "a provisional peer")
    same(reader.byte(), 1, "version")
    device, noise_key, sealing, name = reader.take(32), reader.take(32), reader.take(32), need_name(reader.text())
    showed = reader.byte()
    need(showed <= 1, "neither showed nor joined")
    way = reader.byte()
    need(1 <= way <= 4, f"way {way}")
    rest = read_terms(reader), read_addresses(reader), reader.varint(), reader.take(32)
    reader.end()
    return device, noise_key, sealing, name, ("joined", "showed")[showed], way, *rest


JOINER_SAYS = {0: "Join", 1: "Stored", 2: "Refused", 3: "Nonce", 4: "Matched"}
SHOWER_SAYS = {0: "Offer", 1: "Signed", 2: "Confirmed", 3: "Stored", 4: "Refused", 5: "Commit", 6: "Reveal"}
SHOWER, JOINER = 1, 2


class Ceremony:
    """A ceremony by link or nearby whose frames were recorded, played through with the secrets of both sides.

    `identities` and `ephemerals` are the secrets of shower and joiner, and the connection's ids are those of the devices.
    """

    def __init__(self, way, link, identities, ephemerals, exporter, frames):
        self.frames, self.said = list(frames), []
        self.devices = [device_of(secret) for secret in identities]
        shower, joiner = self.devices
        if way == 1:
            self.shared, hashed = blake3_derive("verso pairing token v1", link.token), link.hash
        else:
            self.shared, hashed = blake3_derive("verso pairing nearby v1"), bytes(32)
        prologue = noise.pairing_prologue(way, hashed, joiner, shower, exporter)
        statics = [key_for("verso noise v1", secret) for secret in reversed(identities)]
        self.noise_keys = [x25519_public(secret) for secret in reversed(statics)]
        pattern = b"Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s"
        handshake = noise.Handshake(pattern, prologue, self.shared, statics, list(reversed(ephemerals)))
        first = self._frame(JOINER)
        same(first[:1], bytes([way]), "number of the way")
        handshake.expect(first[1:])
        handshake.expect(self._frame(SHOWER))
        handshake.expect(self._frame(JOINER))
        self.hash = handshake.hash
        joiners, showers = handshake.channel()
        self.ciphers = {JOINER: joiners, SHOWER: showers}
        if way == 3:
            self._codes()
        self._agree()
        need(not self.frames, "frames are left")

    def _frame(self, side):
        need(self.frames, "a frame is missing")
        sender, frame = self.frames.pop(0)
        same(sender, side, "who says the next frame")
        return frame

    def _hear(self, side, expected):
        """The body of the next message in the channel, which must be `expected`."""
        text = Reader(self.ciphers[side].open(self._frame(side)), expected)
        same(text.byte(), 1, "version in the channel")
        kind, names = text.byte(), SHOWER_SAYS if side == SHOWER else JOINER_SAYS
        same(names.get(kind), expected, "what is said in the channel")
        self.said.append(expected)
        return text

    def _exactly(self, side, expected, count):
        text = self._hear(side, expected)
        same(text.left(), count, f"length of {expected}")
        return text.rest()

    def _codes(self):
        commitment = self._exactly(SHOWER, "Commit", 32)
        joiners = self._exactly(JOINER, "Nonce", 32)
        showers = self._exactly(SHOWER, "Reveal", 32)
        same(commitment, blake3_derive("verso pairing nearby commitment v1", self.hash, showers), "commitment")
        output = blake3_derive("verso pairing nearby codes v1", self.hash, showers, joiners)
        self.codes = [int.from_bytes(output[at : at + 8], "little") % 1_000_000 for at in (0, 8)]
        self.nonces = [showers, joiners]
        self._exactly(JOINER, "Matched", 0)

    def _agree(self):
        text = self._hear(SHOWER, "Offer")
        begins = text.at
        self.terms, shower = read_terms(text), read_introduction(text)
        text.end()
        offer = text.data[begins:]
        text = self._hear(JOINER, "Join")
        begins = text.at
        joiner = read_introduction(text)
        introduction, signature = text.data[begins : text.at], text.take(64)
        text.end()
        self.introductions = [shower, joiner]
        same([shower[0], joiner[0]], self.devices, "the devices that the connection has proven")
        signed = self.hash + blake3(b"\x01", offer) + blake3(b"\x01", introduction) + self.devices[0] + self.devices[1]
        verify(joiner[0], "verso pairing v1", bytes([JOINER]) + signed, signature, "the joiner's word")
        signature = self._exactly(SHOWER, "Signed", 64)
        verify(shower[0], "verso pairing v1", bytes([SHOWER]) + signed, signature, "the shower's word")
        contributions = [shower[4], joiner[4]]
        if "Reveal" in self.said:
            derived = [blake3_derive("verso pairing nearby nonce v1", fresh) for fresh in contributions]
            same(self.nonces, derived, "nonces")
        self.secret = blake3_derive("verso pairing pair secret v1", self.shared, *contributions, self.hash, *self.devices)
        self._exactly(SHOWER, "Confirmed", 0)
        self._exactly(JOINER, "Stored", 0)
        self._exactly(SHOWER, "Stored", 0)


"""Every vector: where it lies, and how it is read to what it means.

What is secret in them is in the documents: vectors.md says from which keys each was made.
"""

import base64
import re

import backup
import checkpoint
import discovery
import graph
import identity
import journal
import messages
import noise
import pairing
import trust
import unit
from basis import device_of, key_for, need, same, x25519_public
from blake3 import blake3

PASSPHRASE = b"correct horse battery staple"


class Vector:
    """Bytes and how they are read. From byte `loose` on a bit may change and the meaning stay: a zstd frame has such bits."""

    def __init__(self, name, data, read, loose=None):
        self.name, self.data, self.read = name, data, read
        self.loose = len(data) if loose is None else loose


def secret(byte):
    return bytes([byte]) * 32


def counting(first, count=32):
    return bytes(range(first, first + count))


def kinded(data):
    """A kind and a payload, from a vector that is both."""
    need(data, "nothing")
    return data[0], data[1:]


def hexadecimal(text):
    return bytes.fromhex(text.replace("\n", ""))


def rows(document):
    """Of each row of a document's tables the first cell, and what stands in backticks in the others."""
    found = {}
    for line in document.splitlines():
        cells = [cell.strip() for cell in line.strip("|").split(" | ")] if line.startswith("| ") else []
        if len(cells) > 1:
            found[cells[0].strip("`")] = [part for cell in cells[1:] for part in re.findall("`([^`]*)`", cell)]
    return found


def all_vectors(root):
    """All vectors of the project that lies in `root`."""
    parts = (units, wire, log, keys, replica, payloads, events, announcements, pairings, words, proofs, handshakes, ceremonies, secrets)
    return [vector for part in parts for vector in part(root)]


def golden(root, crate):
    return root / "crates" / crate / "tests" / "golden"


def document(root, name):
    return rows((root / "docs" / "formats" / name).read_text())


def the_unit(founder, nonce):
    workspace = unit.workspace_of(device_of(secret(founder)), bytes([nonce]) * 16)

    def read(data):
        found = unit.Unit(workspace, data)
        entries = [entry if isinstance(entry, bytes) else list(entry) for entry in found.entries]
        return {
            "device": found.device,
            "incarnation": found.incarnation,
            "first": found.first,
            "branch": found.branch,
            "entries": entries,
            "head": found.hashes[-1],
        }

    return read


def units(root):
    folder = golden(root, "verso-wire")
    table = document(root, "unit.md")
    values = {name: bytes.fromhex(cells[0]) for name, cells in table.items() if len(cells) == 1 and re.fullmatch("([0-9a-f]{2})+", cells[0])}
    # zstd's magic number: what lies behind is a frame.
    frame = (folder / "unit-1-compressed.bin").read_bytes().index(bytes.fromhex("28b52ffd")) + 4
    yield Vector("unit.md: the unit", values["the unit"], the_unit(0x11, 0x11))
    for name, founder in (("single", 0x11), ("rich", 0x11), ("compressed", 0x22)):
        data = (folder / f"unit-1-{name}.bin").read_bytes()
        yield Vector(f"unit-1-{name}.bin", data, the_unit(founder, founder), frame if name == "compressed" else None)

    def steps(data):
        """The table step by step: a damaged value of any row fails."""
        device, workspace, digest = device_of(secret(0x11)), values["workspace"], values["d(1)"]
        same(data[:32], device, "device")
        same(data[32:40], unit.u64(17), "incarnation")
        same(data[40:56], unit.workspace_of(device, bytes([0x11]) * 16), "workspace")
        clock = 1_760_000_000_000 << 16
        same(data[56:64], unit.u64(clock), "clock")
        before = unit.chain_start(workspace, device, 17)
        same(data[64:96], before, "h(0)")
        digest = unit.entry_digest(1, clock, b"one intent of the user")
        same(data[96:128], digest, "d(1)")
        head = unit.chain_next(before, 1, digest)
        same(data[128:160], head, "h(1)")
        branch = unit.u64(unit.branch_incarnation(device, 17, 1, head))
        same(data[160:], branch, "incarnation of the branch")
        return "as the formulas give it"

    names = ("device", "incarnation, little-endian", "workspace", "clock, little-endian", "h(0)", "d(1)", "h(1)")
    all_rows = b"".join(values[name] for name in names) + values["incarnation of the branch (1, `h(1)`), little-endian"]
    yield Vector("unit.md: hashes", all_rows, steps)


def wire(root):
    for path in sorted(golden(root, "verso-wire").glob("message-1-*.bin")):
        if path.name == "message-1-unit.bin":
            read_unit = the_unit(0x33, 0x33)
            yield Vector(path.name, path.read_bytes(), lambda data: need(data[:1] == b"\x06", "tag") or read_unit(data[1:]))
        else:
            yield Vector(path.name, path.read_bytes(), messages.read)
    yield Vector("two frames", b"\x02\0\0\0\x0b\x14\x03\0\0\0abc", lambda data: messages.frames(data))

    def held(data):
        device = device_of(secret(0x11))
        head = unit.chain_next(unit.chain_start(unit.workspace_of(device, bytes([0x11]) * 16), device, 17), 1, unit.entry_digest(1, 1_760_000_000_000 << 16, b"one intent of the user"))
        return same(data, messages.held_digest([(device, 17, 1, head)]), "held digest")

    yield Vector("messages.md: held digest", bytes.fromhex(document(root, "messages.md")["held digest"][0]), held)


def log(root):
    folder, master = golden(root, "verso-log"), key_for("verso log v1", secret(1))

    def segment(data):
        found = journal.Segment(data, master)
        header = found.header
        told = [header.label, header.number, header.first_number, header.id, header.previous_id, header.previous_digest, header.replaced]
        return [*told, found.closing_digest, found.runs]

    for name in ("appended", "following", "compacted"):
        yield Vector(f"segment-v1-{name}.seg", (folder / f"segment-v1-{name}.seg").read_bytes(), segment)
    first, second = (folder / f"segment-v1-{name}.seg" for name in ("appended", "following"))
    before = journal.Segment(first.read_bytes(), master)
    journal.follows(journal.Segment(second.read_bytes(), master), before)
    local = key_for("verso local state v1", secret(1))
    yield Vector("sealed-v1.box", (folder / "sealed-v1.box").read_bytes(), lambda data: journal.open_sealed(data, local, b"label"))


def keys(root):
    data = (golden(root, "verso-identity") / "identity-v1.key").read_bytes()
    yield Vector("identity-v1.key", data, lambda data: identity.open_key_file(data, PASSPHRASE))
    table = document(root, "identity.md")
    for label, cells in table.items():
        if label.startswith("verso ") and len(cells) == 1:
            yield exact(f"identity.md: {label}", cells[0], key_for(label, counting(0)))
    text = (root / "docs" / "formats" / "identity.md").read_text()
    device = device_of(counting(0))
    fingerprint = base64.b32encode(blake3(b"verso fingerprint v1", device)[:15]).decode()
    fingerprint = "-".join(fingerprint[at : at + 4] for at in range(0, 24, 4))
    need(f"is `{device.hex()}`, its fingerprint `{fingerprint}`" in text, "device and fingerprint of identity.md")
    entry = found_in(text, "01000102")
    yield Vector("identity.md: the keychain's entry", entry, identity.keychain_entry)
    mark_key = key_for("verso high water v1", counting(0))
    mark = found_in(text, b"verso mark".hex())
    yield Vector("identity.md: a high-water mark", mark, lambda data: identity.open_mark(data, mark_key))


def found_in(text, start):
    """The bytes in a document's text, in backticks, that start so."""
    return bytes.fromhex(re.search(f"`({start}[0-9a-f]+)`", text)[1])


def exact(name, text, value):
    """A vector that must be just this value."""
    return Vector(name, bytes.fromhex(text), lambda data: same(data, value, name))


def replica(root):
    folder = golden(root, "verso-replica")

    def whole(data):
        items = backup.items(backup.open_backup(data, PASSPHRASE))
        return [backup.device(items), [(log, found.device, found.first, found.entries) for log, found in backup.units(items)]]

    yield Vector("backup-v1.bin", (folder / "backup-v1.bin").read_bytes(), whole)
    read_local = checkpoint.read_local
    for name, read in (("checkpoint-v1", checkpoint.read), ("forks-v1", checkpoint.read_forks), ("local-v1", read_local), ("local-v2", read_local)):
        yield Vector(f"{name}.txt", hexadecimal((folder / f"{name}.txt").read_text()), read)


def payloads(root):
    lines = (golden(root, "verso-graph") / "payloads-v1.txt").read_text().splitlines()[1:]
    entries, heads = [], {device: unit.chain_start(bytes([9]) * 16, secret(device), device) for device in (1, 2)}
    for line in lines[:-1]:
        device, number, kind, clock, hashed, payload = line.split()
        device, number, kind, payload = int(device), int(number), int(kind), bytes.fromhex(payload)
        author = secret(device), device
        heads[device] = unit.chain_next(heads[device], number, unit.entry_digest(kind, int(clock), payload))
        same(bytes.fromhex(hashed), heads[device], f"chain hash of {device}/{number}")
        entries.append(graph.Entry(author, number, kind, int(clock), bytes.fromhex(hashed), payload))
        yield Vector(f"payloads-v1.txt: {device}/{number}", bytes([kind]) + payload, lambda data, number=number: graph.read(number, *kinded(data)))
    state = graph.State(entries)
    yield Vector("payloads-v1.txt: the digest of the state", bytes.fromhex(lines[-1]), lambda data: same(data, graph.digest(state), "digest"))


def events(root):
    lines = (golden(root, "verso-trust") / "events-v1.txt").read_text().splitlines()[1:]
    for place, line in enumerate(lines):
        kind, payload = line.split()
        data = bytes([int(kind)]) + bytes.fromhex(payload)
        yield Vector(f"events-v1.txt: {place}", data, lambda data: trust.read(*kinded(data)))


def announcements(root):
    announcer, secrets = counting(0x40), [counting(0), counting(0x20)]

    def record(data):
        found = discovery.Record(data)
        ports = [found.port_of(announcer, one) for one in secrets]
        same(found.port_of(counting(0x80), secrets[0]), None, "the port of another device")
        return [found.salt, found.slots, found.screen, ports]

    for name in ("closed", "open"):
        data = hexadecimal((golden(root, "verso-discovery") / f"{name}-v1.hex").read_text())
        yield Vector(f"{name}-v1.hex", data, record)
    table = document(root, "discovery.md")
    data = b"".join(bytes.fromhex(table[name][0]) for name in ("secret", "salt", "announcer", "tag", "mask"))

    def tag(data):
        return same(data[80:], b"".join(discovery.tag_and_mask(data[:32], data[32:48], data[48:80])), "tag and mask")

    yield Vector("discovery.md: tag and mask", data, tag)


def pairings(root):
    folder = golden(root, "verso-pairing")

    def link(data):
        found = pairing.Link(data.decode("ascii", "replace"))
        return [found.canonical, found.device, found.token, found.values, found.unknown, found.hash]

    yield Vector("link-v1.txt", (folder / "link-v1.txt").read_bytes().rstrip(), link)
    yield Vector("offer-v1.bin", (folder / "offer-v1.bin").read_bytes(), pairing.read_offer)
    yield Vector("provisional-v1.bin", (folder / "provisional-v1.bin").read_bytes(), pairing.read_provisional)


def words(root):
    table = document(root, "pairing.md")
    for line in (root / "docs" / "formats" / "pairing.md").read_text().splitlines():
        row = re.fullmatch(r"\| `([0-9a-f]{15})` \| ([a-z ]+) \|", line)
        if row:
            bits = int(row[1], 16)
            same(pairing.from_words(row[2]), bits, "what words are worth")
            yield Vector(f"pairing.md: {row[2]}", row[2].encode(), lambda data, bits=bits: same(pairing.from_words(data.decode("ascii", "replace")), bits, "60 bits"))
    endpoint, _, found = pairing.words_keys("pizza coffee harvest ensure fog spike")
    text = (root / "docs" / "formats" / "pairing.md").read_text()
    yield exact("pairing.md: the endpoint of words", re.search("the endpoint `([0-9a-f]{64})`", text)[1], endpoint)
    yield exact("pairing.md: the discovery key of words", re.search("begins with\n`([0-9a-f]{16})`", text)[1], found[:8])


def proofs(root):
    table = document(root, "proof.md")
    tail = "aa" * 48
    numbers = "generation `0x0102030405060708`, no others", "the same, others 1 and 2⁶⁴ − 1"
    for name in numbers:
        data = bytes.fromhex("".join(cell for cell in table[name] if not cell.startswith("0x")).replace("aa…", tail))
        yield Vector(f"proof.md: {name}", data, messages.dialers_proof)
    for name in ("the acceptor's proof", "the acceptor's answer 2⁶³"):
        data = bytes.fromhex("".join(table[name]).replace("aa…", tail))
        yield Vector(f"proof.md: {name}", data, messages.acceptors_proof)


def handshakes(root):
    table, dialer, acceptor = document(root, "noise.md"), 0xD1, 0xAC
    table = {name.split(", generation")[0].split(", way")[0].split(", `first")[0]: cells for name, cells in table.items()}
    statics = [key_for("verso noise v1", secret(byte)) for byte in (dialer, acceptor)]
    devices = [device_of(secret(byte)) for byte in (dialer, acceptor)]
    ephemerals, exporter = [secret(1), secret(2)], secret(0xE0)
    for name, one in zip(("dialer's static key", "acceptor's static key"), statics):
        yield exact(f"noise.md: {name}", table[name][-1], x25519_public(one))
    sync = noise.Handshake(b"Noise_KKpsk0_25519_ChaChaPoly_BLAKE2s", noise.sync_prologue(3, *devices, exporter), secret(0x5E), statics, ephemerals)
    pair = noise.Handshake(b"Noise_XXpsk3_25519_ChaChaPoly_BLAKE2s", noise.pairing_prologue(1, secret(0x11), *devices, exporter), secret(0x70), statics, ephemerals)
    for which, handshake, count in (("sync", sync, 2), ("pairing", pair, 3)):
        for number in range(1, count + 1):
            yield exact(f"noise.md: {which}, message {number}", table[f"{which}, message {number}"][-1], handshake.next_message())
        yield exact(f"noise.md: {which}, handshake hash", table[f"{which}, handshake hash"][-1], handshake.hash)
    first = pair.channel()[0].seal(b"first in the channel")
    yield exact("noise.md: in the channel", table["pairing, the dialer's first message behind it"][-1], first)


def ceremonies(root):
    folder = golden(root, "verso-pairing")
    link = pairing.Link((folder / "link-v1.txt").read_text().strip())
    for way, name in ((1, "link"), (3, "nearby")):
        lines = [line.split() for line in (folder / f"ceremony-{name}-v1.txt").read_text().splitlines()]
        sides = {"shower": pairing.SHOWER, "joiner": pairing.JOINER}
        frames = [(sides[who], bytes.fromhex(text)) for who, text in lines[:-1]]
        seeds = [bytes([seed]) * 32 for seed in ((0x10, 0x20) if way == 1 else (0x10, 0x90))]

        def read(data, way=way, frames=frames, seeds=seeds):
            rest, cut = data[32:], []
            for who, frame in frames:
                cut.append((who, rest[: len(frame)]))
                rest = rest[len(frame) :]
            need(not rest, "frames are left")
            found = pairing.Ceremony(way, link, [secret(1), secret(2)], seeds, secret(0xE0), cut)
            same(data[:32], found.secret, "the pair's secret")
            return [found.said, found.terms, found.introductions, getattr(found, "codes", None), found.secret]

        same(lines[-1][0], "secret", "the last line")
        yield Vector(f"ceremony-{name}-v1.txt", bytes.fromhex(lines[-1][1]) + b"".join(frame for _, frame in frames), read)


def secrets(root):
    table = document(root, "trust.md")
    first, second = device_of(secret(1)), device_of(secret(2))
    sealing = key_for("verso sealing v1", secret(1))
    yield exact("trust.md: first device", table["first device"][0], first)
    yield exact("trust.md: second device", table["second device"][0], second)
    subjects = {"as generation 16 times `0x01`": b"\0" + bytes([1]) * 16, "as what was agreed with the second": b"\1" + second}
    for what, subject in subjects.items():
        data = bytes.fromhex(table[f"sealed for the first device, {what}".strip("`")][-1])
        yield Vector(f"trust.md: {what}", data, lambda data, subject=subject: same(trust.open_sealed(data, sealing, subject, first), secret(7), "secret"))
    yield exact("trust.md: derived for the two", table["derived for the two"][0], trust.for_two(secret(7), second, first))
    yield exact("trust.md: number of the secret", table["number of the secret, little-endian"][0], trust.number_of(secret(7)))

"""Frames and messages: messages.md. And the proof on a connection: proof.md."""

from archive import TEXT, decode, raw
from basis import Reader, ascending, need
from blake3 import blake3

DEVICE, WORKSPACE, HASH, SIGNATURE = raw(32), raw(16), raw(32), raw(64)
SIDE = [[HASH], SIGNATURE]

# Tag, name, and the fields of the archive's root; fields that stand in a row are one record.
FIELDS = {
    1: ("PeerInfo", [TEXT, 4, 4, 8, [TEXT]]),
    2: ("Offer", [[WORKSPACE, TEXT, 1], [WORKSPACE]]),
    3: ("Open", [WORKSPACE]),
    4: ("Hello", [HASH]),
    5: ("Vector", [[DEVICE, 8, 8, raw(8)], [DEVICE, 8, 8, HASH, SIGNATURE]]),
    7: ("Ack", [[DEVICE, 8, 8], 8]),
    8: ("Decline", [DEVICE, 8, 8, 1]),
    9: ("Withdraw", [DEVICE, 8]),
    10: ("Proof", [DEVICE, 8, 8, HASH, *SIDE, *SIDE]),
    11: ("Goodbye", [1]),
    12: ("Devices", [[DEVICE, HASH, TEXT, [TEXT]]]),
}
LAST_REASON = 24


def within(count, limit, what):
    need(count <= limit, f"more {what} than {limit}")


def read(body):
    """A message: its name, and the fields of its archive's root, or the bytes of its unit."""
    within(len(body), 1_048_576, "bytes")
    need(body, "an empty message")
    tag, data = body[0], body[1:]
    if tag == 6:
        need(data, "an empty unit")
        return "Unit", data
    need(tag in FIELDS, f"tag {tag}")
    name, fields = FIELDS[tag]
    values = decode(data, fields, name)
    check(name, body, values)
    return name, values


def check(name, body, values):
    if name == "PeerInfo":
        own, oldest, newest, _, addresses = values
        within(len(body), 49_152, "bytes of a PeerInfo")
        within(len(own.encode()), 256, "bytes of a name")
        within(len(addresses), 64, "addresses")
        for (address,) in addresses:
            within(len(address.encode()), 512, "bytes of an address")
        need(oldest <= newest, "the oldest version is above the newest")
    elif name == "Offer":
        added, removed = values
        within(len(added), 256, "workspaces")
        within(len(removed), 256, "workspaces")
        for _, called, access in added:
            within(len(called.encode()), 256, "bytes of a name")
            need(access <= 1, "an access that there is not")
    elif name == "Vector":
        chains, seal = values
        within(len(chains), 4096, "authors")
        within(len(seal), 1, "seals")
        ascending([chain[:2] for chain in chains], "chains")
        need(all(last for _, _, last, _ in chains), "a chain of which nothing is held")
    elif name == "Ack":
        within(len(values[0]), 4096, "authors")
        ascending([chain[:2] for chain in values[0]], "chains")
    elif name == "Decline":
        need(1 <= values[3] <= LAST_REASON, "a reason that there is not")
    elif name == "Proof":
        within(len(values[4]), 4096, "digests")
        within(len(values[6]), 4096, "digests")
    elif name == "Goodbye":
        need(values[0] <= LAST_REASON, "a reason that there is not")
    elif name == "Devices":
        within(len(body), 49_152, "bytes of a Devices")
        within(len(values[0]), 16, "further devices")
        ascending([device for device, *_ in values[0]], "further devices")
        for _, _, called, addresses in values[0]:
            within(len(called.encode()), 256, "bytes of a name")
            within(len(addresses), 8, "addresses of a further device")
            for (address,) in addresses:
                within(len(address.encode()), 256, "bytes of an address")


def held_digest(chains):
    """The digest of what is held: device, incarnation, last number, its hash of each chain."""
    parts = [device + incarnation.to_bytes(8, "little") + last.to_bytes(8, "little") + head for device, incarnation, last, head in sorted(chains)]
    return blake3(b"verso held v1", *parts)


def frames(stream):
    """The bodies of all frames of a stream that ends at the end of one."""
    reader, bodies = Reader(stream, "a stream"), []
    while reader.left():
        length = reader.number(4)
        within(length, 1_048_576, "bytes of a frame")
        bodies.append(reader.take(length))
    return bodies


def dialers_proof(body):
    """The dialer's frame of the proof: generation, other generations, Noise's message."""
    within(len(body), 1024, "bytes of a proof")
    reader = Reader(body, "the dialer's frame")
    layout = reader.byte()
    need(layout in (1, 2), f"layout {layout}")
    generation, others = reader.number(8), []
    if layout == 2:
        count = reader.byte()
        need(1 <= count <= 15, f"{count} other generations")
        others = [reader.number(8) for _ in range(count)]
    need(reader.left() == 48, "Noise's message has another length")
    return generation, others, reader.rest()


def acceptors_proof(body):
    """The acceptor's frame: Noise's message, or the generation that it holds instead."""
    within(len(body), 1024, "bytes of a proof")
    reader = Reader(body, "the acceptor's frame")
    kind = reader.byte()
    need(kind in (0, 1), f"first byte {kind}")
    if kind == 0:
        need(reader.left() == 48, "Noise's message has another length")
        return reader.rest()
    generation = reader.number(8)
    reader.end()
    return generation

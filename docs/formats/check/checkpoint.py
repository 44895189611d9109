"""What a device keeps for itself: checkpoint.md (but for the application's snapshot), forks.md, local.md."""

import journal
import messages
import trust
from basis import Reader, ascending, inflate, need, same


def open_checkpoint(data, key, workspace):
    """The plaintext of a checkpoint file."""
    text = journal.open_sealed(data, key, b"checkpoint" + workspace)
    reader = Reader(text, "a checkpoint")
    same(reader.byte(), 1, "version")
    length, frame = reader.number(8), reader.rest()
    need(length <= 256 * len(frame), "a checkpoint is too long")
    plain = inflate(frame, length, "a checkpoint")
    same(len(plain), length, "length of the plaintext")
    return plain


def read(plain):
    """Version of the snapshot, chains, counts of held and applied, membership entries, and the snapshot as it is."""
    reader = Reader(plain, "a checkpoint")

    def author():
        return reader.take(32), reader.varint()

    def head():
        return reader.varint(), reader.take(32)

    def applied():
        return head(), reader.take(8), reader.many(lambda: (reader.varint(), reader.varint()))

    def chain():
        named, stamp = author(), reader.varint()
        seal = author(), *head(), reader.take(64)
        return named, stamp, seal, reader.option(applied)

    def member():
        named, number, hashed, stamp = author(), reader.varint(), reader.take(32), reader.varint()
        tag, kind, payload = reader.take(8), reader.byte(), reader.take(reader.varint())
        return named, number, hashed, stamp, tag, trust.read(kind, payload)

    version = reader.number(4)
    chains, held, applied_count = reader.many(chain), reader.varint(), reader.varint()
    return version, chains, (held, applied_count), reader.many(member), reader.rest()


def read_forks(text):
    """The proofs of forks: workspace and `Proof` of each, ascending."""
    reader = Reader(text, "forks")
    same(reader.byte(), 1, "version")

    def proof():
        workspace = reader.take(16)
        name, values = messages.read(reader.take(reader.varint()))
        same(name, "Proof", "what stands in the file of forks")
        return workspace, values

    proofs = reader.many(proof)
    reader.end()
    ascending([(workspace, *values[:4]) for workspace, values in proofs], "forks")
    return proofs


def read_local(text):
    """The local state, of version 1 or 2: a dictionary of its fields."""
    reader = Reader(text, "the local state")
    version = reader.byte()
    need(version in (1, 2), f"version {version}")

    def choice(*names):
        place = reader.varint()
        need(place < len(names), f"choice {place}")
        return names[place]

    def device():
        return reader.take(32)

    def author():
        return reader.take(32), reader.varint()

    def access():
        return choice("read-only", "read-write")

    def workspace():
        return reader.take(16), reader.text(), access()

    def ascending_map(key, value):
        found = reader.many(lambda: (key(), value()))
        ascending([key for key, _ in found], "keys of a map")
        return found

    def provisional():
        keys = [device() for _ in range(4)]
        name, role = reader.text(), choice("friend", "own")
        side, way = choice("showing", "joining"), choice("link", "invite", "words", "nearby")
        return *keys, name, role, side, way, reader.many(reader.text), reader.many(workspace), reader.varint()

    def told():
        return reader.option(lambda: (reader.varint(), reader.varint()))

    def reason():
        return reader.option(lambda: (reader.text(), reader.varint()))

    def contact():
        seen, addresses, floor = reader.option(reader.varint), reader.many(reader.text), reader.varint()
        told_of = told(), told()
        shared = ascending(reader.many(lambda: reader.take(16)), "workspaces")
        offered = ascending_map(lambda: reader.take(16), lambda: (reader.text(), access()))
        known = seen, addresses, floor, told_of, shared, offered, reason()
        if version == 1:
            return known
        return *known, ascending_map(lambda: reader.take(16), lambda: (reader.option(reader.varint), reason()))

    def unconfirmed():
        heads, confirmed = ascending_map(author, reader.varint), ascending(reader.many(device), "devices")
        return heads, confirmed, ascending(reader.many(lambda: (device(), author())), "devices that are behind")

    state = {
        "incarnation": reader.varint(),
        "left": reader.many(reader.varint),
        "provisional": ascending_map(device, provisional),
        "pairings": ascending_map(device, lambda: (device(), device())),
        "contacts": ascending_map(device, contact),
        "unconfirmed": reader.option(unconfirmed),
    }
    need(len(state["left"]) <= 64, "too many incarnations")
    reader.end()
    return state

"""The unit: unit.md."""

import archive
from basis import Reader, ascending, inflate, need, same, verify
from blake3 import blake3

EXTRAS = [[8, archive.raw(32)], [2, archive.raw(64)], [2, archive.raw(32)]]
MASK = 2**64 - 1


def u64(number):
    return number.to_bytes(8, "little")


def chain_start(workspace, device, incarnation):
    return blake3(b"verso chain v1", workspace, device, u64(incarnation))


def entry_digest(kind, clock, payload):
    return blake3(bytes([kind]), u64(clock), len(payload).to_bytes(4, "little"), payload)


def chain_next(before, number, digest):
    return blake3(before, u64(number), digest)


def branch_incarnation(device, incarnation, number, head):
    return int.from_bytes(blake3(b"verso branch v1", device, u64(incarnation), u64(number), head)[:8], "little")


def workspace_of(founder, nonce):
    return blake3(b"verso workspace v1", founder, nonce)[:16]


def author_tag(device, incarnation):
    return blake3(b"verso author tag v1", device, u64(incarnation))[:8]


class Unit:
    """A unit that was read, of which every hash and every seal was checked.

    `entries` has for each entry (kind, clock, payload), or 32 bytes of digest; `hashes` its chain hash.
    """

    def __init__(self, workspace, data):
        need(len(data) <= 1_048_575, "a unit is too large")
        reader = Reader(data, "a unit")
        form = reader.byte()
        same(form & 0x3F, 1, "format")
        self.device, self.incarnation = reader.take(32), reader.number(8)
        self.previous, self.signature = reader.take(32), reader.take(64)
        self.first = reader.varint()
        need(self.first >= 1, "the first entry has number 0")
        self.branch, kept, digests = None, [], []
        if form & 0x40:
            extras = reader.take(reader.varint())
            branch, kept, digests = archive.decode(extras, EXTRAS, "extras")
            need(branch or kept or digests, "empty extras")
            need(len(branch) <= 1 and len(kept) <= 64, "too many extras")
            self.branch = branch[0] if branch else None
        columns = reader.rest()
        if form & 0x80:
            columns = inflate(columns, 319_490, "columns")
        need(len(columns) <= 319_490, "too long columns")
        self._place(read_columns(columns), dict(digests))
        ascending([index for index, _ in digests], "digests")
        ascending([index for index, _ in kept], "kept seals")
        need(all(index < len(self.entries) - 1 for index, _ in kept), "a kept seal lies outside")
        need(self.branch is None or self.first >= self.branch[0], "it begins before its branch")
        need(self.last <= MASK, "numbers go beyond 64 bits")
        self._verify(workspace, kept)

    def _place(self, full, digests):
        """Entries of the columns take the places that the digests leave."""
        count = len(full) + len(digests)
        need(1 <= count <= 4096, f"{count} entries")
        need(all(index < count for index in digests), "a digest lies outside")
        full = iter(full)
        self.entries = [digests[index] if index in digests else next(full) for index in range(count)]
        self.last = self.first + count - 1

    def _verify(self, workspace, kept):
        if self.first == 1:
            same(self.previous, chain_start(workspace, self.device, self.incarnation), "h(0)")
        self.hashes, before = [], self.previous
        for number, entry in enumerate(self.entries, self.first):
            digest = entry if isinstance(entry, bytes) else entry_digest(*entry)
            before = chain_next(before, number, digest)
            self.hashes.append(before)
            if self.branch and self.branch[0] == number:
                same(before, self.branch[1], "the branch's hash")
        for index, signature in [*kept, (len(self.entries) - 1, self.signature)]:
            sealed = workspace + self.device + u64(self.incarnation) + u64(self.first + index) + self.hashes[index]
            verify(self.device, "verso seal v1", sealed, signature, f"the seal at {self.first + index}")


def read_columns(columns):
    """The entries that have their content: kind, clock, payload."""
    reader = Reader(columns, "columns")
    count = reader.varint()
    need(count <= 4096, "too many entries")
    kinds, clocks = reader.take(count), []
    for place in range(count):
        step = reader.varint()
        # The first is turned right by 16 bits, the others are differences.
        clocks.append(((step << 16 | step >> 48) if place == 0 else clocks[-1] + step) & MASK)
    # Lengths and payloads: by kind, within a kind in the order of entries.
    order = sorted(range(count), key=lambda place: kinds[place])
    lengths = [reader.varint() for _ in order]
    need(all(length <= 65_536 for length in lengths) and sum(lengths) <= 262_144, "too much payload")
    payloads = {place: reader.take(length) for place, length in zip(order, lengths)}
    reader.end()
    return [(kinds[place], clocks[place], payloads[place]) for place in range(count)]

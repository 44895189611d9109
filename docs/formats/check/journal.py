"""Segments and sealed files: journal.md."""

from basis import Reader, aes_gcm, little_nonce, need, same
from blake3 import blake3, blake3_derive, blake3_keyed

RUN, INDEX = 1, 2


def keys(context, master, generation, salt):
    """The AES key, and the key of header checks."""
    both = blake3_derive(context, master, generation.to_bytes(4, "little"), salt, length=64)
    return both[:32], both[32:]


class Header:
    """A segment's header, of which both copies were read."""

    def __init__(self, data, master):
        need(len(data) >= 1024, "no room for two headers")
        replaced = int.from_bytes(data[28:32], "little")
        need(replaced <= 1024, "too many segments replaced")
        self.block = (216 + 16 * replaced + 511) // 512 * 512
        need(len(data) >= 2 * self.block, "no room for two headers")
        first, second = data[: self.block], data[self.block : 2 * self.block]
        same(first, second, "the second copy of the header")
        reader = Reader(first, "a header")
        same(reader.take(8), b"VERSOLOG", "magic")
        same(reader.number(2), 1, "version")
        same(reader.number(2), 0, "reserved")
        length = reader.number(4)
        same(length, 216 + 16 * replaced, "length of the header")
        copy = first[:length]
        same(copy[-8:], blake3(copy[:-8])[:8], "the header's check")
        self.generation, self.number = reader.number(4), reader.number(4)
        self.first_number = reader.number(4)
        reader.number(4)
        self.id, self.previous_id = reader.take(16), reader.take(16)
        self.previous_digest = reader.take(32)
        self.stands_for = reader.take(16), reader.take(32)
        salt = reader.take(32)
        self.replaced = [reader.take(16) for _ in range(replaced)]
        before, canary = copy[: reader.at], reader.take(32)
        reader.take(8)
        same(set(reader.rest()) | {0}, {0}, "what fills up a header")
        self.key, self.check_key = keys("verso-log 2026-11 segment key v1", master, self.generation, salt)
        self.label = aes_gcm(self.key, little_nonce(0), canary, before, "the canary")
        self.hash = blake3(copy)


class Segment:
    """A segment that was closed: its header, and its runs as (branch, author, ..., record)."""

    def __init__(self, data, master):
        self.header = Header(data, master)
        self.runs, rows, index, digest, number = [], [], None, self.header.hash, 0
        at = 2 * self.header.block
        while index is None:
            begins, number = at, number + 1
            head = data[at : at + 16]
            need(len(head) == 16, "it ends without an index")
            same(head[12:], blake3_keyed(self.header.check_key, head[:12])[:4], "a record header's check")
            length, kind = int.from_bytes(head[:3], "little"), head[3]
            same(int.from_bytes(head[4:8], "little"), number, "number of the record")
            batch = int.from_bytes(head[8:12], "little")
            need(length >= 16 and 1 <= batch <= number, "a record's header makes no sense")
            body = data[at + 16 : at + 16 + length]
            text = aes_gcm(self.header.key, little_nonce(number), body, self.header.hash + head, f"record {number}")
            at += 16 + length
            if kind == RUN:
                digest += head + body[-16:]
                self.runs.append((batch, *read_run(text)))
                rows.append((*self.runs[-1][1:7], length))
            else:
                same(kind, INDEX, "kind of a record")
                same(batch, number, "batch of the index")
                index = begins
        self.closing_digest = blake3(digest)
        check_index(text, rows, self.closing_digest)
        self._trailer(data[at:], index)

    def _trailer(self, data, index):
        reader = Reader(data, "the trailer")
        same(reader.take(8), b"VERSOEND", "magic of the trailer")
        place = reader.take(8)
        same(int.from_bytes(place, "little"), index, "place of the index")
        same(reader.take(8), blake3_keyed(self.header.hash, place)[:8], "the trailer's check")
        reader.end()


def read_author(reader):
    """Branch point or None, device, incarnation."""
    branch = reader.byte()
    need(branch <= 1, f"a branch of kind {branch}")
    device, incarnation = reader.take(32), reader.number(8)
    point = (reader.varint(), reader.take(32)) if branch else None
    return point, device, incarnation


def read_run(text):
    """Branch point, device, incarnation, first and last entry, (hash before, hash of the last), record."""
    reader = Reader(text, "a run")
    point, device, incarnation = read_author(reader)
    first = reader.varint()
    last = first + reader.varint()
    need(first >= (point[0] if point else 1), "a run begins too early")
    return point, device, incarnation, first, last, (reader.take(32), reader.take(32)), reader.rest()


def check_index(text, rows, closing_digest):
    """The index says what the records say."""
    reader = Reader(text, "the index")
    same(reader.byte(), 1, "version of the index")
    same(reader.take(32), closing_digest, "closing digest")
    authors = reader.many(lambda: read_author(reader))
    same(len(set(authors)), len(authors), "authors of the index, each once")
    same(reader.varint(), len(rows), "runs of the index")
    ends = {}
    for *author, first, last, (before, head), length in rows:
        named = reader.varint()
        need(named // 2 < len(authors), "an author that is not in the index")
        same(authors[named // 2], tuple(author), "author of a run")
        start = ends.get(named // 2) if named % 2 else (reader.varint(), reader.take(32))
        same(start, (first, before), "start of a run")
        same(first + reader.varint(), last, "end of a run")
        same(reader.take(32), head, "head of a run")
        same(reader.varint(), length, "length of a record")
        ends[named // 2] = last + 1, head
    reader.end()


def follows(segment, before):
    """A segment's header tells of the one before."""
    known = before.header.id, before.closing_digest
    if any(before.header.stands_for[0]):
        known = before.header.stands_for
    same((segment.header.previous_id, segment.header.previous_digest), known, "the segment before")


def open_sealed(data, master, label):
    """The text of a sealed file."""
    need(len(data) >= 72, "a sealed file is too short")
    same(data[-8:], blake3(data[:-8])[:8], "the check of a sealed file")
    reader = Reader(data, "a sealed file")
    same(reader.take(8), b"VERSOBOX", "magic")
    same((reader.number(2), reader.number(2)), (1, 0), "version and reserved")
    generation, salt = reader.number(4), reader.take(32)
    key, _ = keys("verso-log 2026-11 sealed file key v1", master, generation, salt)
    return aes_gcm(key, little_nonce(0), data[48:-8], data[:48] + label, "a sealed file")

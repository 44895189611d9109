"""Backups: backup.md."""

import identity
from basis import Reader, aes_gcm, hkdf, need, same
from blake3 import blake3
from journal import keys
from unit import Unit

CHUNK = 65_536 + 16


def open_backup(data, passphrase):
    """The text of a backup: its items, one behind the other."""
    header = data[:72]
    reader = Reader(header, "the header")
    same(reader.take(12), b"verso backup", "magic")
    same((reader.number(2), reader.number(2)), (1, 72), "version and length")
    same(header[56:], blake3(b"verso backup check v1", header[:56])[:16], "check")
    stretched = identity.stretch(reader, passphrase)
    secret = hkdf(b"verso passphrase v1", stretched(), b"verso backup v1")
    key, _ = keys("verso-log 2026-11 stream key v1", secret, 1, blake3(header[:40]))
    aes_gcm(key, nonce(2**64 - 1), reader.take(16), b"", "the canary")
    chunks, text = [data[at : at + CHUNK] for at in range(72, len(data), CHUNK)], b""
    need(chunks, "no chunk")
    for place, chunk in enumerate(chunks):
        last = place == len(chunks) - 1
        text += aes_gcm(key, nonce(place), chunk, bytes([last]), f"chunk {place}")
    return text


def nonce(number):
    return number.to_bytes(8, "little") + bytes(4)


def items(text):
    """Kind and body of each item, in the order that is asked for, with the units' logs."""
    reader, found = Reader(text, "the items"), []
    while reader.left():
        kind, length = reader.byte(), reader.number(4)
        need(length <= 4 << 20, "an item is too long")
        found.append((kind, reader.take(length)))
    kinds = [kind for kind, _ in found]
    need(kinds[:1] == [1] and kinds.count(1) == 1, "the device is not first, and once")
    need(kinds[-1] == 5 and kinds.count(5) == 1, "the end is not last, and once")
    need(all(1 <= kind <= 6 for kind in kinds), "an unknown item")
    need(kinds.count(4) <= 1 and kinds.count(6) <= 1, "local state or forks twice")
    logs = [body for kind, body in found if kind == 2]
    need(len(set(logs)) == len(logs) and all(len(log) == 16 for log in logs), "logs that are none, or one twice")
    return found


def units(found):
    """Every unit, read with the log it is in; the end counts them and their entries."""
    log, read = None, []
    for kind, body in found:
        if kind == 2:
            log = body
        elif kind == 3:
            need(log is not None, "a unit outside a log")
            read.append((log, Unit(log, body)))
    end = Reader(found[-1][1], "the end")
    same(end.number(8), len(read), "units counted at the end")
    same(end.number(8), sum(len(unit.entries) for _, unit in read), "entries counted at the end")
    end.end()
    return read


def device(found):
    """The device: secret, when it was made, what the host keeps beside."""
    reader = Reader(found[0][1], "the device")
    secret, made, beside = reader.take(32), reader.number(8), reader.rest()
    need(len(beside) <= 65_535, "too much beside")
    return secret, made, beside

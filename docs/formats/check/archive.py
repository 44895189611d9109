"""Archives, as messages.md describes them: a record at the end, and before it what it points to."""

from basis import Wrong, need, utf8

# A field is a number of bytes (an integer), `raw(n)` (n bytes as they are), TEXT, or a list of fields (a list of records).
TEXT = "text"


class raw(int):
    """So many bytes, which are no number."""


def width(fields):
    return sum(8 if field == TEXT or isinstance(field, list) else int(field) for field in fields)


def decode(data, fields, what):
    """Reads the one archive of `fields` that `data` is, and checks that it is written in the one way there is."""
    try:
        need(len(data) >= width(fields), f"{what} is too short")
        value = _record(data, len(data) - width(fields), fields, what)
    except RecursionError as error:
        raise Wrong(f"{what} is nested") from error
    need(encode(value, fields) == data, f"{what} is not written in the one way")
    return value


def encode(record, fields):
    out = bytearray()
    places = _before(record, fields, out)
    _write(record, fields, places, out)
    return bytes(out)


def _slice(data, at, count, what):
    need(0 <= at and at + count <= len(data), f"{what} points outside")
    return data[at : at + count]


def _signed(data, at, what):
    return int.from_bytes(_slice(data, at, 4, what), "little", signed=True)


def _record(data, at, fields, what):
    values = []
    for field in fields:
        if field == TEXT:
            values.append(_text(data, at, what))
            at += 8
        elif isinstance(field, list):
            place = at + _signed(data, at, what)
            count = int.from_bytes(_slice(data, at + 4, 4, what), "little")
            size = width(field)
            need(count * size <= len(data), f"{what} counts more than there is")
            values.append([_record(data, place + n * size, field, what) for n in range(count)])
            at += 8
        else:
            found = _slice(data, at, int(field), what)
            values.append(found if isinstance(field, raw) else int.from_bytes(found, "little"))
            at += int(field)
    return tuple(values)


def _text(data, at, what):
    place = _slice(data, at, 8, what)
    if place[0] & 0xC0 != 0x80:
        return utf8(place.rstrip(b"\xff"), what)
    length = int.from_bytes(place[:4], "little")
    length = (length & 0x3F) | (length >> 2 & ~0x3F)
    return utf8(_slice(data, at + _signed(data, at + 4, what), length, what), what)


def _before(record, fields, out):
    """Writes what a record points to, and returns where each part of it lies."""
    places = []
    for value, field in zip(record, fields):
        if field == TEXT:
            places.append(len(out))
            if len(value.encode()) > 8:
                out += value.encode()
        elif isinstance(field, list):
            inner = [_before(item, field, out) for item in value]
            places.append(len(out))
            for item, where in zip(value, inner):
                _write(item, field, where, out)
        else:
            places.append(None)
    return places


def _write(record, fields, places, out):
    for value, field, place in zip(record, fields, places):
        if field == TEXT:
            text = value.encode()
            if len(text) <= 8:
                out += text.ljust(8, b"\xff")
            else:
                length = len(text) & 0x3F | 0x80 | (len(text) & ~0x3F) << 2
                out += length.to_bytes(4, "little") + (place - len(out)).to_bytes(4, "little", signed=True)
        elif isinstance(field, list):
            out += (place - len(out)).to_bytes(4, "little", signed=True) + len(value).to_bytes(4, "little")
        else:
            out += value if isinstance(field, raw) else value.to_bytes(int(field), "little")

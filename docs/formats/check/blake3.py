"""BLAKE3 in its three modes, from the paper "BLAKE3: one function, fast everywhere" (2020), section 2.

Slow and small: it hashes some kilobytes, and saves a package whose C code nobody here would read.
"""

_IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
_PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
# Which words each of the eight mixing steps of a round takes: four of the state.
_STEPS = (
    (0, 4, 8, 12), (1, 5, 9, 13), (2, 6, 10, 14), (3, 7, 11, 15),
    (0, 5, 10, 15), (1, 6, 11, 12), (2, 7, 8, 13), (3, 4, 9, 14),
)
_CHUNK_START, _CHUNK_END, _PARENT, _ROOT = 1, 2, 4, 8
_KEYED_HASH, _DERIVE_KEY_CONTEXT, _DERIVE_KEY_MATERIAL = 16, 32, 64
_MASK = 0xFFFFFFFF


def _compress(chaining, words, counter, length, flags):
    """Returns the 16 words of one compression."""
    state = [*chaining, *_IV[:4], counter & _MASK, counter >> 32, length, flags]
    words = list(words)
    for turn in range(7):
        for step, (a, b, c, d) in enumerate(_STEPS):
            for word, right_d, right_b in ((words[2 * step], 16, 12), (words[2 * step + 1], 8, 7)):
                state[a] = (state[a] + state[b] + word) & _MASK
                mixed = state[d] ^ state[a]
                state[d] = (mixed >> right_d | mixed << (32 - right_d)) & _MASK
                state[c] = (state[c] + state[d]) & _MASK
                mixed = state[b] ^ state[c]
                state[b] = (mixed >> right_b | mixed << (32 - right_b)) & _MASK
        if turn < 6:
            words = [words[place] for place in _PERMUTATION]
    return [state[i] ^ state[i + 8] for i in range(8)] + [state[i + 8] ^ chaining[i] for i in range(8)]


def _words(block):
    block = block.ljust(64, b"\0")
    return [int.from_bytes(block[at : at + 4], "little") for at in range(0, 64, 4)]


def _chunk(key, data, counter, flags):
    """Returns what the last compression of a chunk takes; the others are done."""
    blocks = [data[at : at + 64] for at in range(0, len(data), 64)] or [b""]
    chaining = key
    for place, block in enumerate(blocks[:-1]):
        start = _CHUNK_START if place == 0 else 0
        chaining = _compress(chaining, _words(block), counter, 64, flags | start)[:8]
    start = _CHUNK_START if len(blocks) == 1 else 0
    return chaining, _words(blocks[-1]), counter, len(blocks[-1]), flags | start | _CHUNK_END


def _tree(key, data, first_chunk, flags):
    """Returns what the last compression over `data` takes."""
    if len(data) <= 1024:
        return _chunk(key, data, first_chunk, flags)
    # The left side is the largest power of two of chunks that leaves something to the right.
    left = 1024
    while left * 2 < len(data):
        left *= 2
    sides = [_tree(key, data[:left], first_chunk, flags), _tree(key, data[left:], first_chunk + left // 1024, flags)]
    words = [word for side in sides for word in _compress(*side)[:8]]
    return key, words, 0, 64, flags | _PARENT


def _output(last, length):
    chaining, words, _, block_length, flags = last
    output = b""
    for counter in range((length + 63) // 64):
        block = _compress(chaining, words, counter, block_length, flags | _ROOT)
        output += b"".join(word.to_bytes(4, "little") for word in block)
    return output[:length]


def blake3(*parts, length=32):
    """The plain hash of the parts, one behind the other."""
    return _output(_tree(_IV, b"".join(parts), 0, 0), length)


def blake3_keyed(key, *parts, length=32):
    """The keyed hash, under 32 bytes."""
    return _output(_tree(_words(key)[:8], b"".join(parts), 0, _KEYED_HASH), length)


def blake3_derive(context, *parts, length=32):
    """The mode for deriving keys: a context that is a constant text, and the material."""
    inner = _output(_tree(_IV, context.encode(), 0, _DERIVE_KEY_CONTEXT), 32)
    return _output(_tree(_words(inner)[:8], b"".join(parts), 0, _DERIVE_KEY_MATERIAL), length)

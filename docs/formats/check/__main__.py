"""Reads every vector of the formats by the documents alone, and checks that no damage to one goes unnoticed.

    python3 docs/formats/check              checks, and ends with 1 if anything is wrong
    python3 docs/formats/check --write      writes down what the vectors mean now: for a new version of a format
    python3 docs/formats/check --root DIR   checks a copy of the project
"""

import json
import shutil
import sys
import tempfile
from pathlib import Path

from basis import Wrong
from vectors import all_vectors

HERE = Path(__file__).resolve().parent
MEANING = Path("docs/formats/check/meaning.json")
# At how many places a vector is damaged at most.
PLACES = 150
# What reading damaged text may end with besides.
REFUSED = (Wrong, ValueError, KeyError, IndexError, TypeError)


def plain(value):
    """What a vector means, in JSON: bytes as hexadecimal."""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    return value


def damages(data):
    """Where, what, and the damaged bytes: a bit flipped, cut short, continued."""
    step = max(1, len(data) // PLACES) | 1
    for at in range(0, len(data), step):
        for bit in range(8) if len(data) <= 64 else [at % 8]:
            yield at, f"bit {bit} of byte {at}", data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]
        yield 0, f"cut at {at}", data[:at]
    yield 0, "continued", data + b"\0"


def check(vector, expected):
    """What is wrong with a vector, and how often it was damaged."""
    try:
        meaning = plain(vector.read(vector.data))
    except Wrong as wrong:
        return [str(wrong)], 0
    if meaning != expected:
        return [f"it means {meaning}, and not {expected}"], 0
    problems, count = [], 0
    for at, what, damaged in damages(vector.data):
        count += 1
        try:
            found = plain(vector.read(damaged))
        except Wrong:
            continue
        is_loose = at >= vector.loose
        if (found == meaning) != is_loose:
            problems.append(f"{what} {'means something else' if is_loose else 'goes unnoticed'}")
    return problems, count


def misread(root):
    """The names of the vectors of `root` that don't mean what is written down, without damaging any."""
    expected = json.loads((root / MEANING).read_text())
    try:
        vectors = all_vectors(root)
    except REFUSED as refused:
        return [str(refused)]
    names = {vector.name for vector in vectors}
    wrong = sorted(set(expected) ^ names)
    for vector in vectors:
        try:
            meaning = plain(vector.read(vector.data))
        except REFUSED:
            meaning = None
        if vector.name in expected and meaning != expected[vector.name]:
            wrong.append(vector.name)
    return wrong


def unnoticed_files(root):
    """The golden files that may be damaged on the disk without this program telling."""
    unnoticed = []
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(root / "docs" / "formats", copy / "docs" / "formats")
        for golden in sorted(root.glob("crates/*/tests/golden")):
            shutil.copytree(golden, copy / golden.relative_to(root))
        for path in sorted(copy.glob("crates/*/tests/golden/*")):
            whole = path.read_bytes()
            path.write_bytes(whole[: len(whole) // 2] + bytes([whole[len(whole) // 2] ^ 4]) + whole[len(whole) // 2 + 1 :])
            if not misread(copy):
                unnoticed.append(path.name)
            path.write_bytes(whole)
        if misread(copy):
            unnoticed.append("the copy, undamaged")
    return unnoticed


def main(arguments):
    root = Path(arguments[arguments.index("--root") + 1]) if "--root" in arguments else HERE.parents[2]
    vectors = all_vectors(root)
    if "--write" in arguments:
        meaning = {vector.name: plain(vector.read(vector.data)) for vector in vectors}
        (root / MEANING).write_text(json.dumps(meaning, indent=1, ensure_ascii=False) + "\n")
        return 0
    expected = json.loads((root / MEANING).read_text())
    lines, count = [], 0
    for name in sorted(set(expected) ^ {vector.name for vector in vectors}):
        lines.append(f"{name}: {'is not there' if name in expected else 'has no meaning written down'}")
    for vector in vectors:
        problems, damaged = check(vector, expected.get(vector.name))
        count += damaged
        lines += [f"{vector.name}: {problem}" for problem in problems[:5]]
    # Snapshots of applications are read by their writer alone (README.md).
    lines += [f"{name}: damage to the file goes unnoticed" for name in unnoticed_files(root) if name != "snapshot-v1.txt"]
    print("\n".join([*lines, f"{len(vectors)} vectors read by the documents, {count} damaged copies of them refused or told apart" if not lines else f"{len(lines)} problems"]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

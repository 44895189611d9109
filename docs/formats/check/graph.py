"""Payloads of the graph, their merge, and the canonical form of the state: graph.md.

The merge here knows no forks: a name means the chain of its signer up to a number.
"""

from basis import Reader, ascending, need
from blake3 import blake3
from unit import author_tag

ADD_NODE, SET_TITLE, SET_URL, SET_NAME, TAG, UNTAG, LINK, UNLINK, TRAVERSE, DELETE, RESOLVE, DROP = range(12)
NAMES = ("AddNode", "SetTitle", "SetUrl", "SetWorkspaceName", "Tag", "Untag", "Link", "Unlink", "Traverse", "DeleteNode", "Resolve a node", "Resolve a register")
CHOICES = ("delete", "ghost", "keep")
OWN = None


class Payload(Reader):
    """Reads names. An entry is (author tag or OWN, number, hash tag or None)."""

    def __init__(self, number, data):
        super().__init__(data, "a payload")
        self.number = number

    def _other(self):
        author, number, hashed = self.take(8), self.varint(), self.take(4)
        need(1 <= number < 2**40, "a number out of bounds")
        return author, number, hashed

    def _own(self, number):
        need(1 <= number < self.number, "an own entry that is not before this one")
        return OWN, number, None

    def ref(self):
        number = self.varint()
        return self._own(number) if number else self._other()

    def back(self):
        distance = self.varint()
        return self._own(self.number - distance) if distance else self._other()

    def dots(self):
        found = self.many(self.ref)
        need(len(found) <= 4096, "too many dots")
        return found

    def label(self, most=1024, least=0):
        """A text, or the own entry that carries it."""
        number = self.varint()
        return self._own(number) if number else self.to_end(most, least)

    def to_end(self, most, least=0):
        return self.text_of(self.left(), most, least)

    def text_of(self, length, most, least=0):
        need(least <= length <= most, "a text is too long, or empty")
        return self.take(length).decode("utf-8", "strict")

    def seen(self):
        """A vector, or the own entry that carries it."""
        number = self.varint()
        if number:
            return self._own(number)
        items = self.many(self._other)
        need(len(items) <= 4096, "too long a vector")
        ascending([author for author, *_ in items], "items of a vector")
        return items


def read(number, kind, data):
    """The intent in entry `number` of a chain: a dictionary."""
    payload = Payload(number, data)
    try:
        intent = _read(payload, kind)
    except UnicodeDecodeError as error:
        need(False, f"not UTF-8: {error}")
    payload.end()
    return intent


def _read(payload, kind):
    need(kind <= DROP, f"kind {kind}")
    intent = {"intent": NAMES[kind]}
    if kind == ADD_NODE:
        return intent | {"url": payload.text_of(payload.varint(), 32_768), "title": payload.to_end(16_384)}
    if kind in (RESOLVE, DROP):
        choice = payload.byte()
        need(choice < (3 if kind == RESOLVE else 2), f"choice {choice}")
        if kind == RESOLVE:
            return intent | {"choice": CHOICES[choice], "seen": payload.seen(), "node": payload.back()}
        return intent | {"register": ("title", "url")[choice], "node": payload.back(), "dots": payload.dots()}
    if kind == DELETE:
        intent |= {"seen": payload.seen(), "nodes": []}
        while payload.left():
            intent["nodes"].append(payload.back())
        need(1 <= len(intent["nodes"]) <= 1024, "no node, or too many")
        return intent
    if kind != SET_NAME:
        intent["node"] = payload.back()
    if kind in (LINK, UNLINK, TRAVERSE):
        intent["target"] = payload.ref()
    if kind in (SET_TITLE, SET_URL, SET_NAME, UNTAG, UNLINK):
        intent["dots"] = payload.dots()
    if kind in (SET_TITLE, SET_URL, SET_NAME):
        limits = {SET_TITLE: 16_384, SET_URL: 32_768, SET_NAME: 1024}
        return intent | {"text": payload.to_end(limits[kind])}
    return intent | {"label": payload.label(least=int(kind in (TAG, UNTAG)))}


class Entry:
    """An applied entry. `at` is (author, number), `stamp` what writes are ordered by."""

    def __init__(self, author, number, kind, clock, hashed, payload):
        self.at, self.kind, self.clock, self.hash = (author, number), kind, clock, hashed
        self.stamp = clock, author, number
        self.intent = read(number, kind, payload)


class State:
    """What a set of entries comes to, worked out from the whole set."""

    def __init__(self, entries):
        self.entries = {entry.at: entry for entry in entries}
        self.authors = sorted({author for author, _ in self.entries})
        self.tags = {author_tag(*author): author for author in self.authors}
        for entry in entries:
            need(entry.at[1] == 1 or (entry.at[0], entry.at[1] - 1) in self.entries, "an entry before is missing")
        self.nodes = {entry.at: entry for entry in entries if entry.kind == ADD_NODE}

    # Names

    def named(self, entry, name):
        """The entry that a name means."""
        author, number, hashed = name
        at = (entry.at[0] if author is OWN else self.tags.get(author), number)
        need(at in self.entries, "a name of an entry that is not there")
        need(hashed is None or self.entries[at].hash[:4] == hashed, "a name of another branch")
        return at

    def node(self, entry, name):
        """The node that an entry stands for: the one it created, else the first that its payload names."""
        other = self.entries[self.named(entry, name)]
        if other.kind == ADD_NODE:
            return other.at
        intent = other.intent
        return self.node(other, intent["nodes"][0] if other.kind == DELETE else intent["node"])

    def carried(self, entry, field):
        """A label or a vector, perhaps carried by an own entry, and by which."""
        value = entry.intent[field]
        if isinstance(value, tuple):
            entry = self.entries[self.named(entry, value)]
            value = entry.intent[field]
            need(not isinstance(value, tuple), "who is named carries it not itself")
        return value, entry

    def covers(self, entry, names, own=True):
        """A function that tells whether the names of an entry, and its own chain, cover an entry."""
        reach = {entry.at[0]: entry.at[1] - 1 if own else 0}
        for name in names:
            author, number = self.named(entry, name)
            reach[author] = max(reach.get(author, 0), number)
        return lambda at: at[1] <= reach.get(at[0], 0)

    def saw(self, entry):
        """What an entry with a vector had seen. The vector is that of the entry that carries it, the own chain goes on."""
        names, carrier = self.carried(entry, "seen")
        before = self.covers(carrier, names)
        return lambda at: before(at) or (at[0] == entry.at[0] and at[1] < entry.at[1])

    # What counts

    def of_kind(self, *kinds):
        return [entry for entry in self.entries.values() if entry.kind in kinds]

    def about(self, node, *kinds):
        return [entry for entry in self.of_kind(*kinds) if self.node(entry, entry.intent["node"]) == node]

    def standing(self, writes, drops=()):
        covered = [self.covers(write, write.intent["dots"]) for write in writes]
        covered += [self.covers(drop, drop.intent["dots"], own=False) for drop in drops]
        return sorted((write for write in writes if not any(by(write.at) for by in covered)), key=lambda write: write.stamp, reverse=True)

    def register(self, node, register):
        """Text and entry of each value, the greatest first."""
        drops = [drop for drop in self.about(node, DROP) if drop.intent["register"] == register]
        writes = self.standing(self.about(node, SET_TITLE if register == "title" else SET_URL), drops)
        if writes:
            return [(write.intent["text"], write) for write in writes]
        return [(self.nodes[node].intent[register], self.nodes[node])]

    def additions(self, kind_added, kind_removed, key):
        """The additions that stand of each item."""
        found = {}
        removals = [(key(entry), self.covers(entry, entry.intent["dots"])) for entry in self.of_kind(kind_removed)]
        for entry in self.of_kind(kind_added):
            if not any(item == key(entry) and by(entry.at) for item, by in removals):
                found.setdefault(key(entry), []).append(entry)
        return found

    def tag_of(self, entry):
        return self.node(entry, entry.intent["node"]), self.carried(entry, "label")[0]

    def edge_of(self, entry):
        return self.node(entry, entry.intent["node"]), self.node(entry, entry.intent["target"]), self.carried(entry, "label")[0]

    def last_of_each(self, marks):
        last = {}
        for mark in sorted(marks, key=lambda mark: mark.at):
            last[mark.at[0]] = mark
        return list(last.values())

    def presence(self, node):
        """0 live, 1 ghost and settled, 2 ghost, 3 gone; and the deletions and decisions that were considered."""
        named = [entry for entry in self.of_kind(DELETE) if any(self.node(entry, name) == node for name in entry.intent["nodes"])]
        deletions, decisions = self.last_of_each(named), self.last_of_each(self.about(node, RESOLVE))
        current = [one for one in decisions if not any(self.saw(other)(one.at) for other in decisions if other is not one)]
        choice = max((CHOICES.index(one.intent["choice"]) for one in current), default=None)
        choice = None if choice is None else CHOICES[choice]
        others = [one for one in decisions if one.intent["choice"] != choice]
        count = [one for one in decisions if one.intent["choice"] == choice and not any(self.saw(other)(one.at) for other in others)]
        deleting = [one for one in deletions if not (choice == "keep" and any(self.saw(keep)(one.at) for keep in count))]
        deleting += count if choice == "delete" else []
        activities = [self.nodes[node], *self.about(node, SET_TITLE, SET_URL, TAG, LINK, TRAVERSE, DROP)]
        activities += [entry for entry in self.of_kind(LINK, TRAVERSE) if self.node(entry, entry.intent["target"]) == node]
        done = list(activities) + (count if choice in ("keep", "ghost") else [])
        left = [one for one in done if not any(self.saw(deletion)(one.at) for deletion in deleting)]
        if not deleting:
            state = "ghost" if choice == "ghost" else "live"
        else:
            state = "ghost" if left else "gone"
        if state == "ghost":
            needed = [one for one in [*deleting, *left] if one.kind != RESOLVE]
            settled = choice == "ghost" and all(any(self.saw(one)(at.at) for one in count) for at in needed)
            return (1 if settled else 2), deletions, decisions
        return {"live": 0, "gone": 3}[state], deletions, decisions

    def canonical(self):
        return Canonical(self).out


def node_id(hashed):
    """A UUID of version 8, made of a chain hash."""
    id = bytearray(hashed[:16])
    id[6], id[8] = id[6] & 0x0F | 0x80, id[8] & 0x3F | 0x80
    return bytes(id)


class Canonical:
    def __init__(self, state):
        self.state, self.out = state, b"verso graph state v1"
        ids = {node: node_id(entry.hash) for node, entry in state.nodes.items()}
        self.number(len(state.authors))
        for author in state.authors:
            self.out += author[0]
            self.number(author[1])
            self.number(max(number for by, number in state.entries if by == author))
        names = state.standing(state.of_kind(SET_NAME))
        self.values([(write.intent["text"], write) for write in names])
        tags = state.additions(TAG, UNTAG, state.tag_of)
        edges = state.additions(LINK, UNLINK, state.edge_of)
        for node in sorted(state.nodes, key=ids.get):
            self.out += ids[node]
            self.node(node, ids, tags, edges)
        traversals = sorted(state.of_kind(TRAVERSE), key=lambda entry: entry.stamp)
        self.number(len(traversals))
        for entry in traversals:
            source, target, trigger = state.edge_of(entry)
            self.out += ids[source] + ids[target]
            self.text(trigger)
            self.dots([entry])
        self.number(0)
        self.number(0)

    def node(self, node, ids, tags, edges):
        presence, deletions, decisions = self.state.presence(node)
        self.out += bytes([presence])
        self.dots([self.state.nodes[node]])
        for register in ("title", "url"):
            self.values(self.state.register(node, register))
        self.dots(deletions)
        for choice in CHOICES:
            self.dots([one for one in decisions if one.intent["choice"] == choice])
        own = sorted((tag, entries) for (of, tag), entries in tags.items() if of == node)
        self.number(len(own))
        for tag, entries in own:
            self.text(tag)
            self.dots(entries)
        own = sorted((ids[target], kind, entries) for (of, target, kind), entries in edges.items() if of == node)
        self.number(len(own))
        for target, kind, entries in own:
            self.out += target
            self.text(kind)
            self.dots(entries)

    def number(self, number):
        self.out += number.to_bytes(8, "little")

    def text(self, text):
        self.number(len(text.encode()))
        self.out += text.encode()

    def dot(self, entry):
        self.number(self.state.authors.index(entry.at[0]))
        self.number(entry.at[1])
        self.number(entry.clock)

    def dots(self, entries):
        self.number(len(entries))
        for entry in sorted(entries, key=lambda entry: entry.at):
            self.dot(entry)

    def values(self, values):
        self.number(len(values))
        for text, entry in values:
            self.text(text)
            self.dot(entry)


def digest(state):
    return blake3(state.canonical())

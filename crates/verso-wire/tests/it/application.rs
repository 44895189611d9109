//! An application of one's own: a list of words.

use verso_vv::{Author, AuthorTag, Dot, EntryHash, Incarnation, Seen, Seq};
use verso_wire::{Ancestor, Application, AppliedEntry, Content, Drafting, Drafts, EntryKind};

use crate::support::{NOW, Writer};

#[derive(Default)]
struct Words(Vec<(Dot, String)>);

#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("an empty word")]
struct EmptyWord;

impl Application for Words {
    type Intent = String;
    type Rejected = EmptyWord;

    fn encode(&self, intents: &[String], _: &Drafting<'_>, out: &mut Drafts) -> Result<(), EmptyWord> {
        for word in intents {
            if word.is_empty() {
                return Err(EmptyWord);
            }
            out.push(EntryKind(5), word.as_bytes());
        }
        Ok(())
    }

    fn apply(&mut self, entry: &AppliedEntry<'_>) {
        if let Ok(word) = str::from_utf8(entry.payload) {
            self.0.push((entry.dot, word.to_owned()));
        }
    }

    fn name(&self) -> Option<&str> {
        self.0.last().map(|(_, word)| word.as_str())
    }

    fn rename(name: &str) -> String {
        name.to_owned()
    }

    fn digest(&self) -> [u8; 32] {
        *blake3::hash(format!("{:?}", self.0).as_bytes()).as_bytes()
    }
}

#[test]
fn intents_become_entries_and_entries_state() {
    let writer = Writer::new(1);
    let seen = Seen::default();
    let tag = AuthorTag::of(&writer.author);
    let context = Drafting { author: writer.author, tag, next: Seq(1), seen: &seen, hlc_ms: NOW.millis() };
    let mut words = Words::default();
    let mut drafts = Drafts::new();
    let intents = ["one".to_owned(), Words::rename("two")];
    words.encode(&intents, &context, &mut drafts).unwrap();

    let mut builder = writer.builder();
    for (kind, payload) in drafts.iter() {
        builder.push(kind, NOW, payload).unwrap();
    }
    let unit = builder.seal(&writer.key).unwrap();
    for (entry, hash) in unit.entries().zip(unit.hashes()) {
        let Content::Full { kind, hlc, payload } = entry.content else { panic!("nothing was withheld") };
        let dot = Dot { author: unit.author(), seq: entry.seq };
        words.apply(&AppliedEntry { dot, tag, hash: *hash, kind, hlc, payload, ancestors: &[] });
    }
    assert_eq!(words.0.iter().map(|(dot, word)| (dot.seq.0, &word[..])).collect::<Vec<_>>(), [(1, "one"), (2, "two")]);
    assert_eq!(words.name(), Some("two"));
    assert_ne!(words.digest(), Words::default().digest());
    assert_eq!(words.encode(&[String::new()], &context, &mut drafts), Err(EmptyWord));
}

#[test]
fn drafts_lie_one_behind_another() {
    let mut drafts = Drafts::new();
    assert!(drafts.is_empty());
    drafts.push(EntryKind(1), b"one");
    drafts.push(EntryKind(2), b"");
    drafts.push_with(EntryKind(3), |out| out.extend_from_slice(b"three"));
    let expected: [(EntryKind, &[u8]); 3] = [(EntryKind(1), b"one"), (EntryKind(2), b""), (EntryKind(3), b"three")];
    assert_eq!(drafts.iter().collect::<Vec<_>>(), expected);
    assert_eq!((drafts.len(), drafts.iter().len()), (3, 3));
    drafts.clear();
    assert_eq!(drafts.iter().next(), None);
    drafts.push(EntryKind(4), b"four");
    assert_eq!(drafts.iter().collect::<Vec<_>>(), [(EntryKind(4), &b"four"[..])]);
}

#[test]
fn numbers_below_a_fork_are_the_trunks() {
    let device = Writer::new(1).key.id();
    let author = |incarnation| Author { device, incarnation: Incarnation(incarnation) };
    let (trunk, first, second) = (author(1), author(2), author(3));
    let ancestors = [Ancestor { author: trunk, until: Seq(10) }, Ancestor { author: first, until: Seq(20) }];
    let entry = AppliedEntry {
        dot: Dot { author: second, seq: Seq(25) },
        tag: AuthorTag::of(&trunk),
        hash: EntryHash([0; 32]),
        kind: EntryKind(1),
        hlc: NOW,
        payload: &[],
        ancestors: &ancestors,
    };
    for (seq, expected) in [(1, trunk), (9, trunk), (10, first), (19, first), (20, second), (25, second)] {
        assert_eq!(entry.author_at(Seq(seq)), expected, "{seq}");
    }
    assert_eq!(AppliedEntry { ancestors: &[], ..entry }.author_at(Seq(1)), second);
}

//! What decides about a node's presence, in a snapshot.

use super::{Mark, Marks, Presence, SeenVector, SeenVectors, Settled};
use crate::intent::Choice;
use crate::snapshot::{In, Out, Sizes};
use crate::table::Table;

impl Presence {
    pub(crate) const fn code(self) -> u8 {
        match self {
            Self::Live => 0,
            Self::Ghost(Settled::Yes) => 1,
            Self::Ghost(Settled::No) => 2,
            Self::Removed => 3,
        }
    }

    pub(crate) const fn of_code(code: u8) -> Option<Self> {
        Some(match code {
            0 => Self::Live,
            1 => Self::Ghost(Settled::Yes),
            2 => Self::Ghost(Settled::No),
            3 => Self::Removed,
            _ => return None,
        })
    }
}

impl Mark {
    fn save(self, out: &mut Out) {
        let Self { at, seen } = self;
        out.at(at);
        out.index(seen);
    }

    fn load(input: &mut In<'_>, sizes: Sizes) -> Option<Self> {
        Some(Self { at: sizes.at(input.number()?)?, seen: sizes.vector(input.number()?)? })
    }
}

impl Marks {
    pub(crate) fn save(&self, out: &mut Out) {
        let Self { deletions, decisions } = self;
        out.count(deletions.len());
        for mark in deletions {
            mark.save(out);
        }
        out.count(decisions.len());
        for (choice, mark) in decisions {
            out.raw(&[match choice {
                Choice::Delete => 0,
                Choice::Ghost => 1,
                Choice::Keep => 2,
            }]);
            mark.save(out);
        }
    }

    pub(crate) fn load(input: &mut In<'_>, sizes: Sizes) -> Option<Self> {
        let mut marks = Self::default();
        for _ in 0..input.count()? {
            marks.deletions.push(Mark::load(input, sizes)?);
        }
        for _ in 0..input.count()? {
            let choice = match input.byte()? {
                0 => Choice::Delete,
                1 => Choice::Ghost,
                2 => Choice::Keep,
                _ => return None,
            };
            marks.decisions.push((choice, Mark::load(input, sizes)?));
        }
        Some(marks)
    }
}

pub(crate) fn save_vectors(vectors: &SeenVectors, out: &mut Out) {
    out.column(|out| {
        for (_, SeenVector { names, users }) in vectors.iter() {
            out.count(names.len());
            for name in names {
                out.name(*name);
            }
            match users {
                None => out.raw(&[0]),
                Some(users) => {
                    out.raw(&[1]);
                    out.indices(users);
                }
            }
        }
    });
}

pub(crate) fn load_vectors(input: &mut In<'_>, sizes: Sizes) -> Option<SeenVectors> {
    let mut rows = input.column()?;
    let mut vectors = Table::default();
    for _ in 0..sizes.vectors {
        let names: Option<Box<[_]>> = (0..rows.count()?).map(|_| sizes.name(&mut rows)).collect();
        let names = names?;
        if !names.is_sorted() {
            return None;
        }
        let users = match rows.byte()? {
            0 => None,
            1 => {
                let users: Option<Vec<_>> = (0..rows.count()?).map(|_| sizes.node(rows.number()?)).collect();
                Some(users?)
            }
            _ => return None,
        };
        vectors.push(SeenVector { names, users });
    }
    In::end([rows])?;
    Some(vectors)
}

//! [`Edit`]: what two sides do to the same nodes while they are apart.

/// How many nodes both sides change, or all if there are fewer.
pub const MERGED: usize = 1_000;

/// What is done to the node of this number in a merge.
#[derive(Debug, Clone, Copy)]
pub enum Edit {
    /// It gets another title.
    Title,
    /// It gets a tag.
    Tag,
    /// It is deleted.
    Delete,
}

impl Edit {
    /// Five of ten are titles, four are tags, and one is a deletion, of different nodes on each side.
    pub const fn of(number: usize, who: Who) -> Self {
        match number % 10 {
            rest if rest == who.deletes() => Self::Delete,
            rest if rest < 5 => Self::Title,
            _ => Self::Tag,
        }
    }
}

/// The two sides of a merge.
#[derive(Debug, Clone, Copy)]
pub enum Who {
    /// The one that had everything first.
    One,
    /// The other.
    Two,
}

impl Who {
    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::One => "one",
            Self::Two => "two",
        }
    }

    /// The last digit of the nodes that it deletes.
    const fn deletes(self) -> usize {
        match self {
            Self::One => 2,
            Self::Two => 7,
        }
    }
}

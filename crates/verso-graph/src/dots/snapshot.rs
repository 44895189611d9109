//! A [`DotSet`] in a snapshot.

use super::DotSet;
use crate::snapshot::{In, Out, Sizes};

impl<T> DotSet<T> {
    pub(crate) fn save(&self, out: &mut Out, save_value: impl Fn(&mut Out, &T)) {
        let Self { live, hiding, gone } = self;
        out.count(live.len());
        for (at, value) in live {
            out.at(*at);
            save_value(out, value);
        }
        out.count(hiding.len());
        for (name, by) in hiding {
            out.name(*name);
            out.index(*by);
        }
        out.count(gone.len());
        for (at, by) in gone {
            out.at(*at);
            out.index(*by);
        }
    }

    pub(crate) fn load<'a>(
        input: &mut In<'a>,
        sizes: Sizes,
        load_value: impl Fn(&mut In<'a>) -> Option<T>,
    ) -> Option<Self> {
        let mut set = Self::default();
        for _ in 0..input.count()? {
            set.live.push((sizes.at(input.number()?)?, load_value(input)?));
        }
        for _ in 0..input.count()? {
            set.hiding.push((sizes.name(input)?, sizes.chain(input.number()?)?));
        }
        for _ in 0..input.count()? {
            set.gone.push((sizes.at(input.number()?)?, sizes.chain(input.number()?)?));
        }
        Some(set)
    }
}

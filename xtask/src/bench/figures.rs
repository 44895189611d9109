//! [`Figures`]: what was measured of whom, and its medians.

use std::collections::BTreeMap;

use anyhow::Context as _;

/// Figures by whose they are and of what, one a round.
#[derive(Debug, Default)]
pub(crate) struct Figures(BTreeMap<(String, String), Vec<f64>>);

impl Figures {
    /// Takes a line: a name and a figure, with a tab between them.
    pub(crate) fn add(&mut self, whose: &str, line: &str) -> anyhow::Result<()> {
        let (name, figure) = line.split_once('\t').with_context(|| format!("no figure: {line:?}"))?;
        let figure: f64 = figure.trim().parse().with_context(|| format!("no figure: {line:?}"))?;
        let figures = self.0.entry((whose.to_owned(), name.to_owned())).or_default();
        figures.push(figure);
        figures.sort_by(f64::total_cmp);
        Ok(())
    }

    /// Returns what was measured, `None` if nothing was.
    pub(crate) fn of(&self, whose: &str, name: &str) -> Option<Spread> {
        let figures = self.0.get(&(whose.to_owned(), name.to_owned()))?;
        let (least, most) = (*figures.first()?, *figures.last()?);
        Some(Spread { least, median: median(figures)?, most })
    }
}

/// The middle one of sorted figures, or the mean of the two in the middle.
fn median(sorted: &[f64]) -> Option<f64> {
    let middle = sorted.len() / 2;
    let above = *sorted.get(middle)?;
    if sorted.len() % 2 == 1 { Some(above) } else { Some(f64::midpoint(*sorted.get(middle - 1)?, above)) }
}

/// Figures of several rounds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Spread {
    pub(crate) least: f64,
    pub(crate) median: f64,
    pub(crate) most: f64,
}

impl Spread {
    /// Divides each by the same.
    pub(crate) fn per(self, amount: f64) -> Self {
        Self { least: self.least / amount, median: self.median / amount, most: self.most / amount }
    }

    /// Turns what so much took into how much was done in a unit of time.
    pub(crate) fn rate_of(self, amount: f64) -> Self {
        Self { least: amount / self.most, median: amount / self.median, most: amount / self.least }
    }
}

/// How a figure is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    Seconds,
    /// Something a second.
    Rate,
    Bytes,
    /// A few bytes, and parts of one.
    BytesEach,
}

impl Unit {
    /// Shows a figure with three digits, and what it is a figure of.
    pub(crate) fn show(self, figure: f64) -> String {
        let steps: &[(f64, &str)] = match self {
            Self::Seconds => &[(60.0, "min"), (1.0, "s"), (1e-3, "ms"), (1e-6, "µs")],
            Self::Rate => &[(1e6, "million/s"), (1.0, "/s")],
            Self::Bytes => &[(1e6, "MB"), (1e3, "kB"), (1.0, "B")],
            Self::BytesEach => &[(1.0, "")],
        };
        // A time of two minutes is better read in seconds.
        let fits = |(step, name): &&(f64, &str)| figure >= if *name == "min" { 5.0 * step } else { *step };
        let (step, name) = steps.iter().find(fits).or(steps.last()).copied().unwrap_or((1.0, ""));
        let number = digits(figure / step);
        if name.is_empty() || name.starts_with('/') { format!("{number}{name}") } else { format!("{number} {name}") }
    }
}

/// Writes a number with three digits that count, in groups of three.
pub(crate) fn digits(number: f64) -> String {
    let text = match number {
        number if number >= 99.95 => format!("{number:.0}"),
        number if number >= 9.995 => format!("{number:.1}"),
        number => format!("{number:.2}"),
    };
    let (whole, rest) = text.split_once('.').map_or((text.as_str(), None), |(whole, rest)| (whole, Some(rest)));
    let mut grouped = String::new();
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    rest.map_or(grouped.clone(), |rest| format!("{grouped}.{rest}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn medians_and_spreads_are_those_of_all_rounds() {
        let mut figures = Figures::default();
        for line in ["record\t3", "record\t1", "record\t2", "else\t9"] {
            figures.add("verso", line).unwrap();
        }
        let record = figures.of("verso", "record").unwrap();
        assert_eq!(record, Spread { least: 1.0, median: 2.0, most: 3.0 });
        assert_eq!(record.rate_of(6.0), Spread { least: 2.0, median: 3.0, most: 6.0 });
        figures.add("verso", "record\t8").unwrap();
        assert_eq!(figures.of("verso", "record").unwrap().median.to_bits(), 2.5_f64.to_bits());
        assert_eq!(figures.of("loro", "record"), None);
        assert!(figures.add("verso", "record 4").is_err(), "there is no tab");
        assert!(figures.add("verso", "record\tfour").is_err());
    }

    #[test]
    fn figures_have_three_digits_and_a_unit() {
        let shown = [
            (Unit::Seconds, 0.000_56, "560 µs"),
            (Unit::Seconds, 0.003_3, "3.30 ms"),
            (Unit::Seconds, 10.6, "10.6 s"),
            (Unit::Seconds, 89.9, "89.9 s"),
            (Unit::Seconds, 600.0, "10.0 min"),
            (Unit::Rate, 1_510_000.0, "1.51 million/s"),
            (Unit::Rate, 5_137.2, "5,137/s"),
            (Unit::Bytes, 237.0, "237 B"),
            (Unit::Bytes, 5_200_000.0, "5.20 MB"),
            (Unit::BytesEach, 3.714, "3.71"),
        ];
        for (unit, figure, text) in shown {
            assert_eq!(unit.show(figure), text);
        }
    }
}

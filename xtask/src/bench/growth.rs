//! [`Growth`]: what more work costs, and what it costs to have much.

use std::collections::BTreeMap;

use super::figures::{Figures, Unit, digits};
use super::plot::{Line, Plot};
use super::tables::table;

/// What is looked at: the name of a figure, what people call it, its unit, and with what it may grow.
const MEASURES: [(&str, &str, Unit, Grows); 9] = [
    ("record", "record all", Unit::Seconds, Grows::WithWork),
    ("cold sync", "cold sync", Unit::Seconds, Grows::WithWork),
    ("reopen", "reopen from a checkpoint", Unit::Seconds, Grows::WithWork),
    ("replay", "reopen with a replay", Unit::Seconds, Grows::WithWork),
    ("record peak", "recording", Unit::Bytes, Grows::InMemory),
    ("reopen peak", "reopening", Unit::Bytes, Grows::InMemory),
    ("cold sync peak", "cold sync, both devices", Unit::Bytes, Grows::InMemory),
    ("thousand", "1,000 edits against 1,000", Unit::Seconds, Grows::Not),
    ("one intent", "one intent there", Unit::Seconds, Grows::Not),
];

/// With what a figure may grow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Grows {
    /// In proportion to the work that is done.
    WithWork,
    /// In proportion to what is held, beside what the program takes anyway.
    InMemory,
    /// With what is new, which is always as much, and not with what is held.
    Not,
}

/// The plots: the file of each, what it shows, in which unit, and what of the measures.
const KINDS: [(&str, &str, Unit, Grows); 3] = [
    ("growth-time.svg", "Time of the whole work", Unit::Seconds, Grows::WithWork),
    ("growth-memory.svg", "Most memory of the process", Unit::Bytes, Grows::InMemory),
    ("growth-news.svg", "Time of news, by how much is held", Unit::Seconds, Grows::Not),
];

/// Medians by how many intents they are of.
#[derive(Debug)]
pub(crate) struct Growth {
    points: BTreeMap<&'static str, Vec<(f64, f64)>>,
}

impl Growth {
    /// Takes the figures of each share.
    pub(crate) fn new(of_shares: BTreeMap<usize, Figures>) -> Self {
        let mut points = BTreeMap::<&str, Vec<(f64, f64)>>::new();
        for figures in of_shares.into_values() {
            let Some(intents) = figures.of("verso", "intents") else { continue };
            for (measure, ..) in MEASURES {
                if let Some(figure) = figures.of("verso", measure) {
                    points.entry(measure).or_default().push((intents.median, figure.median));
                }
            }
        }
        Self { points }
    }

    /// A table of the medians, each with the exponent of its growth.
    pub(crate) fn to_markdown(&self) -> String {
        let columns = self.points.get("record").map(Vec::as_slice).unwrap_or_default();
        let columns: Vec<String> = columns.iter().map(|(intents, _)| format!("{} intents", digits(*intents))).collect();
        let mut header = vec!["measure"];
        header.extend(columns.iter().map(String::as_str));
        header.extend(["exponent", "of the last step"]);
        let row = |(measure, name, unit, grows): &(&str, &str, Unit, Grows)| {
            let points = self.points.get(measure)?;
            let what = match grows {
                Grows::WithWork => "",
                Grows::InMemory => ", most memory",
                Grows::Not => ", with so many held",
            };
            let last = points.get(points.len().saturating_sub(2)..).unwrap_or_default();
            let exponent = |points| exponent(points).map_or("–".to_owned(), |exponent| format!("{exponent:.2}"));
            let mut cells = vec![format!("{name}{what}")];
            cells.extend(points.iter().map(|(_, figure)| unit.show(*figure)));
            cells.extend([exponent(points), exponent(last)]);
            Some(cells)
        };
        let pictures = KINDS.map(|(file, title, ..)| format!("![{title}](pictures/{file})\n"));
        format!("{}\n{}", table(&header, MEASURES.iter().filter_map(row)), pictures.join("\n"))
    }

    /// A plot of each kind, with the name of its file.
    pub(crate) fn pictures(&self) -> Vec<(&'static str, String)> {
        let draw = |(file, title, unit, kind)| {
            let of_kind = MEASURES.iter().filter(|(.., grows)| *grows == kind);
            let line = |(measure, name, ..): &(&str, &str, Unit, Grows)| {
                Some(Line { name: (*name).to_owned(), points: self.points.get(measure)?.clone() })
            };
            let plot = Plot { title, across: "intents", unit, lines: of_kind.filter_map(line).collect() };
            (file, plot.to_svg())
        };
        KINDS.map(draw).into()
    }
}

/// The `e` for which `figure = c · intents^e` fits best: the slope of a straight line through the logarithms, by least squares. 1 is linear.
fn exponent(points: &[(f64, f64)]) -> Option<f64> {
    let logs: Vec<(f64, f64)> = points.iter().map(|(x, y)| (x.ln(), y.ln())).collect();
    let count = f64::from(u32::try_from(logs.len()).ok()?);
    let mean = |of: fn(&(f64, f64)) -> f64| logs.iter().map(of).sum::<f64>() / count;
    let (x, y) = (mean(|point| point.0), mean(|point| point.1));
    let spread: f64 = logs.iter().map(|point| (point.0 - x).powi(2)).sum();
    let slope = logs.iter().map(|point| (point.0 - x) * (point.1 - y)).sum::<f64>() / spread;
    slope.is_finite().then_some(slope)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exponents_are_those_of_the_curve() {
        for wanted in [0.0, 0.5, 1.0, 2.0] {
            let points: Vec<(f64, f64)> = [1e3, 1e4, 1e5, 1e6].map(|x: f64| (x, 3.0 * x.powf(wanted))).into();
            assert!((exponent(&points).unwrap() - wanted).abs() < 1e-9);
        }
        assert_eq!(exponent(&[(1e3, 1.0)]), None, "one point has no slope");
    }

    #[test]
    fn every_share_is_a_column_and_a_point() {
        let of = |intents: &str, record: &str| {
            let mut figures = Figures::default();
            figures.add("verso", &format!("intents\t{intents}")).unwrap();
            figures.add("verso", &format!("record\t{record}")).unwrap();
            figures
        };
        let growth = Growth::new([(1, of("1000", "0.01")), (10, of("10000", "0.1"))].into());
        let table = growth.to_markdown();
        assert!(
            table.starts_with("| measure | 1,000 intents | 10,000 intents | exponent | of the last step |\n"),
            "{table}"
        );
        assert!(table.contains("| record all | 10.0 ms | 100 ms | 1.00 | 1.00 |"), "{table}");
        let [(file, picture), ..] = &growth.pictures()[..] else { panic!("no pictures") };
        assert_eq!((*file, picture.matches("<circle").count()), ("growth-time.svg", 2));
    }
}

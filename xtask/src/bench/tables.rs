//! [`Report`]: the two tables, of all who hold the graph and of all who keep records.

use std::fmt::Write as _;
use std::time::Duration;

use super::Options;
use super::figures::{Figures, Spread, Unit, digits};
use super::machine::Machine;

/// Who holds the graph, in the order of the columns.
pub(crate) const CONTESTANTS: [&str; 5] = ["verso", "automerge", "loro", "yrs", "iroh-docs"];
/// Who keeps records.
const STORES: [&str; 7] = ["Verso", "Verso, units", "fjall", "redb", "SQLite", "file", "whole file"];

/// All that was measured, and how.
#[derive(Debug)]
pub(crate) struct Report<'a> {
    pub(crate) figures: &'a Figures,
    pub(crate) machine: &'a Machine,
    pub(crate) options: &'a Options,
    pub(crate) took: Duration,
}

/// What a figure is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Made {
    /// It is one.
    Plain,
    /// So much of it falls to one intent.
    Each,
    /// It is the time of all intents, and so many are done in a second.
    Rate,
    /// Both sides of it, and half falls to each.
    Half,
}

/// A row: what is measured, what Verso is to reach, and the names of the figures of Verso and of the others, if they have any.
struct Row {
    what: &'static str,
    goal: Option<f64>,
    unit: Unit,
    made: Made,
    verso: &'static str,
    others: Option<&'static str>,
}

const fn row(what: &'static str, goal: f64, (unit, made): (Unit, Made), [verso, others]: [&'static str; 2]) -> Row {
    Row { what, goal: Some(goal), unit, made, verso, others: Some(others) }
}

/// What Verso alone has, or has no goal.
const fn beside(what: &'static str, unit: Unit, made: Made, verso: &'static str, others: Option<&'static str>) -> Row {
    Row { what, goal: None, unit, made, verso, others }
}

/// The rows of the first table.
const ROWS: &[Row] = &[
    row("record all, durable at the end", 1.2e6, (Unit::Rate, Made::Rate), ["record", "record"]),
    beside(
        "the same, the others in transactions of 16,384 intents",
        Unit::Rate,
        Made::Rate,
        "record",
        Some("record long"),
    ),
    row("bytes at rest an intent, compacted", 5.5, (Unit::BytesEach, Made::Each), ["compacted", "at rest"]),
    beside("the same, as recorded", Unit::BytesEach, Made::Each, "at rest", Some("at rest")),
    row(
        "cold sync: bytes on the wire an intent",
        5.5,
        (Unit::BytesEach, Made::Each),
        ["cold sync bytes", "cold sync bytes"],
    ),
    row("cold sync, durable at the receiver", 0.5, (Unit::Seconds, Made::Plain), ["cold sync", "cold sync"]),
    row("reopen and a full pass, from a checkpoint", 0.15, (Unit::Seconds, Made::Plain), ["reopen", "reopen"]),
    row("the same without one", 0.5, (Unit::Seconds, Made::Plain), ["replay", "reopen"]),
    row("one intent there, p50 of 100", 0.7e-3, (Unit::Seconds, Made::Plain), ["one intent", "one intent"]),
    beside("of which the two disks alone", Unit::Seconds, Made::Plain, "one intent, disks", None),
    beside("of which QUIC alone, there and back", Unit::Seconds, Made::Plain, "one intent, network", None),
    row("bytes sent for one intent", 260.0, (Unit::Bytes, Made::Plain), ["one intent bytes", "one intent bytes"]),
    row("1,000 edits against 1,000", 20e-3, (Unit::Seconds, Made::Plain), ["thousand", "thousand"]),
    row("their bytes, both ways", 40e3, (Unit::Bytes, Made::Plain), ["thousand bytes", "thousand bytes"]),
    beside("no-op sync, dialling and handshakes included", Unit::Seconds, Made::Plain, "no-op", Some("no-op")),
    beside("of which handshakes: QUIC, TLS and Noise", Unit::Seconds, Made::Plain, "handshakes", None),
    row("no-op sync, behind the handshakes", 1e-3, (Unit::Seconds, Made::Plain), ["no-op behind", "no-op"]),
    row("no-op sync, bytes each way", 300.0, (Unit::Bytes, Made::Half), ["no-op bytes", "no-op bytes"]),
    row("most memory, recording", 130e6, (Unit::Bytes, Made::Plain), ["record peak", "record peak"]),
    row("most memory, reopening", 150e6, (Unit::Bytes, Made::Plain), ["reopen peak", "reopen peak"]),
    row("the same without a checkpoint", 150e6, (Unit::Bytes, Made::Plain), ["replay peak", "reopen peak"]),
];

/// The rows of the second table: what is measured, its unit, and what Verso is to reach; without a number, what fjall does.
const STORE_ROWS: [(&str, &str, Unit, Option<f64>); 5] = [
    ("1 a commit", "one a commit", Unit::Rate, None),
    ("100 a commit", "100 a commit", Unit::Rate, Some(400e3)),
    ("1,000 a commit", "1,000 a commit", Unit::Rate, Some(1.5e6)),
    ("open and scan", "open and scan all", Unit::Seconds, Some(0.045)),
    ("at rest", "bytes at rest a record", Unit::BytesEach, Some(10.0)),
];

impl Unit {
    /// Tells whether the first is at least as good as the second.
    fn is_reached(self, figure: f64, goal: f64) -> bool {
        if self == Self::Rate { figure >= goal } else { figure <= goal }
    }

    /// How many times as good the first is.
    fn advantage(self, figure: f64, other: f64) -> f64 {
        if self == Self::Rate { figure / other } else { other / figure }
    }
}

impl Report<'_> {
    /// The tables, with what has to be known to read them.
    pub(crate) fn to_markdown(&self) -> String {
        let Options { rounds, percent, docs_percent, nodes, .. } = self.options;
        let intents = |whose| self.figures.of(whose, "intents").map_or(0.0, |intents| intents.median);
        let mut text = format!("{}\n", self.machine.to_markdown());
        let graph = match std::env::var_os("VERSO_DATA") {
            Some(_) => "The work is the graph of a file".to_owned(),
            None => format!("The work is a made-up graph of {nodes} nodes"),
        };
        let of_it = if *percent == 100 { String::new() } else { format!(", {percent} % of it") };
        let mut write = |part: std::fmt::Arguments<'_>| text.write_fmt(part).unwrap_or_default();
        write(format_args!(
            "{graph}{of_it}: {} intents. Each figure is the median of {rounds} rounds by turns, with the least and the most; all took {}. ",
            digits(intents("verso")),
            super::duration(self.took)
        ));
        if self.options.peers {
            write(format_args!(
                "iroh-docs has {docs_percent} % of the work, {} intents, and what stands in its column is of these. The last column says how many \
                 times as good Verso is as the best of automerge, loro and yrs.",
                digits(intents("iroh-docs"))
            ));
        }
        write(format_args!("\n\n{}", self.contest()));
        if self.options.peers {
            write(format_args!("\n{}", self.stores()));
        }
        text
    }

    fn contest(&self) -> String {
        let others: &[&str] = if self.options.peers { CONTESTANTS.get(1..).unwrap_or_default() } else { &[] };
        let mut header = vec!["measure", "goal", "Verso"];
        header.extend(others);
        header.push("ratio");
        let row = |row: &Row| {
            let verso = self.figure("verso", row.verso, row.made);
            let of_others: Vec<Option<Spread>> =
                others.iter().map(|name| self.figure(name, row.others?, row.made)).collect();
            // iroh-docs, the last, has other work.
            let rivals = of_others.split_last().map_or(&[][..], |(_, rivals)| rivals);
            let mut cells = vec![row.what.to_owned(), goal(row.goal, row.unit, verso), cell(verso, row.unit)];
            cells.extend(of_others.iter().map(|figure| cell(*figure, row.unit)));
            cells.push(ratio(row.unit, verso, rivals.iter().copied()));
            cells
        };
        table(&header, ROWS.iter().map(row))
    }

    fn stores(&self) -> String {
        let bytes = self.figures.of("all", "bytes of a record").map_or(0.0, |bytes| bytes.median);
        let what = format!("durable append of records of {} bytes", digits(bytes));
        let mut header = vec![&what[..], "goal"];
        header.extend(STORES);
        header.push("ratio to the best store");
        let row = |(name, what, unit, number): &(&str, &str, Unit, Option<f64>)| {
            let of = |store: &str| self.figures.of(store, name);
            // At rest are units, which is what a replica keeps.
            let verso = of(if *name == "at rest" { "Verso, units" } else { "Verso" });
            let number = number.or(of("fjall").map(|fjall| fjall.median));
            let mut cells = vec![(*what).to_owned(), goal(number, *unit, verso)];
            cells.extend(STORES.iter().map(|store| cell(of(store), *unit)));
            cells.push(ratio(*unit, verso, ["fjall", "redb", "SQLite"].into_iter().map(of)));
            cells
        };
        table(&header, STORE_ROWS.iter().map(row))
    }

    fn figure(&self, whose: &str, name: &str, made: Made) -> Option<Spread> {
        let figure = self.figures.of(whose, name)?;
        let intents = self.figures.of(whose, "intents")?.median;
        Some(match made {
            Made::Plain => figure,
            Made::Each => figure.per(intents),
            Made::Rate => figure.rate_of(intents),
            Made::Half => figure.per(2.0),
        })
    }
}

/// What is to be reached, and whether it is.
fn goal(goal: Option<f64>, unit: Unit, verso: Option<Spread>) -> String {
    let Some(goal) = goal else { return "–".to_owned() };
    let sign = if unit == Unit::Rate { '≥' } else { '≤' };
    let is_reached = verso.is_some_and(|verso| unit.is_reached(verso.median, goal));
    format!("{sign} {}, {}", unit.show(goal), if is_reached { "reached" } else { "**not reached**" })
}

/// How many times as good Verso is as the best of others.
fn ratio(unit: Unit, verso: Option<Spread>, rivals: impl Iterator<Item = Option<Spread>>) -> String {
    let better = |one, other| if unit.is_reached(one, other) { one } else { other };
    let best = rivals.flatten().map(|spread| spread.median).reduce(better);
    verso.zip(best).map_or("–".to_owned(), |(verso, best)| digits(unit.advantage(verso.median, best)))
}

/// A table as Markdown has it.
pub(super) fn table(header: &[&str], rows: impl Iterator<Item = Vec<String>>) -> String {
    let mut lines = vec![format!("| {} |", header.join(" | ")), format!("|{}", " --- |".repeat(header.len()))];
    lines.extend(rows.map(|cells| format!("| {} |", cells.join(" | "))));
    lines.push(String::new());
    lines.join("\n")
}

/// The median, with the least and the most where they differ from it.
fn cell(figure: Option<Spread>, unit: Unit) -> String {
    let Some(Spread { least, median, most }) = figure else { return "–".to_owned() };
    let [least, median, most] = [least, median, most].map(|figure| unit.show(figure));
    if least == most { median } else { format!("{median} ({least} to {most})") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures() -> Figures {
        let mut figures = Figures::default();
        for (whose, line) in [
            ("verso", "intents\t1000000"),
            ("verso", "record\t0.5"),
            ("verso", "record\t0.4"),
            ("verso", "record\t1"),
            ("yrs", "intents\t1000000"),
            ("yrs", "record\t1"),
            ("loro", "intents\t1000000"),
            ("loro", "record\t4"),
            ("iroh-docs", "intents\t1000"),
            ("iroh-docs", "record\t0.000001"),
            ("verso", "no-op bytes\t700"),
            ("Verso", "1 a commit\t4000"),
            ("fjall", "1 a commit\t5000"),
            ("redb", "1 a commit\t2000"),
        ] {
            figures.add(whose, line).unwrap();
        }
        figures
    }

    #[test]
    fn a_row_says_what_was_reached_and_how_far_ahead_of_the_best() {
        let figures = figures();
        let machine = Machine::look(std::path::Path::new(".")).unwrap();
        let report = Report { figures: &figures, machine: &machine, options: &Options::SMOKE, took: Duration::ZERO };
        let text = report.to_markdown();
        let record = text.lines().find(|line| line.starts_with("| record all")).unwrap();
        assert_eq!(
            record,
            "| record all, durable at the end | ≥ 1.20 million/s, reached | 2.00 million/s (1.00 million/s to 2.50 million/s) | – | \
             250,000/s | 1.00 million/s | 1,000 million/s | 2.00 |"
        );
        let nothing = text.lines().find(|line| line.starts_with("| no-op sync, bytes")).unwrap();
        assert!(nothing.starts_with("| no-op sync, bytes each way | ≤ 300 B, **not reached** | 350 B |"), "{nothing}");
        let single = text.lines().find(|line| line.starts_with("| one a commit")).unwrap();
        assert!(single.starts_with("| one a commit | ≥ 5,000/s, **not reached** | 4,000/s |"), "{single}");
        assert!(single.ends_with(" 0.80 |"), "{single}");
    }
}

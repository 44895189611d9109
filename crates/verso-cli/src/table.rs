//! [`Table`]: columns for people, as wide as what stands in them.

use std::io::{self, Write};

use crate::output::Paint;

/// Rows under a heading, all of `N` columns. The first column is what a row is about.
#[derive(Debug)]
pub(crate) struct Table<const N: usize> {
    heading: [&'static str; N],
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    pub(crate) const fn new(heading: [&'static str; N]) -> Self {
        Self { heading, rows: Vec::new() }
    }

    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells);
    }

    pub(crate) fn write(&self, out: &mut dyn Write, paint: Paint) -> io::Result<()> {
        let mut widths = self.heading.map(|text| text.chars().count());
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(cell.chars().count());
            }
        }
        // What ends a line needs no blanks behind it.
        if let Some(last) = widths.last_mut() {
            *last = 0;
        }
        for (column, (text, width)) in self.heading.iter().zip(widths).enumerate() {
            write!(out, "{}{:<width$}", gap(column), paint.faint(text))?;
        }
        writeln!(out)?;
        for row in &self.rows {
            for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
                match column {
                    0 => write!(out, "{:<width$}", paint.strong(cell))?,
                    _ => write!(out, "{}{cell:<width$}", gap(column))?,
                }
            }
            writeln!(out)?;
        }
        Ok(())
    }
}

const fn gap(column: usize) -> &'static str {
    if column == 0 { "" } else { "  " }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let mut table = Table::new(["name", "n", "id"]);
        table.row(["a".to_owned(), "1,000".to_owned(), "x".to_owned()]);
        table.row(["größer".to_owned(), "2".to_owned(), "yy".to_owned()]);
        let mut out = Vec::new();
        table.write(&mut out, Paint::Plain).unwrap();
        let text = String::from_utf8(out).unwrap();
        let expected = "name    n      id\na       1,000  x\ngrößer  2      yy\n";
        assert_eq!(text, expected);
    }
}

//! [`Screen`]: lines that are drawn again in their place. Between two of them the cursor stands below, as after any output: whoever ends the
//! program at any moment finds the terminal as it should be.

use std::fmt::Write as _;

use console::truncate_str;

/// Rows and columns of a terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) rows: usize,
    pub(super) columns: usize,
}

/// What was drawn last, and where.
#[derive(Debug, Default)]
pub(super) struct Screen {
    lines: Vec<String>,
    size: Option<Size>,
}

impl Screen {
    /// What has to be written, and a line end behind it, so that these lines stand where the last ones did; `None` if they stand there already.
    pub(super) fn draw(&mut self, lines: &[String], size: Size) -> Option<String> {
        let lines = fit(lines, size);
        if self.lines == lines && self.size == Some(size) {
            return None;
        }
        let mut out = String::new();
        // A terminal of another width has broken the old lines where nobody knows.
        if self.size.is_some_and(|before| before != size) {
            out.push_str("\x1b[2J\x1b[H");
        } else if !self.lines.is_empty() {
            write!(out, "\r\x1b[{}A", self.lines.len()).unwrap_or_default();
        }
        // What stands there is written over, not cleared first: nothing flickers.
        out.push_str(&lines.join("\x1b[K\r\n"));
        out.push_str("\x1b[J");
        (self.lines, self.size) = (lines, Some(size));
        Some(out)
    }
}

/// As many of the lines as have room, and as much of each.
fn fit(lines: &[String], size: Size) -> Vec<String> {
    // The cursor needs a row, and a line that ends in the last column may take another.
    let room = size.rows.saturating_sub(1).max(1);
    let columns = size.columns.saturating_sub(1);
    let cut = |line: &String| truncate_str(line, columns, "…").into_owned();
    if lines.len() <= room {
        return lines.iter().map(cut).collect();
    }
    let kept = room.saturating_sub(1);
    let more = format!("… {} more lines, for which the window is too low", lines.len().saturating_sub(kept));
    lines.iter().take(kept).chain([&more]).map(cut).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SIZE: Size = Size { rows: 6, columns: 20 };

    fn text(lines: &[&str]) -> Vec<String> {
        lines.iter().map(|line| (*line).to_owned()).collect()
    }

    /// What a terminal shows.
    fn contents(written: &[String], size: Size) -> String {
        let (rows, columns) = (u16::try_from(size.rows).unwrap(), u16::try_from(size.columns).unwrap());
        let (rows, columns) = (rows.try_into().unwrap(), columns.try_into().unwrap());
        let mut terminal = vt100::Parser::new(rows, columns, 0);
        for text in written {
            terminal.process(format!("{text}\r\n").as_bytes());
        }
        terminal.screen().contents()
    }

    #[test]
    fn lines_take_the_place_of_those_before() {
        let mut screen = Screen::default();
        let mut written = vec!["$ verso".to_owned()];
        for lines in [&["one", "two", "three"][..], &["1"], &["eins", "zwei"]] {
            written.push(screen.draw(&text(lines), SIZE).unwrap());
            let expected = [&["$ verso"][..], lines].concat().join("\n");
            assert_eq!(contents(&written, SIZE), expected);
        }
        assert_eq!(screen.draw(&text(&["eins", "zwei"]), SIZE), None, "they stand there");
    }

    #[test]
    fn a_terminal_that_scrolls_keeps_the_lines_in_place() {
        let mut screen = Screen::default();
        let mut written = vec!["a\r\nb\r\nc\r\nd\r\ne".to_owned()];
        written.push(screen.draw(&text(&["1", "2", "3"]), SIZE).unwrap());
        assert_eq!(contents(&written, SIZE), "d\ne\n1\n2\n3");
        written.push(screen.draw(&text(&["x", "y", "z"]), SIZE).unwrap());
        assert_eq!(contents(&written, SIZE), "d\ne\nx\ny\nz");
    }

    #[test]
    fn what_has_no_room_is_cut_and_told() {
        let long = ["\x1b[32m", &"x".repeat(50), "\x1b[0m"].concat();
        let mut lines = text(&[&long]);
        assert_eq!(measured(&fit(&lines, SIZE)[0]), 19);
        lines.extend((0..9).map(|number| number.to_string()));
        let shown = contents(&[Screen::default().draw(&lines, SIZE).unwrap()], SIZE);
        let shown: Vec<&str> = shown.lines().collect();
        assert_eq!(shown.len(), 5);
        assert_eq!(shown[1..4], ["0", "1", "2"]);
        assert!(shown[4].starts_with("… 6 more lines"), "{shown:?}");
        // Not even then does anything break.
        fit(&lines, Size { rows: 0, columns: 0 });
    }

    fn measured(line: &str) -> usize {
        console::measure_text_width(line)
    }

    #[test]
    fn a_terminal_of_another_size_is_drawn_anew() {
        let mut screen = Screen::default();
        let first = screen.draw(&text(&["one"]), SIZE).unwrap();
        let wider = Size { columns: 40, ..SIZE };
        let second = screen.draw(&text(&["one"]), wider).unwrap();
        assert_eq!(contents(&[first, second], SIZE), "one");
    }
}

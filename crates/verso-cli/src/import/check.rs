//! The first pass: the whole file is checked before anything of it is written.

use std::collections::{HashMap, HashSet};

use verso_bookmarks::LeftOut;

use super::error::{Fault, ImportError};
use super::record::{Part, Record, content_error};
use super::records::{FileFormat, Records};
use super::source::Source;
use super::{Phase, Progress};

/// Where a link stands whose target no line so far has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    line: u64,
    link: usize,
}

/// Reads the whole file and finds the first thing that is wrong with it. Tells what of it will be left out.
pub(super) fn check(
    source: &Source,
    format: FileFormat,
    progress: &mut dyn FnMut(Progress),
) -> Result<LeftOut, ImportError> {
    if format == FileFormat::Lines {
        return check_lines(source, progress).map(|()| LeftOut::default());
    }
    let mut records = Records::of(source, format)?;
    let mut number = 0_u64;
    while records.next()?.is_some() {
        number = number.saturating_add(1);
        if Progress::is_due(number) {
            progress(Progress::new(Phase::Checking, source, &records));
        }
    }
    progress(Progress::new(Phase::Checking, source, &records));
    Ok(records.left_out())
}

/// Reads all lines.
///
/// It remembers ids and no lines. A link may name a later line; such targets are remembered, each once, until that line
/// comes.
fn check_lines(source: &Source, progress: &mut dyn FnMut(Progress)) -> Result<(), ImportError> {
    let mut ids: HashSet<u64> = HashSet::new();
    let mut awaited: HashMap<u64, Place> = HashMap::new();
    let mut lines = source.lines()?;
    while let Some(line) = lines.next()? {
        let record = Record::parse(line)?;
        record.check().map_err(|(part, fault)| content_error(line, part, fault))?;
        if !ids.insert(record.id) {
            return Err(content_error(line, Part::Id, Fault::DuplicateId(record.id)));
        }
        awaited.remove(&record.id);
        for (index, (target, _)) in record.links.iter().enumerate() {
            if !ids.contains(target) {
                awaited.entry(*target).or_insert(Place { line: line.number, link: index });
            }
        }
        if Progress::is_due(lines.number()) {
            progress(Progress::of_lines(Phase::Checking, source, &lines));
        }
    }
    progress(Progress::of_lines(Phase::Checking, source, &lines));
    match awaited.into_iter().min_by_key(|(_, place)| *place) {
        Some((target, place)) => Err(unknown_target(source, target, place)?),
        None => Ok(()),
    }
}

/// Makes the error about a link to nowhere. Its line is read again, since no line was kept.
fn unknown_target(source: &Source, target: u64, place: Place) -> Result<ImportError, ImportError> {
    let mut lines = source.lines()?;
    while let Some(line) = lines.next()? {
        if line.number == place.line {
            return Ok(content_error(line, Part::Link(place.link), Fault::UnknownTarget(target)));
        }
    }
    Err(ImportError::Changed)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks a file of this content and returns what it is told.
    fn check_bytes(bytes: &[u8]) -> Result<Vec<Progress>, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file.jsonl");
        std::fs::write(&path, bytes).unwrap();
        let mut told = Vec::new();
        Source::open(&path)
            .and_then(|source| check(&source, FileFormat::Lines, &mut |progress| told.push(progress)))
            .map_err(|error| error.to_string())?;
        Ok(told)
    }

    fn check_text(text: &str) -> Result<(), String> {
        check_bytes(text.as_bytes()).map(|_told| ())
    }

    fn many(count: u64) -> String {
        let line = |id| format!("{{\"id\":{id},\"title\":\"t{id}\",\"links\":[[{},\"next\"]]}}\n", (id + 1) % count);
        (0..count).map(line).collect::<Vec<_>>().concat()
    }

    #[test]
    fn files_in_order_pass() {
        assert_eq!(check_text(""), Ok(()));
        assert_eq!(check_text("\u{feff}{\"id\":0}\r\n\r\n{\"id\":1}"), Ok(()));
        assert_eq!(check_text(include_str!("../../assets/sample.jsonl")), Ok(()));
        assert_eq!(check_text(&many(3000)), Ok(()));
    }

    #[test]
    fn broken_json_on_line_40_000() {
        let mut lines: Vec<String> = many(50_000).lines().map(str::to_owned).collect();
        lines[39_999].pop();
        let text = lines.join("\n");
        let column = lines[39_999].chars().count();
        let told = check_text(&text).unwrap_err();
        assert!(told.starts_with(&format!("line 40000, column {column}: EOF")), "{told}");
        let compressed = zstd::encode_all(text.as_bytes(), 1).unwrap();
        assert_eq!(check_bytes(&compressed).unwrap_err(), told, "the same, compressed");
    }

    #[test]
    fn a_truncated_file_is_one_clear_error() {
        let compressed = zstd::encode_all(many(50_000).as_bytes(), 3).unwrap();
        let told = check_bytes(&compressed[..compressed.len() * 9 / 10]).unwrap_err();
        assert!(told.starts_with("it is cut short: its compressed data ends early, in line "), "{told}");
    }

    #[test]
    fn an_id_is_used_once() {
        let told = check_text("{\"id\":1}\n{\"id\":2}\n{\"title\":\"ä\",\"id\":1}\n").unwrap_err();
        assert_eq!(told, "line 3, column 19: the id 1 is that of an earlier line, too");
    }

    #[test]
    fn links_lead_somewhere() {
        assert_eq!(check_text("{\"id\":1,\"links\":[[2,\"\"],[1,\"self\"]]}\n{\"id\":2,\"links\":[[1,\"\"]]}"), Ok(()));
        let text = "{\"id\":1}\n{\"id\":2,\"links\":[[1,\"\"],[9,\"\"],[8,\"\"]]}\n{\"id\":3,\"links\":[[7,\"\"]]}\n";
        assert_eq!(check_text(text).unwrap_err(), "line 2, column 25: the link goes to 9, and no line has that id");
    }

    #[test]
    fn what_the_graph_would_refuse_is_found_before() {
        let told = check_text("{\"id\":1,\"tags\":[\"a\",\"\"]}").unwrap_err();
        assert_eq!(told, "line 1, column 21: a tag is empty");
        let told = check_text(&format!("{{\"id\":1,\"title\":\"{}\"}}", "x".repeat(20_000))).unwrap_err();
        assert_eq!(told, "line 1, column 17: the title has 20000 bytes, at most 16384 are allowed");
    }

    #[test]
    fn progress_is_told_now_and_then_and_at_the_end() {
        let text = many(3000);
        let told = check_bytes(text.as_bytes()).unwrap();
        assert_eq!(told.iter().map(|progress| progress.lines).collect::<Vec<_>>(), [1024, 2048, 3000]);
        let last = told.last().unwrap();
        assert_eq!((last.phase, last.read, last.of), (Phase::Checking, last.of, u64::try_from(text.len()).unwrap()));
    }
}

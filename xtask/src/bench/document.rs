//! Sections of a document that a program writes, between marks; everything else in it is people's.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, ensure};

/// Puts each section, by its name, between its marks.
pub(crate) fn replace(path: &Path, sections: &[(&str, String)]) -> anyhow::Result<()> {
    let mut text = fs::read_to_string(path).with_context(|| format!("can't read {}", path.display()))?;
    for (name, section) in sections {
        text = with_section(&text, name, section).with_context(|| format!("in {}", path.display()))?;
    }
    fs::write(path, text).with_context(|| format!("can't write {}", path.display()))
}

fn with_section(text: &str, name: &str, section: &str) -> anyhow::Result<String> {
    let (begin, end) = (format!("<!-- bench: {name} -->\n"), format!("<!-- end of bench: {name} -->"));
    let (before, rest) = text.split_once(&begin).with_context(|| format!("{begin:?} is missing"))?;
    let (_, after) = rest.split_once(&end).with_context(|| format!("{end:?} is missing behind it"))?;
    ensure!(!section.contains(&end), "the section has its own end in it");
    Ok(format!("{before}{begin}\n{}\n\n{end}{after}", section.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_lies_between_the_marks_is_written_anew() {
        let text = "# Title\n<!-- bench: a -->\nold\n<!-- end of bench: a -->\nprose\n";
        let new = with_section(text, "a", "\nnew\n").unwrap();
        assert_eq!(new, "# Title\n<!-- bench: a -->\n\nnew\n\n<!-- end of bench: a -->\nprose\n");
        assert_eq!(with_section(&new, "a", "new").unwrap(), new, "the same again changes nothing");
        assert!(with_section(text, "b", "new").is_err());
        assert!(with_section("<!-- bench: a -->\nold", "a", "new").is_err());
    }

    #[test]
    fn the_document_has_all_marks() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        let text = fs::read_to_string(root.join(super::super::DOCUMENT)).unwrap();
        for name in ["tables", "growth"] {
            assert!(with_section(&text, name, "").is_ok(), "{name}");
        }
    }
}

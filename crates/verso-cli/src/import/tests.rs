//! An import as a whole, of a file of bookmarks.

use super::*;
use crate::desk::Desk;

#[test]
fn an_import_of_bookmarks_that_was_killed_is_completed_by_another() {
    let html = include_str!("../../../verso-bookmarks/tests/browsers/firefox.html");
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("bookmarks.html");
    std::fs::write(&path, html).unwrap();
    let begin = || Import::check(&path, FileFormat::Auto, &mut |_progress| ()).unwrap();
    let finish = |desk: &mut Desk| {
        let mut import = begin();
        while let Some(batch) = import.next_batch(&desk.graph).unwrap() {
            desk.commit(&batch);
        }
        (import.counts().intents, import.counts().skipped)
    };
    let mut whole = Desk::new(1);
    let (intents, skipped) = finish(&mut whole);
    assert_eq!((whole.graph.counts().nodes, intents, skipped), (12, 24, 0));
    for batches in 1..=3 {
        let mut desk = Desk::new(1);
        let mut killed = begin();
        let mut done = 0;
        for number in 1..=batches {
            let mut batch = killed.next_batch(&desk.graph).unwrap().unwrap();
            if number == batches {
                batch.truncate(batch.len() / 2);
            }
            done += u64::try_from(batch.len()).unwrap();
            desk.commit(&batch);
        }
        assert_eq!(finish(&mut desk), (24 - done, done), "killed in batch {batches}");
        assert_eq!(desk.graph.counts(), whole.graph.counts());
    }
}

//! What people wrote is in no file in the clear.

use crate::device::{Device, pair, sync};

#[test]
fn no_file_tells_titles_urls_tags_names_or_ids() {
    let desk = Device::new("Desk-of-Ada");
    let lap = Device::new("Laptop-of-Ada");
    desk.ok(&["workspace", "new", "Garden-of-Ada"]);
    desk.ok(&["node", "add", "https://secret.example/path", "--title", "Remarkable-title", "--tag", "peculiar-tag"]);
    desk.ok(&["node", "add", "u:b", "--title", "Second-title"]);
    desk.ok(&["edge", "add", "Remarkable-title", "Second-title", "--kind", "curious-kind"]);
    pair(&desk, &lap);
    // Between pairing and the first contact much lies in the state that is gone later.
    let ids = [&desk, &lap].map(|device| device.json(&["id"])["device"].as_str().unwrap().to_owned());
    let mut texts: Vec<String> = [
        "Desk-of-Ada",
        "Laptop-of-Ada",
        "Garden-of-Ada",
        "secret.example",
        "Remarkable-title",
        "peculiar-tag",
        "Second-title",
        "curious-kind",
        "127.0.0.1",
        "tea and cake",
    ]
    .map(str::to_owned)
    .to_vec();
    texts.extend(ids.clone());
    search(&[&desk, &lap], &texts, &ids);
    sync(&desk, &lap);
    lap.ok(&["node", "title", "Second-title", "Third-title"]);
    texts.push("Third-title".to_owned());
    search(&[&desk, &lap], &texts, &ids);
}

/// Looks for texts, and for the bytes that ids stand for, in every file and in every file's name.
fn search(devices: &[&Device], texts: &[String], ids: &[String]) {
    let mut needles: Vec<(&str, Vec<u8>)> =
        texts.iter().map(|text| (text.as_str(), text.as_bytes().to_vec())).collect();
    needles.extend(ids.iter().map(|id| (id.as_str(), data_encoding::HEXLOWER.decode(id.as_bytes()).unwrap())));
    for device in devices {
        let files = device.files();
        assert!(files.len() >= 5, "key, config, lock, journals, state");
        for (name, bytes) in files {
            for (text, needle) in &needles {
                assert!(!name.contains(text), "{text} is in the name {name}");
                let found = bytes.windows(needle.len()).any(|window| window == needle);
                assert!(!found, "{text} is in {name}");
            }
        }
    }
}

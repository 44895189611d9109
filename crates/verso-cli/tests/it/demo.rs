//! `demo`: what a newcomer sees first.

use serde_json::{Value, json};

use crate::device::{document, failed, keys, program, succeeded};

#[test]
fn it_proves_what_it_says() {
    // Whatever the environment says, it is not asked.
    let output = program(&["demo", "--json"])
        .env("VERSO_DATA_DIR", "/nowhere")
        .env("VERSO_NETWORK", "nonsense")
        .env("VERSO_KEYSTORE", "nonsense")
        .env("VERSO_PASSPHRASE", "")
        .env_remove("HOME")
        .output()
        .unwrap();
    let told = document(&succeeded(&["demo"], &output));
    let fields = "conflicts devices digest equal export_bytes import pairing_ms syncs";
    assert_eq!(keys(&told), fields.split(' ').collect::<Vec<_>>());
    assert_eq!(told["equal"], true);
    assert_eq!(told["import"]["nodes"], 71);
    assert!(told["import"]["bytes_at_rest"].as_u64().unwrap() > 1_000);
    let entries: Vec<&Value> = told["syncs"].as_array().unwrap().iter().map(|sync| &sync["entries"]).collect();
    assert!(entries[0].as_u64().unwrap() >= 427, "{told}");
    assert_eq!(*entries[1], 6, "three changes on each device");
    let mut kinds: Vec<&Value> = told["conflicts"].as_array().unwrap().iter().map(|one| &one["kind"]).collect();
    kinds.sort_by_key(ToString::to_string);
    assert_eq!(kinds, ["deletion", "title"]);
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn it_tells_a_story() {
    let temporary = tempfile::tempdir().unwrap();
    let output = program(&["demo"]).env("TMPDIR", temporary.path()).output().unwrap();
    let text = succeeded(&["demo"], &output);
    for words in ["two devices on this machine", "verso://pair/", "is kept beside it", "ghost", "equal", "none found"] {
        assert!(text.contains(words), "{words}: {text}");
    }
    assert!(!text.contains("DIFFERENT") && !text.contains('\u{1b}'), "{text}");
    let left: Vec<_> = std::fs::read_dir(temporary.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn it_takes_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("graph.jsonl");
    std::fs::write(&file, crate::import::lines(50)).unwrap();
    let words = ["demo", "--json", "--import", file.to_str().unwrap()];
    let told = document(&succeeded(&words, &program(&words).output().unwrap()));
    assert_eq!((&told["import"]["intents"], &told["equal"]), (&json!(150), &json!(true)));

    std::fs::write(&file, "{\"id\":1,\"title\":\"alone\"}").unwrap();
    let alone = failed(&words, &program(&words).output().unwrap());
    assert_eq!(alone.code, 1, "{alone:?}");
    std::fs::write(&file, "{").unwrap();
    let broken = failed(&words, &program(&words).output().unwrap());
    assert!(broken.why.contains("line 1"), "{broken:?}");
}

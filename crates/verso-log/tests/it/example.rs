//! The example does what it says: it ends with an error if not.

#[path = "../../examples/diary.rs"]
mod diary;

#[test]
fn it_does_what_it_says() {
    diary::main().unwrap();
}

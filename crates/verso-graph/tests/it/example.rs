//! The example does what it says: it ends with an error if not.

#[path = "../../examples/two_readers.rs"]
mod two_readers;

#[test]
fn it_does_what_it_says() {
    two_readers::main().unwrap();
}

//! The example does what it says: it ends with an error if not.

#[path = "../../examples/shelf.rs"]
mod shelf;

#[test]
fn it_does_what_it_says() {
    shelf::main().unwrap();
}

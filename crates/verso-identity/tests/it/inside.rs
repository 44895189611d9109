//! A test's body inside a session of its own.

use std::env;
use std::process::Output;

use crate::secret_service::{Kernel, Keychain, Seat};

/// Tells a test that it runs inside the session it asked for.
const INSIDE: &str = "TEST_INSIDE_SESSION";

/// Runs a test's body inside a session: the test program starts itself once more there, for this one test.
pub(crate) fn inside(test: &str, keychain: Keychain, kernel: Kernel, body: impl FnOnce()) {
    if env::var_os(INSIDE).is_some() {
        return body();
    }
    let seat = Seat::new();
    let mut command = seat.command(keychain, kernel, &env::current_exe().unwrap());
    let output = command.args(["--exact", test, "--nocapture"]).env(INSIDE, test).output().unwrap();
    let shown = |output: &Output| {
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
    };
    assert!(output.status.success(), "{}", shown(&output));
    assert!(shown(&output).contains("1 passed"), "no such test: {}", shown(&output));
}

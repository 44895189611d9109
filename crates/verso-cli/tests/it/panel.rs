//! The window of `verso panel`, as it is on a screen: a display that nobody sees.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::device::{Device, Running};

/// How long anything on a screen may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_secs(90);

/// A display that nobody sees.
struct Display {
    server: Child,
    name: String,
}

impl Display {
    fn open() -> Self {
        // It chooses a free number itself, and says it when it takes connections.
        let screen = ["-displayfd", "1", "-screen", "0", "1040x760x24", "-nolisten", "tcp"];
        let mut server =
            Command::new("Xvfb").args(screen).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut number).unwrap();
        Self { server, name: format!(":{}", number.trim()) }
    }

    /// What is on the screen, as a picture in grey. Kept as a file if a folder for it is named.
    fn look(&self, name: &str) -> (usize, usize, Vec<u8>) {
        let grey = Command::new("import")
            .args(["-silent", "-window", "root", "-depth", "8", "gray:-"])
            .env("DISPLAY", &self.name)
            .output()
            .unwrap();
        if let Some(folder) = env::var_os("VERSO_PICTURES") {
            let file = PathBuf::from(folder).join(format!("{name}.png"));
            let mut taking = Command::new("import");
            taking.args(["-silent", "-window", "root"]).arg(file).env("DISPLAY", &self.name);
            assert!(taking.status().unwrap().success());
        }
        (1040, 760, grey.stdout)
    }

    /// Waits until the window is there and has the keyboard. There is no window manager to give it.
    fn wait_for_window(&self) {
        wait("a window", || {
            let found = Command::new("xdotool")
                .args(["search", "--onlyvisible", "--name", "^Verso$", "windowfocus", "--sync"])
                .env("DISPLAY", &self.name)
                .output()
                .unwrap();
            found.status.success().then_some(())
        });
        // That the window has the keyboard is an event, which it takes in when it comes to it; nobody else hears of that.
        std::thread::sleep(Duration::from_secs(2));
        // What is drawn is more than one colour.
        wait("a picture", || {
            let (_, _, grey) = self.look("first");
            let first = *grey.first()?;
            grey.iter().any(|pixel| pixel.abs_diff(first) > 40).then_some(())
        });
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

/// Looks again and again until it is so.
fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn open(device: &Device, display: &Display) -> Running {
    let mut command = device.command(&["panel", "-v"]);
    command.env("DISPLAY", &display.name).env_remove("WAYLAND_DISPLAY").env("LIBGL_ALWAYS_SOFTWARE", "1");
    let running = Running::start(&mut command);
    display.wait_for_window();
    running
}

fn close(running: Running) {
    running.signal("TERM");
    let output = running.end();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn the_window_opens_draws_and_has_the_worker_behind_it() {
    let (desk, display) = (Device::new("desk"), Display::open());
    desk.ok(&["workspace", "new", "garden"]);
    let running = open(&desk, &display);
    // Other commands are carried out in it, as in `up`.
    desk.ok(&["node", "add", "u:a", "--title", "A"]);
    assert_eq!(desk.json(&["status"])["indicator"], "offline");
    close(running);
    assert_eq!(desk.json(&["workspace", "list"])["workspaces"][0]["nodes"], 1);
}

#[test]
fn without_a_screen_it_says_so() {
    let desk = Device::new("desk");
    let mut command = desk.command(&["panel", "--json"]);
    command.env_remove("DISPLAY").env_remove("WAYLAND_DISPLAY").env("XDG_RUNTIME_DIR", "/nonexistent");
    let failure = crate::device::failed(&["panel"], &command.output().unwrap());
    assert_eq!((failure.code, failure.what.as_str()), (1, "can't open a window"), "{failure:?}");
}

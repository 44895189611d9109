//! [`Display`]: a screen that nobody sees, with one window on it, a keyboard, and somebody who looks.

use std::env;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::device::{Device, Running};

/// How long anything on a screen may take, on a machine that does much else.
const PATIENCE: Duration = Duration::from_mins(2);

const WIDTH: usize = 1040;
const HEIGHT: usize = 760;
/// Left of this the panel has its ways to the pages, and what stands before the panel has nothing.
const SIDE: usize = 200;

/// A display that nobody sees.
pub(super) struct Display {
    server: Child,
    name: String,
}

/// What is on a screen, a row after the other, each pixel's grey.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Picture(Vec<u8>);

impl Display {
    pub(super) fn open() -> Self {
        // It chooses a free number itself, and says it when it takes connections.
        let screen = ["-displayfd", "1", "-screen", "0", "1040x760x24", "-nolisten", "tcp"];
        let mut server =
            Command::new("Xvfb").args(screen).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        let mut number = String::new();
        BufReader::new(server.stdout.as_mut().unwrap()).read_line(&mut number).unwrap();
        Self { server, name: format!(":{}", number.trim()) }
    }

    /// Starts `verso panel` for a device, and waits for its window. There is no window manager to give that the keyboard.
    pub(super) fn start(&self, mut command: Command) -> Running {
        command.env("DISPLAY", &self.name).env_remove("WAYLAND_DISPLAY").env("LIBGL_ALWAYS_SOFTWARE", "1");
        let running = Running::start(&mut command);
        let window = wait("a window", || self.told("xdotool", &["search", "--onlyvisible", "--name", "^Verso$"]));
        wait("the keyboard at the window", || {
            self.told("xdotool", &["windowfocus", &window]);
            self.told("xdotool", &["getwindowfocus"]).filter(|focused| *focused == window)
        });
        wait("a picture", || self.look().is_drawn().then_some(()));
        running
    }

    /// Presses keys, by the names that `xdotool` knows, one after the other.
    pub(super) fn press(&self, keys: &[&str]) {
        let words = [&["key", "--delay", "40"][..], keys].concat();
        assert!(self.tool("xdotool", &words).status().unwrap().success());
    }

    /// Goes to the control that Tab reaches at this number, from the first on, and presses it.
    pub(super) fn press_control(&self, number: usize) {
        self.go_to_control(number);
        self.see(|| self.press(&["Return"]));
    }

    /// Goes to the control that Tab reaches at this number.
    pub(super) fn go_to_control(&self, number: usize) {
        // Escape lets go of the one that has the keyboard.
        self.press(&["Escape"]);
        // Of several in one frame only one would count, so each is seen before the next.
        for _ in 0..number {
            self.see(|| self.press(&["Tab"]));
        }
    }

    /// Does something that is seen, and waits until the screen rests again.
    pub(super) fn see(&self, work: impl FnOnce()) {
        let before = self.look();
        work();
        wait("something on the screen", || (self.look() != before).then_some(()));
        self.rest();
    }

    /// Waits until nothing moves on the screen.
    fn rest(&self) {
        let mut before = self.look();
        wait("a screen that rests", || {
            let now = self.look();
            let rests = now == before;
            before = now;
            rests.then_some(())
        });
    }

    /// Types text.
    pub(super) fn write(&self, text: &str) {
        assert!(self.tool("xdotool", &["type", "--delay", "15", text]).status().unwrap().success());
    }

    /// What is on the screen.
    pub(super) fn look(&self) -> Picture {
        let taken = self.tool("import", &["-silent", "-window", "root", "-depth", "8", "gray:-"]).output().unwrap();
        assert_eq!(taken.stdout.len(), WIDTH * HEIGHT, "{}", String::from_utf8_lossy(&taken.stderr));
        Picture(taken.stdout)
    }

    /// Waits until the panel is shown, or what stands before it.
    pub(super) fn wait_for(&self, what: &str, is_it: impl Fn(&Picture) -> bool) {
        wait(what, || is_it(&self.look()).then_some(()));
    }

    /// Waits until the screen rests, and keeps what is on it as a file.
    pub(super) fn keep(&self, file: &Path) {
        self.rest();
        let taken = self.tool("import", &["-silent", "-window", "root", file.to_str().unwrap()]).status();
        assert!(taken.unwrap().success());
    }

    /// The first line that a tool prints, if it succeeds.
    fn told(&self, name: &str, words: &[&str]) -> Option<String> {
        let output = self.tool(name, words).output().unwrap();
        output
            .status
            .success()
            .then(|| String::from_utf8(output.stdout).unwrap().lines().next().unwrap_or_default().to_owned())
    }

    fn tool(&self, name: &str, words: &[&str]) -> Command {
        let mut command = Command::new(name);
        command.args(words).env("DISPLAY", &self.name);
        command
    }
}

impl Drop for Display {
    fn drop(&mut self) {
        drop(self.server.kill());
        drop(self.server.wait());
    }
}

impl Picture {
    /// More than one colour.
    fn is_drawn(&self) -> bool {
        self.0.iter().any(|pixel| pixel.abs_diff(self.0[0]) > 40)
    }

    /// The panel, by the ways to its pages at the side.
    pub(super) fn is_panel(&self) -> bool {
        let is_side = |at: &usize| at % WIDTH < SIDE;
        let mut side = (0..self.0.len()).filter(is_side).map(|at| self.0[at]);
        side.any(|pixel| pixel.abs_diff(self.0[0]) > 40)
    }

    /// What stands before the panel.
    pub(super) fn is_gate(&self) -> bool {
        self.is_drawn() && !self.is_panel()
    }

    /// How many rows have something on them.
    pub(super) fn drawn_rows(&self) -> usize {
        self.0.chunks(WIDTH).filter(|row| row.iter().any(|pixel| pixel.abs_diff(row[0]) > 4)).count()
    }

    /// What the QR code on the screen says, if there is one.
    pub(super) fn qr(&self) -> Option<String> {
        let mut image = rqrr::PreparedImage::prepare_from_greyscale(WIDTH, HEIGHT, |x, y| self.0[y * WIDTH + x]);
        image.detect_grids().iter().find_map(|grid| Some(grid.decode().ok()?.1))
    }
}

/// Looks again and again until it is so.
pub(super) fn wait<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let until = Instant::now() + PATIENCE;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < until, "{what} did not come");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Where pictures are kept, if they are.
pub(super) fn album() -> Option<PathBuf> {
    env::var_os("VERSO_PICTURES").map(PathBuf::from)
}

/// `verso panel` for a device.
pub(super) fn panel(device: &Device) -> Command {
    device.command(&["panel", "-v"])
}

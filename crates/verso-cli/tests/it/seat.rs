//! [`Seat`]: somebody at a terminal, at which the program asks.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use rustix::fs::OFlags;
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{LocalModes, Winsize, tcgetattr, tcsetwinsize};

use crate::device::Running;
use crate::machine::Machine;

/// How long the program may take to say something.
const PATIENCE: Duration = Duration::from_secs(25);
const POLL: Duration = Duration::from_millis(20);

/// A command whose questions come to a terminal, and its documents to a pipe.
pub(crate) struct Seat {
    pub(crate) running: Running,
    keyboard: File,
    pub(crate) screen: Arc<Mutex<String>>,
}

impl Seat {
    /// Starts a command at a terminal of the machine.
    pub(crate) fn start(machine: &Machine, words: &[&str]) -> Self {
        Self::spawn(machine.command(words), Stdio::piped(), |mut command| {
            machine.host.spawn(move || command.spawn().unwrap()).join().unwrap()
        })
    }

    /// Starts a command all of whose streams are a terminal.
    pub(crate) fn alone(command: Command, rows: u16, columns: u16) -> Self {
        let seat = Self::spawn(command, None, |mut command| command.spawn().unwrap());
        let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
        tcsetwinsize(&seat.keyboard, size).unwrap();
        seat
    }

    /// Documents go to the terminal, too, unless they have a place of their own.
    fn spawn(mut command: Command, documents: impl Into<Option<Stdio>>, spawn: impl FnOnce(Command) -> Child) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let no_control = i32::try_from(OFlags::NOCTTY.bits()).unwrap();
        let path = std::ffi::OsStr::from_bytes(name.as_bytes());
        let terminal = OpenOptions::new().read(true).write(true).custom_flags(no_control).open(path).unwrap();
        let documents = documents.into().unwrap_or_else(|| terminal.try_clone().unwrap().into());
        command.env("TERM", "xterm").stdin(terminal.try_clone().unwrap()).stdout(documents).stderr(terminal);
        let child = spawn(command);
        let (keyboard, screen) = (File::from(keyboard), Arc::new(Mutex::new(String::new())));
        let (mut reader, shown) = (keyboard.try_clone().unwrap(), Arc::clone(&screen));
        std::thread::spawn(move || {
            let mut buffer = [0; 4_096];
            // The terminal ends with the last process that has it.
            while let Ok(len @ 1..) = reader.read(&mut buffer) {
                shown.lock().unwrap().push_str(&String::from_utf8_lossy(&buffer[..len]));
            }
        });
        Self { running: Running::of(child), keyboard, screen }
    }

    /// All that was written to the terminal so far.
    pub(crate) fn written(&self) -> String {
        self.screen.lock().unwrap().clone()
    }

    /// Waits until what was written comes to this on a screen.
    pub(crate) fn shows(&self, rows: u16, columns: u16, is_it: impl Fn(&vt100::Screen) -> bool) {
        let begun = Instant::now();
        loop {
            let mut terminal = vt100::Parser::new(rows.try_into().unwrap(), columns.try_into().unwrap(), 0);
            terminal.process(self.written().as_bytes());
            if is_it(terminal.screen()) {
                return;
            }
            assert!(begun.elapsed() < PATIENCE, "the screen shows:\n{}", terminal.screen().contents());
            std::thread::sleep(POLL);
        }
    }

    /// Waits until this stands on the screen, and returns all that comes behind it so far.
    pub(crate) fn wait(&self, text: &str) -> String {
        let begun = Instant::now();
        loop {
            let screen = self.screen.lock().unwrap().clone();
            if let Some((_, behind)) = screen.split_once(text) {
                return behind.to_owned();
            }
            assert!(begun.elapsed() < PATIENCE, "`{text}` is not on the screen:\n{screen}");
            std::thread::sleep(POLL);
        }
    }

    /// Waits until what is typed is not shown. What comes before that is thrown away with all else that nobody has read.
    pub(crate) fn wait_until_hidden(&self) {
        let begun = Instant::now();
        while tcgetattr(&self.keyboard).unwrap().local_modes.contains(LocalModes::ECHO) {
            assert!(begun.elapsed() < PATIENCE, "what is typed is shown:\n{}", self.written());
            std::thread::sleep(POLL);
        }
    }

    /// The code that this screen shows.
    pub(crate) fn code(&self) -> String {
        const BEFORE: &str = "this screen  ";
        self.wait("The code on the other screen");
        self.wait(BEFORE).get(..7).unwrap().to_owned()
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }
}

//! A device's process, as whoever started it sees it.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

pub(crate) type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How long an answer is waited for: much longer than any takes.
const PATIENCE: Duration = Duration::from_mins(2);

/// A running process, which is killed when this is dropped.
pub(crate) struct Process {
    child: Child,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Process {
    /// Starts a process that speaks as a device does, and waits for its first line.
    pub(crate) fn start(mut command: Command) -> Result<(Self, String), Failure> {
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let (input, output) = (child.stdin.take().ok_or("no input")?, child.stdout.take().ok_or("no output")?);
        let (sender, lines) = mpsc::channel();
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                if sender.send(line).is_err() {
                    return;
                }
            }
        });
        let process = Self { child, input, lines };
        let first = process.answer()?;
        Ok((process, first))
    }

    /// Returns the number of the process.
    #[allow(dead_code, reason = "of those who share this only some look behind it")]
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    fn answer(&self) -> Result<String, Failure> {
        self.lines.recv_timeout(PATIENCE).map_err(|_none| "a device does not answer".into())
    }

    /// Gives an order. Its answer may be waited for.
    pub(crate) fn order(&mut self, order: &str) -> Result<(), Failure> {
        Ok(writeln!(self.input, "{order}")?)
    }

    /// Gives an order and waits for the answer.
    pub(crate) fn ask(&mut self, order: &str) -> Result<String, Failure> {
        self.order(order)?;
        self.answer()
    }

    /// Waits for the answer to an order that was given before.
    #[allow(dead_code, reason = "of those who share this only some give orders ahead")]
    pub(crate) fn wait(&self) -> Result<String, Failure> {
        self.answer()
    }

    /// Ends it without a word.
    #[allow(dead_code, reason = "of those who share this only some end it so")]
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }

    /// Sends it a signal by name.
    #[allow(dead_code, reason = "of those who share this only some let it sleep")]
    pub(crate) fn signal(&self, signal: &str) -> Result<(), Failure> {
        let sent = Command::new("kill").args([&format!("-{signal}"), &self.child.id().to_string()]).status()?;
        if sent.success() { Ok(()) } else { Err("a signal can't be sent".into()) }
    }

    /// Tells its resident memory in KiB, its open files, and its threads.
    #[allow(dead_code, reason = "of those who share this only some measure it")]
    pub(crate) fn resources(&self) -> Result<Resources, Failure> {
        let directory = format!("/proc/{}", self.child.id());
        let status = fs::read_to_string(format!("{directory}/status"))?;
        let field = |name: &str| {
            let value = status.lines().find_map(|line| line.strip_prefix(name))?;
            value.split_whitespace().next()?.parse().ok()
        };
        let files = fs::read_dir(format!("{directory}/fd"))?.count();
        Ok(Resources {
            memory_kib: field("VmRSS:").ok_or("no memory is told")?,
            threads: field("Threads:").ok_or("no threads are told")?,
            files: u64::try_from(files)?,
        })
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().unwrap_or_default();
        self.child.wait().map(|_status| ()).unwrap_or_default();
    }
}

/// What a process holds.
#[allow(dead_code, reason = "of those who share this only some measure it")]
#[derive(Debug, Clone, Copy)]
pub(crate) struct Resources {
    pub(crate) memory_kib: u64,
    pub(crate) threads: u64,
    pub(crate) files: u64,
}

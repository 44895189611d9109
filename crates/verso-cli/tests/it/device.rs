//! [`Device`]: a data directory of its own, and the program run on it.

use std::fs;
use std::io::{BufRead as _, BufReader, Lines, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) const PASSPHRASE: &str = "tea and cake";

/// A device of a test.
pub(crate) struct Device {
    folder: TempDir,
    dir: PathBuf,
}

/// What a failure told a script.
#[derive(Debug)]
pub(crate) struct Failure {
    pub(crate) code: i32,
    pub(crate) what: String,
    pub(crate) why: String,
    pub(crate) hint: String,
    /// What was printed nevertheless.
    pub(crate) stdout: String,
}

/// A command that is still running. It ends with the test, however that ends.
pub(crate) struct Running {
    pub(crate) child: Child,
    /// None if documents go to a terminal.
    lines: Option<Lines<BufReader<ChildStdout>>>,
}

impl Device {
    /// A device that was made.
    pub(crate) fn new(name: &str) -> Self {
        let device = Self::blank();
        device.ok(&["init", "--name", name]);
        device
    }

    /// A directory that isn't there yet.
    pub(crate) fn blank() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let dir = folder.path().join("data");
        Self { folder, dir }
    }

    /// The same device as it is now, in another directory.
    pub(crate) fn copy(&self) -> Self {
        let copy = Self::blank();
        copy_dir(&self.dir, &copy.dir);
        copy
    }

    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes a file beside the data directory.
    pub(crate) fn file(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        let path = self.folder.path().join(name);
        fs::write(&path, bytes).unwrap();
        path.to_str().unwrap().to_owned()
    }

    /// The program, with nothing of this process's own settings.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = program(words);
        command.env("VERSO_DATA_DIR", &self.dir).env("VERSO_NETWORK", "loopback").env("VERSO_PASSPHRASE", PASSPHRASE);
        command
    }

    pub(crate) fn run(&self, words: &[&str]) -> Output {
        self.command(words).output().unwrap()
    }

    /// Runs a command that reads this from standard input.
    pub(crate) fn run_reading(&self, words: &[&str], input: &str) -> Output {
        use std::io::Write as _;
        let mut command = self.command(words);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It may have enough before the end.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        child.wait_with_output().unwrap()
    }

    /// Runs what has to succeed, and returns what it printed.
    pub(crate) fn ok(&self, words: &[&str]) -> String {
        succeeded(words, &self.run(words))
    }

    /// Runs what has to succeed, and returns its one document.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        document(&self.ok(&words))
    }

    /// Runs what has to fail.
    pub(crate) fn fails(&self, words: &[&str]) -> Failure {
        let words: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
        failed(&words, &self.run(&words))
    }

    /// Starts what goes on for a while.
    pub(crate) fn start(&self, words: &[&str]) -> Running {
        Running::start(&mut self.command(words))
    }

    /// The canonical text of the only workspace.
    pub(crate) fn export(&self) -> String {
        self.ok(&["export"])
    }

    /// Every file of the device with its path below the data directory, by name.
    pub(crate) fn files(&self) -> Vec<(String, Vec<u8>)> {
        let mut files = Vec::new();
        collect(&self.dir, &self.dir, &mut files);
        files.sort();
        files
    }
}

/// Starts `verso up`, and returns once it listens.
pub(crate) fn up(device: &Device) -> Running {
    let mut up = device.start(&["up", "--json"]);
    up.event("started");
    up
}

/// Ends a `verso up` as a service manager does.
pub(crate) fn end(up: Running) {
    up.signal("TERM");
    succeeded(&["up"], &up.end());
}

impl Running {
    /// Starts a command.
    pub(crate) fn start(command: &mut Command) -> Self {
        Self::of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
    }

    /// Takes over a process whose standard output is a pipe, or a terminal.
    pub(crate) fn of(mut child: Child) -> Self {
        let lines = child.stdout.take().map(|stdout| BufReader::new(stdout).lines());
        Self { child, lines }
    }

    /// The next line of standard output as a document; it has to come.
    pub(crate) fn line(&mut self) -> Value {
        self.try_line().unwrap_or_else(|| panic!("it has nothing more to say"))
    }

    /// The next line of standard output as a document; `None` if it has nothing more to say.
    pub(crate) fn try_line(&mut self) -> Option<Value> {
        let line = self.lines.as_mut().unwrap().next()?.unwrap();
        Some(serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}")))
    }

    /// Reads lines up to one whose event is this, and returns it.
    pub(crate) fn event(&mut self, event: &str) -> Value {
        loop {
            let line = self.line();
            if line["event"] == event {
                return line;
            }
        }
    }

    /// Sends a signal, by the name that `kill` knows.
    pub(crate) fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status().unwrap();
        assert!(status.success());
    }

    /// Waits for the end, and returns what was printed since.
    pub(crate) fn end(mut self) -> Output {
        let rest: Vec<String> = self.lines.take().into_iter().flatten().map(Result::unwrap).collect();
        let stdout = rest.into_iter().flat_map(|line| [line, "\n".to_owned()]).collect::<String>().into_bytes();
        let mut stderr = Vec::new();
        if let Some(mut told) = self.child.stderr.take() {
            told.read_to_end(&mut stderr).unwrap();
        }
        Output { status: self.child.wait().unwrap(), stdout, stderr }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // If it has ended, there is nothing to end.
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The program, with nothing of this process's own settings, and nobody to ask.
pub(crate) fn program(words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_verso"));
    for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("VERSO_")) {
        command.env_remove(name);
    }
    // Nor with the keychain of whoever runs the tests.
    command.env("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus");
    command.args(words).stdin(Stdio::null());
    command
}

pub(crate) fn succeeded(words: &[&str], output: &Output) -> String {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{words:?} ended with {}: {stderr}", output.status);
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub(crate) fn failed(words: &[&str], output: &Output) -> Failure {
    let stderr = String::from_utf8_lossy(&output.stderr);
    let code = output.status.code().unwrap_or_else(|| panic!("{words:?} was killed: {stderr}"));
    assert_ne!(code, 0, "{words:?} succeeded");
    let error = document(&stderr)["error"].clone();
    assert_eq!(keys(&error), ["code", "hint", "name", "what", "why"]);
    assert_eq!(error["code"], code, "{words:?}: {stderr}");
    let text = |field: &str| {
        let text = error[field].as_str().unwrap().to_owned();
        assert!(!text.is_empty() && !text.contains('\n'), "{words:?}: {stderr}");
        text
    };
    let stdout = String::from_utf8(output.stdout.clone()).unwrap();
    Failure { code, what: text("what"), why: text("why"), hint: text("hint"), stdout }
}

/// Reads text that has to be exactly one document in one line.
pub(crate) fn document(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "not one line: {text}");
    assert!(text.ends_with('\n'), "not ended: {text}");
    serde_json::from_str(text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

/// The names of a document's fields, sorted.
pub(crate) fn keys(document: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = document.as_object().unwrap().keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

/// Pairs two devices of one person: the first shows a link, the second joins by it.
pub(crate) fn pair(shows: &Device, joins: &Device) {
    pair_as(shows, joins, &[]);
}

/// Pairs the devices of two friends; the one that shows gives `words`, such as a workspace.
pub(crate) fn befriend(shows: &Device, joins: &Device, words: &[&str]) {
    pair_as(shows, joins, &[&["--role", "friend"][..], words].concat());
}

fn pair_as(shows: &Device, joins: &Device, words: &[&str]) {
    let mut pairing = shows.start(&[&["pair", "--yes", "--json"][..], words].concat());
    let link = pairing.event("offer")["link"].as_str().unwrap().to_owned();
    joins.json(&["join", &link, "--yes"]);
    pairing.event("paired");
    succeeded(&["pair"], &pairing.end());
}

/// Syncs two devices at the same time; both have to be in step. Returns what each told of its peer.
pub(crate) fn sync(one: &Device, other: &Device) -> [Value; 2] {
    let words = ["up", "--once", "--json", "--wait", "30s"];
    let first = one.start(&words);
    let second = other.run(&words);
    let told = [first.end(), second].map(|output| document(&succeeded(&words, &output)));
    told.map(|told| {
        let [peer] = told["peers"].as_array().unwrap().as_slice() else { panic!("{told}") };
        assert_eq!(peer["state"], "in-step", "{told}");
        peer.clone()
    })
}

/// As [`sync`], where others are not there, or something is not taken.
pub(crate) fn meet(one: &Device, other: &Device) {
    let words = ["up", "--once", "--json", "--wait", "6s"];
    let first = one.start(&words);
    let second = other.run(&words);
    let told = document(&String::from_utf8(second.stdout).unwrap());
    drop(first.end());
    let states = told["peers"].as_array().unwrap().iter().map(|peer| peer["state"].as_str().unwrap().to_owned());
    assert!(states.clone().any(|state| state != "unreachable"), "{told}");
}

pub(crate) fn titles(device: &Device) -> Vec<String> {
    let garden: Value = serde_json::from_str(&device.ok(&["export", "garden"])).unwrap();
    let mut titles: Vec<String> =
        garden["nodes"].as_array().unwrap().iter().map(|node| node["title"].as_str().unwrap().to_owned()).collect();
    titles.sort();
    titles
}

/// Makes sure that two devices print the same bytes.
pub(crate) fn assert_equal(one: &Device, other: &Device) {
    let (one, other) = (one.export(), other.export());
    let differing = one.lines().zip(other.lines()).find(|(one, other)| one != other);
    assert!(one == other, "{} and {} bytes; the first difference: {differing:#?}", one.len(), other.len());
}

/// The graph that comes with the program.
pub(crate) fn sample() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/assets/sample.jsonl")
}

fn copy_dir(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_dir(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

fn collect(root: &Path, dir: &Path, files: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(root, &path, files);
        } else {
            let name = path.strip_prefix(root).unwrap().to_str().unwrap().to_owned();
            files.push((name, fs::read(&path).unwrap()));
        }
    }
}

/// Two devices of one person that gave one node two titles, and of which one deleted another node while the other tagged it.
pub(crate) fn apart() -> [Device; 2] {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    desk.ok(&["workspace", "new", "garden"]);
    desk.ok(&["node", "add", "u:a", "--title", "A"]);
    desk.ok(&["node", "add", "u:b", "--title", "B"]);
    pair(&desk, &lap);
    sync(&desk, &lap);
    desk.ok(&["node", "title", "u:a", "from desk"]);
    lap.ok(&["node", "title", "u:a", "from lap"]);
    desk.ok(&["node", "rm", "u:b"]);
    lap.ok(&["node", "tag", "u:b", "keep"]);
    sync(&desk, &lap);
    assert_equal(&desk, &lap);
    [desk, lap]
}

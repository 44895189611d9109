//! The control socket: where it lies, who may come by it, and what becomes of whoever did.

use std::fs;
use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
use std::os::unix::net::UnixListener;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::device::{Device, PASSPHRASE, Running, end, failed, succeeded, up};

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn it_is_there_while_up_runs_and_for_its_owner_alone() {
    let desk = Device::new("desk");
    let socket = desk.dir().join("control");
    assert!(!socket.exists());
    let serving = up(&desk);
    assert!(fs::symlink_metadata(&socket).unwrap().file_type().is_socket());
    assert_eq!((mode(&socket), mode(desk.dir())), (0o600, 0o700));
    desk.ok(&["id"]);
    end(serving);
    assert!(!socket.exists());
    desk.ok(&["id"]);
}

#[test]
fn a_second_up_and_what_needs_the_directory_itself_is_locked_out() {
    let desk = Device::new("desk");
    let serving = up(&desk);
    let pid = serving.child.id().to_string();
    for words in [&["up"][..], &["log", "repair"], &["keystore", "passphrase"]] {
        let failure = desk.fails(words);
        assert_eq!(failure.code, 7, "{failure:?}");
        assert!(failure.why.contains(&format!("process {pid} ")), "{failure:?}");
        assert_eq!(failure.stdout, "");
    }
    let repair = desk.fails(&["log", "repair"]);
    assert!(repair.why.contains("journals open") && repair.hint.contains("start it again"), "{repair:?}");
    assert_eq!(desk.fails(&["init"]).code, 1);
    end(serving);
}

/// Killed, it leaves its socket: that is nobody's, for whoever comes and for the next `up`.
#[test]
fn a_socket_that_was_left_is_nobody_s() {
    let desk = Device::new("desk");
    let mut killed = up(&desk);
    killed.child.kill().unwrap();
    killed.child.wait().unwrap();
    assert!(desk.dir().join("control").exists(), "it had no time to clear away");
    desk.ok(&["workspace", "new", "garden"]);
    let serving = up(&desk);
    desk.ok(&["node", "add", "u:rose"]);
    end(serving);
    assert!(!desk.dir().join("control").exists());
    assert_eq!(desk.json(&["show"])["nodes"], 1);
}

/// A path that is no address of a socket: the way leads through a directory of its own.
#[test]
fn a_long_path_has_a_socket_elsewhere() {
    let desk = Device::new("desk");
    let deep = desk.dir().parent().unwrap().join("deep".repeat(40));
    fs::rename(desk.dir(), &deep).unwrap();
    let words = |words: &[&str]| {
        let mut command = desk.command(words);
        command.env("VERSO_DATA_DIR", &deep).env("TMPDIR", desk.dir().parent().unwrap()).env_remove("XDG_RUNTIME_DIR");
        command
    };
    for killed in [true, false] {
        let mut serving = Running::start(&mut words(&["up", "--json"]));
        serving.event("started");
        let socket = fs::read_link(deep.join("control")).unwrap();
        assert_eq!((mode(&socket), mode(socket.parent().unwrap())), (0o600, 0o700));
        succeeded(&["workspace", "new"], &words(&["workspace", "new", "garden"]).output().unwrap());
        if killed {
            serving.child.kill().unwrap();
            serving.child.wait().unwrap();
            succeeded(&["id"], &words(&["id"]).output().unwrap());
        } else {
            end(serving);
        }
    }
    let left: Vec<_> = fs::read_dir(deep.parent().unwrap()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, [deep.file_name().unwrap()], "nothing is left");
    let listed = words(&["workspace", "list", "--json"]).output().unwrap();
    let listed: serde_json::Value = serde_json::from_str(&succeeded(&["list"], &listed)).unwrap();
    assert_eq!(listed["workspaces"].as_array().unwrap().len(), 2);
}

#[test]
#[expect(clippy::print_stderr, reason = "whoever reads the results should know what was left out")]
fn another_user_is_turned_away_whatever_the_permissions() {
    const NOBODY: u32 = 65_534;
    if !rustix::process::geteuid().is_root() {
        eprintln!("SKIPPED, nothing was tested: only root can run a command as somebody else");
        return;
    }
    let desk = Device::new("desk");
    desk.ok(&["workspace", "new", "garden"]);
    let serving = up(&desk);
    // As careless as can be.
    for (path, mode) in
        [(desk.dir().parent().unwrap(), 0o777), (desk.dir(), 0o777), (&desk.dir().join("control"), 0o666)]
    {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    }
    // A build lies where not everybody may look.
    let program = desk.dir().parent().unwrap().join("program");
    fs::copy(env!("CARGO_BIN_EXE_verso"), &program).unwrap();
    let mut command = std::process::Command::new(&program);
    command.args(["workspace", "list", "--json"]).env_clear().env("VERSO_DATA_DIR", desk.dir());
    let output = command.uid(NOBODY).gid(NOBODY).output().unwrap();
    let failure = failed(&["workspace", "list"], &output);
    assert_eq!((failure.code, failure.stdout.as_str()), (7, ""), "{failure:?}");
    assert!(failure.why.contains("another user"), "{failure:?}");
    end(serving);
}

#[test]
fn nobody_is_asked_for_the_passphrase_and_one_that_is_given_is_checked() {
    let desk = Device::new("desk");
    let serving = up(&desk);
    let given = |passphrase: Option<&str>, words: &[&str]| {
        let mut command = desk.command(words);
        command.arg("--json").env_remove("VERSO_PASSPHRASE").env("VERSO_KEY_CACHE", "off");
        if let Some(passphrase) = passphrase {
            command.env("VERSO_PASSPHRASE", passphrase);
        }
        command.output().unwrap()
    };
    succeeded(&["id"], &given(None, &["id"]));
    succeeded(&["id"], &given(Some(PASSPHRASE), &["id"]));
    let wrong = failed(&["id"], &given(Some("gin"), &["id"]));
    assert_eq!((wrong.code, wrong.stdout.as_str()), (8, ""), "{wrong:?}");
    let wrong = failed(&["workspace", "new"], &given(Some("gin"), &["workspace", "new", "garden"]));
    assert_eq!(wrong.code, 8, "{wrong:?}");
    let store = desk.fails(&["--keystore", "keychain", "id"]);
    assert_eq!(store.code, 8, "{store:?}");
    assert_eq!(desk.json(&["workspace", "list"])["workspaces"], json!([]));
    end(serving);
}

/// Its one-time passphrase is told when it is needed, and the key's own is not asked for.
#[test]
fn a_backup_is_made_through_it_and_opens() {
    let desk = Device::new("desk");
    desk.ok(&["workspace", "new", "garden"]);
    let serving = up(&desk);
    let file = desk.dir().with_file_name("kept");
    let mut command = desk.command(&["backup", "kept", "--json"]);
    command.current_dir(desk.dir().parent().unwrap());
    command.env_remove("VERSO_PASSPHRASE").env("VERSO_KEY_CACHE", "off").env("VERSO_BACKUP_PASSPHRASE", "marmalade");
    let told: serde_json::Value = serde_json::from_str(&succeeded(&["backup"], &command.output().unwrap())).unwrap();
    assert_eq!((&told["file"], &told["workspaces"]), (&json!("kept"), &json!(1)));
    end(serving);
    let again = Device::blank();
    let mut command = again.command(&["restore", file.to_str().unwrap()]);
    succeeded(&["restore"], &command.env("VERSO_BACKUP_PASSPHRASE", "marmalade").output().unwrap());
    assert_eq!(again.json(&["workspace", "list"])["workspaces"][0]["name"], "garden");
}

#[test]
fn several_come_at_a_time() {
    let desk = Device::new("desk");
    desk.ok(&["workspace", "new", "garden"]);
    let serving = up(&desk);
    std::thread::scope(|scope| {
        for number in 0..8 {
            let desk = &desk;
            scope.spawn(move || desk.ok(&["node", "add", &format!("u:{number}"), "--title", &number.to_string()]));
        }
    });
    assert_eq!(desk.json(&["show"])["nodes"], 8);
    end(serving);
    assert_eq!(desk.json(&["show"])["nodes"], 8);
}

/// A whole workspace is on its way to somebody who does not read it: nobody else waits, and `up` ends in time.
#[test]
fn whoever_does_not_read_keeps_nobody_waiting() {
    let (desk, lap) = (Device::new("desk"), Device::new("lap"));
    desk.ok(&["workspace", "new", "garden"]);
    let file = desk.file("many.jsonl", crate::import::lines(40_000));
    desk.ok(&["import", &file]);
    crate::device::pair(&desk, &lap);
    let (mut serving, mut other) = (up(&desk), up(&lap));
    let unread = desk.start(&["export", "garden"]);
    other.event("in-step");
    desk.ok(&["node", "add", "u:rose", "--title", "rose"]);
    other.event("received");
    serving.event("in-step");
    let begun = Instant::now();
    end(serving);
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    let output = unread.end();
    assert_eq!(output.status.code(), Some(1), "what it read is not all of it");
    assert!(String::from_utf8_lossy(&output.stderr).contains("`verso up`"), "it is told why");
    end(other);
}

/// What goes on ends with it: whoever waits is told, and nothing is left half done.
#[test]
fn up_ends_in_time_while_somebody_waits() {
    let desk = Device::new("desk");
    for signal in ["INT", "TERM"] {
        let serving = up(&desk);
        let mut pairing = desk.start(&["pair", "--yes", "--json"]);
        pairing.event("offer");
        serving.signal(signal);
        let begun = Instant::now();
        let told = succeeded(&["up"], &serving.end());
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert!(told.ends_with("{\"event\":\"stopped\"}\n"), "{told}");
        let failure = failed(&["pair"], &pairing.end());
        assert_eq!(failure.code, 1, "{failure:?}");
        assert!(failure.why.contains("`verso up`"), "{failure:?}");
        desk.ok(&["id"]);
    }
}

/// Killed, it says nothing: whoever waits is told all the same.
#[test]
fn whoever_waits_learns_that_up_was_killed() {
    let desk = Device::new("desk");
    let mut serving = up(&desk);
    let mut pairing = desk.start(&["pair", "--yes", "--json"]);
    pairing.event("offer");
    serving.child.kill().unwrap();
    serving.child.wait().unwrap();
    assert_eq!(failed(&["pair"], &pairing.end()).code, 1);
    desk.ok(&["id"]);
}

#[test]
fn who_has_the_directory_and_says_nothing_is_no_riddle() {
    let desk = Device::new("desk");
    let serving = up(&desk);
    serving.signal("STOP");
    let begun = Instant::now();
    let failure = desk.fails(&["id"]);
    assert!(begun.elapsed() < Duration::from_secs(20), "it does not wait for ever");
    assert_eq!(failure.code, 7, "{failure:?}");
    assert!(failure.why.contains(&format!("process {} ", serving.child.id())), "{failure:?}");
    assert!(failure.why.contains("does not answer"), "{failure:?}");
    serving.signal("CONT");
    desk.ok(&["id"]);
    end(serving);
}

/// A socket where somebody else listens, and whoever has the directory says another version.
#[test]
fn another_version_is_named() {
    use std::io::Write as _;
    let desk = Device::new("desk");
    let listener = UnixListener::bind(desk.dir().join("control")).unwrap();
    let program = "99.0.0";
    let body = [b"VERSOCTL\x01\0\0".as_slice(), &6_u32.to_le_bytes(), program.as_bytes()].concat();
    let greeting = [&u32::try_from(body.len()).unwrap().to_le_bytes()[..], &body].concat();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        stream.write_all(&greeting).unwrap();
        stream
    });
    let failure = desk.fails(&["id"]);
    drop(serving.join().unwrap());
    assert_eq!(failure.code, 7, "{failure:?}");
    assert!(failure.why.contains(program) && failure.why.contains(env!("CARGO_PKG_VERSION")), "{failure:?}");
}

/// Whatever comes by the socket, `up` goes on, and so do others.
#[test]
fn nonsense_harms_nobody() {
    use std::io::{Read as _, Write as _};
    use std::os::unix::net::UnixStream;
    let desk = Device::new("desk");
    let serving = up(&desk);
    let bytes: [&[u8]; 6] =
        [b"", b"\0\0\0\0", b"\xff\xff\xff\xff", b"\x01\0\0\0\x03", b"\x05\0\0\0\x01", b"\x06\0\0\0\x01\x09\0\0\0\0"];
    for bytes in bytes {
        let mut stream = UnixStream::connect(desk.dir().join("control")).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        assert!(answer.len() < 64, "a greeting and no more: {answer:?}");
    }
    desk.ok(&["id"]);
    end(serving);
}

/// As `head` does.
#[test]
fn a_reader_that_has_seen_enough_is_no_failure() {
    use std::io::{BufRead as _, BufReader};
    let desk = Device::new("desk");
    desk.ok(&["workspace", "new", "garden"]);
    desk.ok(&["import", &desk.file("many.jsonl", crate::import::lines(20_000))]);
    let serving = up(&desk);
    let mut child = desk.command(&["export"]).stdout(std::process::Stdio::piped()).spawn().unwrap();
    let mut first = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
    assert!(first.starts_with("{\"workspace\""), "{first}");
    assert_eq!(child.wait().unwrap().code(), Some(0));
    desk.ok(&["id"]);
    end(serving);
}

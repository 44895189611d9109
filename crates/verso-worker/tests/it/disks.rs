//! Disks that are full or slow, under devices that are processes. They take Linux, root, `unshare` and `strace`; where that is missing these tests say so.

#![expect(clippy::print_stderr, reason = "a test that can't run says so")]

#[path = "../../examples/soak/process.rs"]
mod process;

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use process::{Failure, Process};

/// If this is 1, a test that can't have what it needs fails.
const REQUIRED: &str = "VERSO_REQUIRE_NAMESPACES";

/// The program that is a device. Cargo builds the examples along with the tests, beside them.
fn soak() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    path.pop();
    path.join("examples").join("soak")
}

/// Starts a device; `None`, said aloud, where its disk can't be had.
fn start(command: Command) -> Option<(Process, String)> {
    match Process::start(command) {
        Ok(started) => Some(started),
        Err(why) => {
            assert!(std::env::var_os(REQUIRED).is_none_or(|value| value != "1"), "{why}");
            eprintln!("SKIPPED, nothing was tested: {why}. {REQUIRED}=1 makes this a failure.");
            None
        }
    }
}

fn plain(number: u8, directory: &Path) -> Command {
    let mut command = Command::new(soak());
    command.args(["device", &number.to_string()]).arg(directory);
    command
}

fn pair((one, me): (&mut Process, &str), (another, peer): (&mut Process, &str)) -> Result<(), Failure> {
    for (me, peer, side) in [(one, peer, "showing"), (another, me, "joining")] {
        let paired = me.ask(&format!("pair {} {side}", peer.strip_prefix("up ").ok_or("not up")?))?;
        assert_eq!(paired, "paired");
    }
    Ok(())
}

fn until(process: &mut Process, order: &str, what: impl Fn(&str) -> bool) -> Result<String, Failure> {
    let start = Instant::now();
    loop {
        let answer = process.ask(order)?;
        if what(&answer) {
            return Ok(answer);
        }
        if start.elapsed() > Duration::from_mins(1) {
            return Err(format!("{order}: {answer}").into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// A file system of its own, with little room, and then none. What can't be stored is refused, both sides say why, the other device works on, and when there is
/// room again so does this one.
#[test]
fn a_full_disk_is_told_on_both_sides_and_costs_only_that_while() {
    let home = tempfile::tempdir().unwrap();
    let (small, roomy) = (home.path().join("small"), home.path().join("roomy"));
    fs::create_dir(&small).unwrap();
    let mut command = Command::new("unshare");
    command.args(["--mount", "sh", "-c", "mount -t tmpfs -o size=8m none \"$1\" && exec \"$0\" device 1 \"$1\""]);
    command.arg(soak()).arg(&small);
    let Some((mut full, me)) = start(command) else { return };
    let (mut other, peer) = Process::start(plain(2, &roomy)).unwrap();
    let workspace = full.ask("found notes").unwrap().strip_prefix("workspace ").unwrap().to_owned();
    pair((&mut full, &me), (&mut other, &peer)).unwrap();
    let state = format!("state {workspace}");
    assert_eq!(full.ask(&format!("commit {workspace} 0 5")).unwrap(), "durable 5");
    until(&mut other, &state, |state| state.starts_with("state 5 ")).unwrap();

    // Seen from here the file system lies below the root of the process that has it.
    let ballast = PathBuf::from(format!("/proc/{}/root{}/ballast", full.id(), small.display()));
    let mut file = fs::File::create(&ballast).unwrap();
    while file.write_all(&[7; 4096]).is_ok() {}
    drop(file);
    let refused = full.ask(&format!("commit {workspace} 5 100000")).unwrap();
    assert!(refused.starts_with("failed ") && refused.contains("durable"), "{refused}");
    until(&mut full, &state, |state| state.contains("disk-full")).unwrap();
    until(&mut other, &state, |state| state.contains("disk-full")).unwrap();
    assert_eq!(other.ask(&format!("commit {workspace} 0 5")).unwrap(), "durable 5");

    fs::remove_file(ballast).unwrap();
    until(&mut full, &format!("commit {workspace} 200000 1"), |answer| answer == "durable 1").unwrap();
    let whole = |state: &str| state.split(' ').skip(1).take(2).map(str::to_owned).collect::<Vec<_>>();
    let start = Instant::now();
    loop {
        let (mine, theirs) = (full.ask(&state).unwrap(), other.ask(&state).unwrap());
        if whole(&mine) == whole(&theirs) && mine.split(' ').nth(3) == Some("1") {
            break;
        }
        assert!(start.elapsed() < Duration::from_mins(2), "{mine}\n{theirs}");
        std::thread::sleep(Duration::from_millis(50));
    }
    assert!(full.ask("end").unwrap().starts_with("down "));
    assert!(other.ask("end").unwrap().starts_with("down "));
}

/// Has every sync of a process take 0.3 s, for as long as the tracer runs. `None`, said aloud, where that can't be done.
fn slow_down(process: u32) -> Option<std::process::Child> {
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o", "/dev/null", "-e", "trace=fdatasync,fsync"]);
    command.args(["-e", "inject=fdatasync,fsync:delay_enter=300000", "-p", &process.to_string()]);
    let why = match command.spawn() {
        Ok(mut tracer) => loop {
            let status = fs::read_to_string(format!("/proc/{process}/status")).unwrap();
            if status.lines().any(|line| line.starts_with("TracerPid:") && !line.ends_with("\t0")) {
                return Some(tracer);
            }
            if let Some(ended) = tracer.try_wait().unwrap() {
                break format!("strace ended with {ended}");
            }
            std::thread::sleep(Duration::from_millis(5));
        },
        Err(error) => error.to_string(),
    };
    assert!(std::env::var_os(REQUIRED).is_none_or(|value| value != "1"), "{why}");
    eprintln!("SKIPPED, nothing was tested: {why}. {REQUIRED}=1 makes this a failure.");
    None
}

/// Every sync takes 0.3 s. A device with a dozen workspaces, and commits under way, still ends soon, with everything durable that it said is; and whoever is
/// connected with it doesn't wait for its disk.
#[test]
fn a_stop_on_a_slow_disk_is_bounded_and_loses_nothing() {
    const WORKSPACES: u64 = 12;
    let home = tempfile::tempdir().unwrap();
    let (mut slow, me) = Process::start(plain(1, &home.path().join("slow"))).unwrap();
    let (mut quick, peer) = Process::start(plain(2, &home.path().join("quick"))).unwrap();
    let mut workspaces = Vec::new();
    for number in 0..WORKSPACES {
        let founded = slow.ask(&format!("found number-{number}")).unwrap();
        workspaces.push(founded.strip_prefix("workspace ").unwrap().to_owned());
    }
    pair((&mut slow, &me), (&mut quick, &peer)).unwrap();
    until(&mut quick, &format!("state {}", workspaces[0]), |state| state.split(' ').nth(3) == Some("1")).unwrap();
    let Some(mut tracer) = slow_down(slow.id()) else { return };
    for workspace in &workspaces {
        assert_eq!(slow.ask(&format!("burst {workspace} 0 4")).unwrap(), "burst");
        assert_eq!(quick.ask(&format!("commit {workspace} 0 4")).unwrap(), "durable 4");
    }
    let down = slow.ask("down").unwrap();
    let figures: Vec<u64> = down.split(' ').skip(1).map(|figure| figure.parse().unwrap()).collect();
    tracer.kill().unwrap();
    tracer.wait().unwrap();
    // What is not bounded takes more than ten: checkpoints and the ends of thirteen logs, at three to five syncs each.
    assert!(figures[0] < 6000, "{down}");
    assert!(slow.ask("up").unwrap().starts_with("up "));
    let mut nodes = 0;
    for workspace in &workspaces {
        let state = slow.ask(&format!("state {workspace}")).unwrap();
        nodes += state.split(' ').nth(1).unwrap().parse::<u64>().unwrap();
    }
    assert!(nodes >= figures[1], "{nodes} nodes, {down}");
    assert!(quick.ask("end").unwrap().starts_with("down "));
}

/// Its peer's process is stopped: it answers nothing, and is not gone either. Whoever ends meanwhile waits for nothing of it.
#[test]
fn a_stop_does_not_wait_for_a_peer_whose_process_is_stopped() {
    let home = tempfile::tempdir().unwrap();
    let (mut quick, me) = Process::start(plain(1, &home.path().join("quick"))).unwrap();
    let (mut stopped, peer) = Process::start(plain(2, &home.path().join("stopped"))).unwrap();
    let founded = quick.ask("found notes").unwrap();
    let workspace = founded.strip_prefix("workspace ").unwrap();
    pair((&mut quick, &me), (&mut stopped, &peer)).unwrap();
    let state = format!("state {workspace}");
    until(&mut stopped, &state, |state| state.split(' ').nth(3) == Some("1")).unwrap();
    stopped.signal("STOP").unwrap();
    assert_eq!(quick.ask(&format!("commit {workspace} 0 3")).unwrap(), "durable 3");
    let down = quick.ask("down").unwrap();
    let took: u64 = down.split(' ').nth(1).unwrap().parse().unwrap();
    // It would be given up after half a minute.
    assert!(took < 15_000, "{down}");
    assert!(quick.ask("up").unwrap().starts_with("up "));
    stopped.signal("CONT").unwrap();
    until(&mut stopped, &state, |state| state.starts_with("state 3 ")).unwrap();
    assert!(quick.ask("end").unwrap().starts_with("down "));
    assert!(stopped.ask("end").unwrap().starts_with("down "));
}

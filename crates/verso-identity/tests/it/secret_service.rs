//! A login session of a test's own: a message bus, a real Secret Service (gnome-keyring), a session keyring of the kernel, each of
//! them there or missing as the test wants. Nothing of the person who runs the tests is touched.

use std::env;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};

use tempfile::TempDir;

/// Starts the keychain with its password, runs a program once it is on the bus, and ends it.
const UNLOCKED: &str = r#"
printf %s secret | gnome-keyring-daemon --unlock --foreground --components=secrets >/dev/null &
daemon=$!
ask='dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner'
for _ in $(seq 200); do
    $ask string:org.freedesktop.secrets | grep -q true && break
    sleep 0.02
done
"$@"
code=$?
kill $daemon
wait $daemon
exit $code
"#;

/// What the session's keychain is like.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Keychain {
    /// There, and open.
    Unlocked,
    /// There, and closed; it can ask nobody for its password.
    Locked,
    /// As [`Locked`](Self::Locked), and it goes on asking for ever.
    Asking,
    /// There, without a collection to keep anything in.
    Empty,
    /// There is a bus, and no keychain on it.
    Unserved,
    /// There is no bus.
    Absent,
}

/// Whether the kernel keeps a keyring for the session.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kernel {
    WithSession,
    WithoutSession,
}

/// A person's home on a machine of their own, over several sessions.
pub(crate) struct Seat {
    folder: TempDir,
}

impl Seat {
    pub(crate) fn new() -> Self {
        let seat = Self { folder: tempfile::tempdir().unwrap() };
        for name in ["home", "run", "data", "services"] {
            fs::create_dir(seat.folder.path().join(name)).unwrap();
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            fs::set_permissions(seat.folder.path().join("run"), fs::Permissions::from_mode(0o700)).unwrap();
        }
        seat
    }

    /// The program in a session, with nothing of this process's own session.
    pub(crate) fn command(&self, keychain: Keychain, kernel: Kernel, program: &Path) -> Command {
        let bus = !matches!(keychain, Keychain::Absent);
        if matches!(keychain, Keychain::Locked | Keychain::Asking) {
            // Its password was once chosen.
            let made = self.command(Keychain::Unlocked, Kernel::WithoutSession, Path::new("true")).output().unwrap();
            assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        }
        let mut words: Vec<String> = Vec::new();
        if bus {
            need("dbus-run-session", "dbus-daemon");
            words.extend([
                "dbus-run-session".to_owned(),
                format!("--config-file={}", self.configure(keychain)),
                "--".to_owned(),
            ]);
        }
        if keychain == Keychain::Unlocked {
            need("dbus-send", "dbus-bin");
            words.extend(["sh", "-c", UNLOCKED, "sh"].map(str::to_owned));
        }
        if kernel == Kernel::WithSession {
            need("keyctl", "keyutils");
            words.extend(["keyctl", "session", "-"].map(str::to_owned));
        }
        words.push(program.to_str().unwrap().to_owned());
        let (first, rest) = words.split_first().unwrap();
        let mut command = Command::new(first);
        command.args(rest).stdin(Stdio::null());
        let folder = |name: &str| self.folder.path().join(name);
        command
            .env("HOME", folder("home"))
            .env("XDG_RUNTIME_DIR", folder("run"))
            .env("XDG_DATA_HOME", folder("data"))
            .env("DBUS_SESSION_BUS_ADDRESS", format!("unix:path={}", folder("no-bus").display()))
            // Nobody is to see a window.
            .env_remove("DISPLAY")
            .env_remove("WAYLAND_DISPLAY");
        command
    }

    /// Writes the bus's configuration: it starts the services of this seat and no others.
    fn configure(&self, keychain: Keychain) -> String {
        let services = self.folder.path().join("services");
        for entry in fs::read_dir(&services).unwrap() {
            fs::remove_file(entry.unwrap().path()).unwrap();
        }
        let service = |name: &str, exec: &str| {
            let text = format!("[D-BUS Service]\nName={name}\nExec={exec}\n");
            fs::write(services.join(format!("{name}.service")), text).unwrap();
        };
        if keychain != Keychain::Unserved {
            let daemon = need("gnome-keyring-daemon", "gnome-keyring");
            service("org.freedesktop.secrets", &format!("{daemon} --start --foreground --components=secrets"));
            // Who would show the window: one that fails at once, or one that never comes.
            let prompter = if keychain == Keychain::Asking { "/bin/sleep 5" } else { "/bin/false" };
            service("org.gnome.keyring.SystemPrompter", prompter);
        }
        let config = self.folder.path().join("bus.conf");
        let text = format!(
            "<busconfig><type>session</type><keep_umask/><listen>unix:tmpdir={}</listen><servicedir>{}</servicedir>\
             <policy context=\"default\"><allow send_destination=\"*\" eavesdrop=\"true\"/><allow eavesdrop=\"true\"/>\
             <allow own=\"*\"/></policy></busconfig>",
            self.folder.path().join("run").display(),
            services.display()
        );
        fs::write(&config, text).unwrap();
        config.to_str().unwrap().to_owned()
    }
}

/// Where a program lies that a test can't do without.
fn need(program: &str, package: &str) -> String {
    let found = env::split_paths(&env::var_os("PATH").unwrap_or_default())
        .chain(["/usr/bin".into()])
        .map(|folder| folder.join(program))
        .find(|path| path.is_file());
    let Some(found) = found else {
        panic!(
            "this test needs the program `{program}` (on Debian in the package {package}): \
             `cargo xtask tools` as root installs it"
        )
    };
    found.to_str().unwrap().to_owned()
}

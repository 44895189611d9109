//! What stands under each command's options: examples to copy. A test parses every one of them.

pub(super) const WHICH_WORKSPACE: &str =
    "Workspace by name, id or start of an id; needed only where there are several [VERSO_WORKSPACE]";

pub(super) const FIRST_STEPS: &str = "\
First steps:
  verso demo                                   shows it all, on this machine alone
  verso init                                   makes this device's identity
  verso workspace new garden                   makes a workspace
  verso node add https://www.w3.org/ --title W3C
  verso pair                                   shows six words and a link for your other device
  verso join pizza coffee harvest …            there: joins by these words
  verso up                                     on both: keeps them in step

Exit codes: 0 done, 1 failed, 2 usage, 3 not initialised, 4 no peer reachable, 5 refused,
6 data damaged, 7 data directory in use, 8 key store unavailable or not opened.";

pub(super) const INIT: &str = "\
The device's secret is kept in the system's keychain. Where there is none, it can be kept in a file under a
passphrase, which is asked for, or taken from VERSO_PASSPHRASE: that variable alone chooses the file, too.
Nothing else on the disk can be read without the secret. A forgotten passphrase can't be recovered.

Examples:
  verso init
  verso init --keystore file                   asks for a passphrase
  verso init --name desk
  verso init --data-dir second                 a second device on this machine, to try things out";

pub(super) const ID: &str = "\
Examples:
  verso id
  verso id rename desk";

pub(super) const KEYSTORE: &str = "\
A move copies the secret, reads it back, and only then removes it where it was. Cut short at any moment, it is
completed or undone by the next command. For scripts, VERSO_PASSPHRASE gives the passphrase of the file, and
VERSO_NEW_PASSPHRASE the one that takes its place. VERSO_KEY_CACHE=off has the passphrase asked for at each
command, and not once a login session.

Examples:
  verso keystore show
  verso keystore move keychain
  verso keystore move file                     asks for a passphrase
  verso keystore passphrase";

pub(super) const WORKSPACE: &str = "\
Examples:
  verso workspace new garden
  verso workspace list --json
  verso workspace share garden ben --access ro
  verso workspace unshare garden ben
  verso workspace join garden             takes what a friend offers
  verso workspace leave garden            with this device alone";

pub(super) const FORGET: &str = "\
The peer loses every workspace at the next contact of any of your devices. What it received stays readable there;
what it wrote up to now stays, what it writes from now on counts nowhere.

Examples:
  verso forget old-phone";

pub(super) const IMPORT: &str = "\
Bookmarks are the HTML file that a browser exports. A link becomes a node with its tags; a folder becomes a node
with an edge `contains` to each thing in it. What a graph has no place for is counted: descriptions, separators,
keywords, saved searches. Dates and icons are left out, too.

A line of JSON lines is one node:
  {\"id\":0,\"title\":\"W3C\",\"url\":\"https://www.w3.org/\",\"tags\":[\"web\"],\"links\":[[1,\"hosts\"]]}
`id` is a whole number, unique in the file; `links` names other lines by their id, with a kind.

The whole file is checked before anything is written. What the workspace has already is skipped, by url and
title, so an import that was cut short is completed by running it again.

Examples:
  verso import bookmarks.html
  verso import sample.jsonl
  verso import debian-packages.jsonl.zst -w packages
  verso import links.html --format bookmarks   takes any HTML for bookmarks";

pub(super) const NODE: &str = "\
A node is named by its id, the start of its id, or its exact url or title.

Examples:
  verso node add https://www.rfc-editor.org/ --title 'RFC-Editor' --tag standards --tag ietf
  verso node title https://www.rfc-editor.org/ RFCs
  verso node tag RFCs reference
  verso node show RFCs
  verso node rm RFCs";

pub(super) const EDGE: &str = "\
Examples:
  verso edge add W3C RFCs --kind cites
  verso edge rm W3C RFCs --kind cites";

pub(super) const CONFLICTS: &str = "\
Where two devices did different things without knowing of each other, nothing is lost and nothing waits: one
value is shown, a deleted node stays as a ghost, and this list has both sides until somebody decides. What is
decided holds on every device.

Examples:
  verso conflicts                              lists all, with both sides, who, when, and the rule
  verso conflicts pick title:6ba7b810 2        takes the second value
  verso conflicts pick title:6ba7b810 RFCs     takes this one
  verso conflicts resolve deletion:6ba7 keep   brings a deleted node back
  verso conflicts resolve deletion:6ba7 delete";

pub(super) const SHOW: &str = "\
Examples:
  verso show
  verso show garden --json";

pub(super) const PEERS: &str = "\
The fingerprint, which --json tells, is what two people compare by eye: `verso id` shows it on the device itself.

Examples:
  verso peers
  verso peers --json";

pub(super) const RENAME: &str = "\
The name holds on all your devices. The peer goes on calling itself what it likes.

Examples:
  verso rename phone old-phone
  verso rename 3f9a Ana";

pub(super) const ADDRESS: &str = "\
Devices in one network find each other, and tell each other where they are. An address is for a peer that is
elsewhere, at a port that is forwarded, for example. It holds on all your devices.

Examples:
  verso address phone 203.0.113.7:41234
  verso address phone 203.0.113.7:41234 [2001:db8::7]:41234";

pub(super) const EXPORT: &str = "\
Examples:
  verso export                                 one document, the same bytes on all devices in step
  verso export garden --format jsonl           what `verso import` reads
  verso export garden --format dot             what `dot -Tsvg` of Graphviz draws
  verso export garden --format bookmarks       what browsers import, and `verso import` reads";

pub(super) const PAIR: &str = "\
Whoever has the link or the words can join, once. With --role own, which is the default, the other device is yours:
each gets all workspaces of the other, to read and to write, so show the code only to yourself. With --role friend
the other device is somebody else's: it gets the workspaces named with -w, or none yet, and learns of no others.
Before anything is shared both devices show what will happen, and ask.

With --invite the link can be sent: it stays good for a day, works once, and is served whenever `verso up` runs here.
By making it you agree to whoever comes with it; nobody is asked again on this device. While `verso up` runs it
holds the data directory, so end it, make or withdraw the invitation, and start it again.

On one network the other device finds this one by the words alone. Devices there also see this one's name for as
long as the link is shown; one of them may be joined without any words, if each of you types the code that the
other screen shows.

Examples:
  verso pair                                   your other device
  verso pair --qr code.png
  verso pair --role friend -w garden --access ro
  verso pair --ttl 90s --yes
  verso pair --invite --role friend -w garden  a link to send to a friend
  verso pair list
  verso pair withdraw 5f3a";

pub(super) const NEARBY: &str = "\
A device says its name while `verso pair` runs on it, and only then. It may call itself what it likes: compare the
fingerprint with what `verso id` shows there.

Examples:
  verso nearby
  verso nearby --wait 10s --json";

pub(super) const JOIN: &str = "\
Words are as good with hyphens or in capitals, and a mistyped one is noticed. On one network they are enough; elsewhere
--at says where the other device is.

Other users of this machine see command lines while they run. Left out, link or words are asked for at the terminal and
not shown; with - they are the first line of standard input.

Examples:
  verso join                                   asks for the link or the words
  wl-paste | verso join - --yes
  verso join --nearby 'Ana'
  verso join verso://pair/…
  verso join pizza coffee harvest ensure fog spike
  verso join pizza coffee harvest ensure fog spike --at 192.168.1.5:41234";

pub(super) const UP: &str = "\
Examples:
  verso up                                     stays, and pushes every change at once; Ctrl-C ends it
  verso up --once                              syncs and ends: 0 in step, 4 nobody there, 5 refused
  verso up --once --wait 30s
  verso up --discovery listen                  finds others on the local network, and announces nothing
  verso up --interface wlan0                   looks for others on this network interface alone";

pub(super) const STATUS: &str = "\
The first line is the indicator: synced, syncing, offline, conflict, or that it needs you. Whatever keeps data from
moving stands below the peer that it concerns, with what to do about it.

Examples:
  verso status
  verso status --watch                         stays, and shows every change; Ctrl-C ends it
  verso status --watch --json                  one document a line, whenever something is different";

pub(super) const DOCTOR: &str = "\
Each check is ok, a warning, a fault, or skipped because something before it failed, with what to do beside it. The
exit code is 1 only for a fault. Nothing is sent anywhere, but for an empty packet on the local network that shows
whether devices can find each other there, and to the relay and the address lookup if --network names any.

Examples:
  verso doctor
  verso doctor --json";

#[cfg(feature = "panel")]
pub(super) const PANEL: &str = "\
Shows this device, those it is paired with, workspaces, what is to be decided and what keeps data from moving, in a
window, in which all of it can be done, too. While it is open the device syncs, as with `verso up`; so end that first.
It needs a graphical session (Wayland or X11). Other commands work meanwhile, as while `verso up` runs.

Examples:
  verso panel";

pub(super) const LOG: &str = "\
Without -w a command is about all journals of this device: one a workspace, and one that tells whom this device
trusts. `verify` ends with 6 if anything is damaged; what a power cut left of a change that was never completed
is no damage.

`repair` makes new journals of what is whole in damaged ones, and syncs with all peers as `up --once` does to get
the rest back. The device goes on as a new author then, because its last numbers may be among what is lost.

Examples:
  verso log verify                             reads everything, and names what is damaged by file and offset
  verso log repair
  verso log repair -w garden                   of one workspace alone, whatever becomes of the others
  verso log stats
  verso log tail -w garden -n 20
  verso log compact                            makes many small files few, and what is in them smaller";

pub(super) const BACKUP: &str = "\
The file holds everything: the secret, the journals, the peers. It is encrypted under a passphrase, which is asked
for, or taken from VERSO_BACKUP_PASSPHRASE, else from VERSO_PASSPHRASE. It gets its name when it is whole and on
the disk. Nothing has to be stopped for it.

Examples:
  verso backup /media/stick/desk.verso
  verso backup desk.verso --replace";

pub(super) const RESTORE: &str = "\
The device goes on where the backup was made, as a new author: what it wrote afterwards comes back from its peers.
Whom you have removed since is still in the backup, so nothing but who is trusted is synced until one of your own
devices has told, or you confirm each peer by name. A script gives the backup's passphrase as
VERSO_BACKUP_PASSPHRASE, else VERSO_PASSPHRASE, which chooses the key file and its passphrase as with `verso init`.

Examples:
  verso restore /media/stick/desk.verso
  verso restore desk.verso --data-dir new --keystore file";

pub(super) const CONFIRM: &str = "\
Examples:
  verso peers                                  lists them
  verso confirm phone laptop";

pub(super) const QUARANTINE: &str = "\
What a device wrote after it had lost access, and before it knew, is held and not applied. It is listed here until
somebody who owns the workspace decides. What is decided holds on every device; of two who decide at once, keeping
wins. What is discarded can't be had back once every device that owns the workspace has heard of it.

Examples:
  verso quarantine list
  verso quarantine keep 3fa9c1d2
  verso quarantine keep --from ben -w garden
  verso quarantine discard 3fa9c1d2            tells what depends on it, and asks
  verso quarantine discard --all --yes";

pub(super) const DEMO: &str = "\
Nothing outside temporary directories is read or written, and only this machine's own network is used.

Examples:
  verso demo
  verso demo --import debian-packages.jsonl.zst";

pub(super) const COMPLETIONS: &str = "\
Where the script belongs:
  bash         ~/.local/share/bash-completion/completions/verso
  zsh          a file _verso in a folder of $fpath, such as ~/.zfunc
  fish         ~/.config/fish/completions/verso.fish
  elvish       at the end of ~/.config/elvish/rc.elv
  powershell   at the end of the file that $PROFILE names

Examples:
  verso completions bash
  verso completions fish";

pub(super) const MAN: &str = "\
Manual pages belong into a folder `man1` below one of those that `manpath` lists, such as ~/.local/share/man/man1.

Examples:
  verso man                                    the page of the whole program
  verso man man1                               all pages, into this folder";

/// All of them, for the test that parses the examples.
#[cfg(test)]
pub(super) const ALL: &[&str] = &[
    FIRST_STEPS,
    INIT,
    ID,
    KEYSTORE,
    WORKSPACE,
    IMPORT,
    NEARBY,
    NODE,
    EDGE,
    CONFLICTS,
    SHOW,
    PEERS,
    RENAME,
    ADDRESS,
    EXPORT,
    PAIR,
    JOIN,
    FORGET,
    UP,
    STATUS,
    DOCTOR,
    #[cfg(feature = "panel")]
    PANEL,
    LOG,
    BACKUP,
    RESTORE,
    CONFIRM,
    QUARANTINE,
    DEMO,
    COMPLETIONS,
    MAN,
];

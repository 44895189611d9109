//! Hosts that read what is applied by a cursor of their own: everything, in each author's order, and told when it no longer holds.

use verso_identity::WorkspaceId;
use verso_replica::{
    Batch, Cursor, CursorError, Following, JournalError, MAX_BATCH_BYTES, MAX_BATCH_ENTRIES, More, Origin,
};
use verso_trust::{Access, Cut, Keep, MembershipEvent, Revoke, Run};
use verso_vv::{AuthorTag, Seen, SeenItem, Seq};
use verso_wire::Application as _;

use crate::notes::{Intent, Notes, write};
use crate::peer::Peer;
use crate::rig::{NOW, Rig, TestReplica, let_in, open, other, with_own};
use crate::writer::Writer;

/// A host that makes of the entries what the application makes of them.
#[derive(Default)]
struct Host {
    notes: Notes,
    cursor: Vec<u8>,
    entries: usize,
    batches: usize,
    elsewhere: usize,
}

impl Host {
    fn new() -> Self {
        Self { cursor: Cursor::new().to_bytes(), ..Self::default() }
    }

    fn next(&self, replica: &mut TestReplica, workspace: WorkspaceId) -> Result<Following, JournalError> {
        replica.applied_after(&workspace, &Cursor::from_bytes(&self.cursor).unwrap())
    }

    fn take(&mut self, Batch { entries, cursor, .. }: Batch) {
        for entry in &entries {
            self.notes.apply(&entry.as_applied());
            self.elsewhere += usize::from(entry.origin == Origin::Elsewhere);
        }
        self.batches += 1;
        self.entries += entries.len();
        self.cursor = cursor.to_bytes();
    }

    /// Reads all there is.
    fn read(&mut self, replica: &mut TestReplica, workspace: WorkspaceId) {
        loop {
            let Following::Entries(batch) = self.next(replica, workspace).unwrap() else { panic!("it starts anew") };
            let more = batch.more;
            self.take(batch);
            if more == More::No {
                return;
            }
        }
    }

    fn assert_shows(&self, replica: &TestReplica, workspace: WorkspaceId) {
        assert_eq!(self.notes.disorder, 0);
        let digest = replica.application(&workspace).unwrap().digest();
        assert_eq!(self.notes.digest(), digest, "{:?}", self.notes.texts());
    }
}

fn is_to_start_anew(host: &Host, replica: &mut TestReplica, workspace: WorkspaceId) -> bool {
    matches!(host.next(replica, workspace).unwrap(), Following::StartAnew)
}

#[test]
fn a_host_reads_everything_once_whoever_wrote_it_and_across_restarts() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let mut guest = Writer::new(other(2), 1, workspace);
    let mut host = Host::new();
    host.read(&mut rig.replica, workspace);
    host.assert_shows(&rig.replica, workspace);
    let_in(&mut rig, &mut own, &mut writer, guest.device(), Access::ReadWrite);
    for round in 0..3 {
        let unit = guest.texts(&[&format!("theirs {round}"), "and more"]);
        own.give(&mut rig, workspace, &unit);
        rig.replica.commit(&workspace, &[write(&format!("mine {round}"))], NOW).unwrap();
        host.read(&mut rig.replica, workspace);
        host.assert_shows(&rig.replica, workspace);
        rig.replica.flush(NOW).unwrap();
        rig.reopen();
        own = Peer::connect(&mut rig, own.device, &[workspace]);
    }
    let (before, elsewhere) = (host.entries, host.elsewhere);
    assert_eq!(u64::try_from(before).unwrap(), rig.replica.entries(&workspace).unwrap().1, "each once");
    assert_eq!(elsewhere, 7, "the guest's six, and what let it in");
    host.read(&mut rig.replica, workspace);
    assert_eq!(host.entries, before, "nothing twice");
}

#[test]
fn batches_are_bounded() {
    let (mut rig, workspace) = Rig::with_workspace();
    let mut batch: Vec<Intent> = (0..3000).map(|number| write(&format!("text {number}"))).collect();
    batch.extend((0..12).map(|_| Intent::Long(60_000)));
    rig.replica.commit(&workspace, &batch, NOW).unwrap();
    let mut host = Host::new();
    loop {
        let Following::Entries(batch) = host.next(&mut rig.replica, workspace).unwrap() else { panic!("anew") };
        let bytes: usize = batch.entries.iter().map(|entry| entry.payload.len()).sum();
        assert!(batch.entries.len() <= MAX_BATCH_ENTRIES && bytes <= MAX_BATCH_BYTES, "{bytes}");
        assert!(!batch.entries.is_empty());
        let more = batch.more;
        host.take(batch);
        if more == More::No {
            break;
        }
    }
    assert_eq!(host.batches, 5);
    host.assert_shows(&rig.replica, workspace);
}

/// The host may keep what it reads at once: no power cut takes it back.
#[test]
fn what_is_read_is_durable() {
    let (mut rig, workspace) = Rig::with_workspace();
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    let mut host = Host::new();
    host.read(&mut rig.replica, workspace);
    assert_eq!(host.notes.texts(), ["Reading", "one", "two"]);
    rig.crash(4);
    host.read(&mut rig.replica, workspace);
    host.assert_shows(&rig.replica, workspace);
}

#[test]
fn nothing_is_read_of_a_log_that_fails() {
    let (mut rig, workspace) = Rig::with_workspace();
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    rig.disk.fail_after(0);
    let mut host = Host::new();
    assert!(host.next(&mut rig.replica, workspace).is_err());
    assert!(rig.replica.flush(NOW).is_err());
    assert!(host.next(&mut rig.replica, workspace).is_err(), "it may show what is not durable");
    rig.disk.clear_faults();
    assert!(rig.replica.recover(NOW).unwrap());
    host.read(&mut rig.replica, workspace);
    host.assert_shows(&rig.replica, workspace);
}

#[test]
fn what_is_taken_out_or_comes_back_has_the_host_start_anew() {
    let (mut rig, workspace, mut own, mut writer) = with_own();
    let mut guest = Writer::new(other(2), 1, workspace);
    let_in(&mut rig, &mut own, &mut writer, guest.device(), Access::ReadWrite);
    let unit = guest.texts(&["kept"]);
    own.give(&mut rig, workspace, &unit);
    let good = guest.head;
    let mut early = Host::new();
    early.read(&mut rig.replica, workspace);
    let unit = guest.texts(&["cut", "too"]);
    own.give(&mut rig, workspace, &unit);
    let mut late = Host::new();
    late.read(&mut rig.replica, workspace);

    let saw = |writer: &Writer| {
        let item = SeenItem { author: AuthorTag::of(&writer.author), seq: writer.last(), tag: writer.head.hash.tag() };
        Seen::new([item])
    };
    let cut = Cut { author: guest.author, seq: good.seq, hash: good.hash, seal: Vec::new() };
    let revoke = Revoke { device: guest.device(), cuts: vec![cut], keeps: None };
    let unit = writer.member(&MembershipEvent::new(saw(&writer), revoke));
    own.give(&mut rig, workspace, &unit);
    assert!(is_to_start_anew(&late, &mut rig.replica, workspace));
    // Whoever had not read what was cut reads on.
    early.read(&mut rig.replica, workspace);
    early.assert_shows(&rig.replica, workspace);

    let mut late = Host::new();
    late.read(&mut rig.replica, workspace);
    late.assert_shows(&rig.replica, workspace);
    let run = Run { author: guest.author, first: Seq(2), last: Seq(2), hash: good.hash };
    let unit = writer.member(&MembershipEvent::new(saw(&writer), Keep { run }));
    own.give(&mut rig, workspace, &unit);
    late.read(&mut rig.replica, workspace);
    late.assert_shows(&rig.replica, workspace);
    rig.reopen();
    late.read(&mut rig.replica, workspace);
    late.assert_shows(&rig.replica, workspace);
}

/// The data was put back, the host's was not: what it made of entries that are gone it has to make again when they come back.
#[test]
fn a_device_that_was_put_back_has_the_host_start_anew() {
    let (mut rig, workspace) = Rig::with_workspace();
    let image = rig.disk.snapshot(5);
    rig.replica.commit(&workspace, &[write("two")], NOW).unwrap();
    let mut host = Host::new();
    host.read(&mut rig.replica, workspace);
    let (mut back, _) = open(&image).unwrap();
    assert!(is_to_start_anew(&host, &mut back, workspace));
    // It writes something else there, under the same number: that is not what was read either.
    back.commit(&workspace, &[write("instead")], NOW).unwrap();
    back.commit(&workspace, &[write("and more")], NOW).unwrap();
    assert!(is_to_start_anew(&host, &mut back, workspace));
}

#[test]
fn a_workspace_that_is_not_there_has_nothing_to_read() {
    let mut rig = Rig::new();
    let unknown = WorkspaceId::from_bytes([7; 16]);
    for workspace in [unknown, WorkspaceId::CONTROL] {
        let outcome = rig.replica.applied_after(&workspace, &Cursor::new());
        assert!(matches!(outcome, Err(JournalError::Missing)), "{outcome:?}");
    }
}

#[test]
fn bytes_that_are_no_cursor_are_told_from_one() {
    let (mut rig, workspace) = Rig::with_workspace();
    let mut host = Host::new();
    host.read(&mut rig.replica, workspace);
    let bytes = host.cursor;
    for len in 0..bytes.len() {
        assert_eq!(Cursor::from_bytes(&bytes[..len]), Err(CursorError::Malformed), "{len}");
    }
    assert_eq!(Cursor::from_bytes(&[&bytes[..], &[0]].concat()), Err(CursorError::Malformed));
    assert_eq!(Cursor::from_bytes(&[&[9], &bytes[1..]].concat()), Err(CursorError::Version));
    // What is changed inside may be a cursor; then it is not one of this log.
    for at in 1..bytes.len() {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        let Ok(cursor) = Cursor::from_bytes(&changed) else { continue };
        let same = Cursor::from_bytes(&bytes).unwrap() == cursor;
        let anew = matches!(rig.replica.applied_after(&workspace, &cursor).unwrap(), Following::StartAnew);
        assert!(same || anew || cursor.get(&rig.replica.author()) > Seq::ZERO, "byte {at}");
    }
}

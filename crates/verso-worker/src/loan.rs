//! [`Loan`]: the replica in somebody else's hands for a while.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::mpsc;
use std::time::Instant;

use verso_replica::Now;
use verso_wire::Application;

use crate::engine::{HostReplica, now_since};

/// The replica of a running worker, lent to whoever has more to do with it than fits into one question.
///
/// 1. The engine makes all durable that it has taken in, hands the replica out, and waits: nothing else happens to the device meanwhile, and whoever
///    talks to it waits, too. So a loan is short: whoever asks a person, or waits for anybody else, gives it back before.
/// 2. The borrower does what it wants, and flushes if it wants to know that it is durable.
/// 3. [Given back](Self::give_back), or dropped, also by a panic, it is with the engine again, which makes durable what the borrower has not, and tells
///    peers and everybody else what came of it.
pub struct Loan<A: Application> {
    /// There until it is given back.
    replica: Option<Box<HostReplica<A>>>,
    home: mpsc::SyncSender<Returned<A>>,
    /// When the clock of the engine began.
    started: Instant,
}

/// The replica on its way home.
pub(crate) struct Returned<A: Application> {
    replica: Box<HostReplica<A>>,
    /// Dropped once all that the borrower did is known to everybody.
    taken_in: Option<mpsc::Sender<()>>,
}

impl<A: Application> Loan<A> {
    /// Makes a loan, and where the replica comes back.
    pub(crate) fn new(replica: HostReplica<A>, started: Instant) -> (Self, mpsc::Receiver<Returned<A>>) {
        // Room for the replica, so that nobody waits who gives it back.
        let (home, returned) = mpsc::sync_channel(1);
        (Self { replica: Some(Box::new(replica)), home, started }, returned)
    }

    /// Reads the clocks that the replica is used to.
    pub fn now(&self) -> Now {
        now_since(self.started)
    }

    /// Gives the replica back, and waits until the engine has taken in what was done with it. Not from within an asynchronous task.
    pub fn give_back(mut self) {
        let (taken_in, done) = mpsc::channel();
        self.send_home(Some(taken_in));
        // Nothing is ever sent: it is over when the other end is gone.
        done.recv().unwrap_or_default();
    }

    fn send_home(&mut self, taken_in: Option<mpsc::Sender<()>>) {
        if let Some(replica) = self.replica.take() {
            // The engine waits for it, so it is heard.
            drop(self.home.send(Returned { replica, taken_in }));
        }
    }
}

impl<A: Application> Returned<A> {
    /// Takes it apart. Whoever gave it back waits until the second part is dropped.
    pub(crate) fn into_parts(self) -> (HostReplica<A>, Option<mpsc::Sender<()>>) {
        (*self.replica, self.taken_in)
    }
}

impl<A: Application> Drop for Loan<A> {
    fn drop(&mut self) {
        self.send_home(None);
    }
}

impl<A: Application> Deref for Loan<A> {
    type Target = HostReplica<A>;

    #[expect(clippy::expect_used, reason = "only what consumes the loan takes the replica out of it")]
    fn deref(&self) -> &HostReplica<A> {
        self.replica.as_deref().expect("a loan holds the replica")
    }
}

impl<A: Application> DerefMut for Loan<A> {
    #[expect(clippy::expect_used, reason = "only what consumes the loan takes the replica out of it")]
    fn deref_mut(&mut self) -> &mut HostReplica<A> {
        self.replica.as_deref_mut().expect("a loan holds the replica")
    }
}

impl<A: Application> fmt::Debug for Loan<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loan").field("is_held", &self.replica.is_some()).finish_non_exhaustive()
    }
}

//! The commands, a file each: ask, have it done, tell.

pub(crate) mod agreement;
mod author;
pub(crate) mod backup;
mod codes;
pub(crate) mod completions;
pub(crate) mod conflicts;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod edge;
pub(crate) mod export;
pub(crate) mod identity;
pub(crate) mod import;
pub(crate) mod invite;
pub(crate) mod join;
pub(crate) mod keystore;
mod leave;
pub(crate) mod log;
pub(crate) mod man;
pub(crate) mod nearby;
pub(crate) mod node;
mod node_view;
pub(crate) mod once;
pub(crate) mod pair;
pub(crate) mod peers;
pub(crate) mod quarantine;
pub(crate) mod restore;
pub(crate) mod sharing;
pub(crate) mod show;
pub(crate) mod status;
pub(crate) mod up;
pub(crate) mod workspace;

/// Returns what this machine is called, for a device that was given no name.
pub(crate) fn host_name() -> String {
    let name = gethostname::gethostname();
    verso_pairing::Name::lossy(&name.to_string_lossy()).as_str().to_owned()
}

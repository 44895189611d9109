//! Scenario tests of the program itself: real processes, real files, real QUIC on 127.0.0.1. A file each.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "helpers of tests may panic as tests do")]

#[cfg(target_os = "linux")]
mod asked;
mod backup;
mod bookmarks;
mod conflicts;
#[cfg(unix)]
mod control;
mod demo;
mod device;
mod doctor;
mod friends;
mod graph;
mod identity;
mod import;
#[cfg(unix)]
mod inside;
#[cfg(target_os = "linux")]
mod invitations;
mod keychain;
mod keystore;
mod killed;
#[cfg(target_os = "linux")]
#[path = "../../../verso-discovery/tests/it/listener.rs"]
mod listener;
mod locked;
mod log;
#[cfg(target_os = "linux")]
mod machine;
mod manual;
#[cfg(target_os = "linux")]
#[path = "../../../verso-discovery/tests/it/namespaces.rs"]
mod namespaces;
#[cfg(target_os = "linux")]
mod nearby;
mod offline;
mod pairing;
#[cfg(all(target_os = "linux", feature = "panel"))]
mod panel;
mod private;
mod quarantine;
mod repair;
#[cfg(unix)]
mod same;
#[cfg(target_os = "linux")]
mod seat;
#[cfg(target_os = "linux")]
#[path = "../../../verso-identity/tests/it/secret_service.rs"]
mod secret_service;
mod secrets;
mod shapes;
mod sharing;
mod strangers;
mod sync;
#[cfg(target_os = "linux")]
mod unlinkable;
mod up;
mod watch;

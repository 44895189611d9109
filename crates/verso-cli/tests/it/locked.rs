//! One process at a time has a data directory.

use crate::device::Device;

#[test]
fn a_lock_file_alone_locks_nobody_out() {
    let device = Device::new("desk");
    std::fs::write(device.dir().join("lock"), format!("{}\n", std::process::id())).unwrap();
    device.ok(&["id"]);
}

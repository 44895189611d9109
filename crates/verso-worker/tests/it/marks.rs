//! The high-water mark of a worker's device: kept beside its work, read at the next start, and never in the way.

use std::sync::Arc;

use verso_identity::{DeviceKey, KeyStore as _, LoadError, MarkStore, MemoryKeyStore, StoreError};
use verso_worker::read_high_water;

use crate::rig::{Device, copy};

/// A store that takes nothing and gives nothing.
#[derive(Debug)]
struct Broken;

impl MarkStore for Broken {
    fn read_sealed(&self) -> Result<Option<Vec<u8>>, LoadError> {
        Err(LoadError::NotOurs)
    }

    fn write_sealed(&self, _sealed: &[u8]) -> Result<(), StoreError> {
        Err(StoreError::Differs)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_that_was_put_back_is_noticed_at_the_start() {
    let marks = MemoryKeyStore::new().marks();
    let device = Device::keeping("desk", Arc::clone(&marks)).await;
    let workspace = device.found("garden").await;
    let device = device.restart("desk").await;
    let image = tempfile::tempdir().unwrap();
    copy(device.directory.path(), image.path());
    device.add(workspace, "later").await;
    let (directory, key) = device.close().await;
    let mark = read_high_water(marks.as_ref(), &key).unwrap().unwrap();
    assert!(mark.heads().any(|(named, _)| named == workspace));

    // As it was left, it goes on.
    let device = Device::<verso_graph::Graph>::open_keeping("desk", directory, key, Arc::clone(&marks)).await;
    assert_eq!(device.worker.notices().rolled_back, None);
    let (_directory, key) = device.close().await;

    let twin = DeviceKey::from_secret(&key.to_secret());
    let device = Device::<verso_graph::Graph>::open_keeping("desk", image, twin, Arc::clone(&marks)).await;
    assert!(device.worker.notices().rolled_back.is_some());
    device.add(workspace, "after").await;
    device.close().await;
    let after = read_high_water(marks.as_ref(), &key).unwrap().unwrap();
    assert_ne!(after.incarnation(), mark.incarnation());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_is_told_and_stops_nothing() {
    let device = Device::keeping("desk", Arc::new(Broken)).await;
    let mut status = device.handle.status();
    let told = status.wait_for(|status| status.mark_failure.is_some()).await.unwrap().mark_failure.clone().unwrap();
    assert!(told.contains("high-water"), "{told}");
    let workspace = device.found("garden").await;
    device.add(workspace, "all the same").await;
    device.close().await;
}

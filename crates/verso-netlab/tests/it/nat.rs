//! Between homes: what becomes direct, what stays at the relay, and what a transfer survives.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use verso_transport::{FrameStream, PathKind, SyncConnection};

use crate::fixture::{ANNA, BEN, Device};
use crate::homes::{Home, Internet, Router};
use crate::patience::{is_direct, is_relayed, online, path};

/// How much is transferred where something happens meanwhile, in frames: 16 MiB.
const FRAMES: u32 = 256;
const FRAME: usize = 64 * 1024;

/// Two devices at their homes, and a connection that they have made with nothing but their ids and their relay.
struct Met {
    anna: Arc<Device>,
    ben: Arc<Device>,
    dialled: SyncConnection,
    control: FrameStream,
    accepted: SyncConnection,
    other: FrameStream,
}

fn meet(internet: &Internet, annas: &Home, bens: &Home) -> Met {
    let anna = Arc::new(annas.device(ANNA, &[BEN], internet.config()));
    let ben = Arc::new(bens.device(BEN, &[ANNA], internet.config()));
    let (device, waiting) = (Arc::clone(&anna), Arc::clone(&anna));
    annas.machine().run(async move { online(&device.transport).await });
    let accepting = annas.machine().start(async move { waiting.accept_sync().await });
    let device = Arc::clone(&ben);
    let (dialled, control) = bens.machine().run(async move { device.dial_at(ANNA, &[]).await.unwrap() });
    let (accepted, other) = accepting();
    Met { anna, ben, dialled, control, accepted, other }
}

/// Sends all that is to be sent, and lets something happen when a quarter has arrived. Returns the connection.
fn transfer(annas: &Home, bens: &Home, met: Met, meanwhile: impl FnOnce()) -> Met {
    let Met { mut control, mut other, .. } = met;
    let (arrived, quarter) = (Arc::new(AtomicU32::new(0)), Arc::new(Notify::new()));
    let (count, tell) = (Arc::clone(&arrived), Arc::clone(&quarter));
    let receiving = annas.machine().start(async move {
        for number in 0..FRAMES {
            let frame = other.receive().await.unwrap().unwrap();
            assert!(frame.len() == FRAME && frame.starts_with(&number.to_le_bytes()), "frame {number}");
            if count.fetch_add(1, Ordering::Relaxed) == FRAMES / 4 {
                tell.notify_one();
            }
        }
        other
    });
    let sending = bens.machine().start(async move {
        for number in 0..FRAMES {
            let mut frame = number.to_le_bytes().to_vec();
            frame.resize(FRAME, 0);
            control.send(Bytes::from(frame)).await.unwrap();
        }
        control
    });
    annas.machine().run(async move { quarter.notified().await });
    meanwhile();
    let (control, other) = (sending(), receiving());
    assert_eq!(arrived.load(Ordering::Relaxed), FRAMES);
    Met { control, other, ..met }
}

fn part(annas: &Home, bens: &Home, met: Met) {
    let Met { anna, ben, dialled, control, accepted, other } = met;
    drop((dialled, control, accepted, other));
    bens.machine().run(async move { ben.transport.close().await });
    annas.machine().run(async move { anna.transport.close().await });
}

#[test]
fn from_home_to_home_it_becomes_direct() {
    let Some(internet) = Internet::new() else { return };
    let (annas, bens) = (internet.home(7, Router::Home), internet.home(8, Router::Home));
    let met = meet(&internet, &annas, &bens);
    let (dialled, accepted) = (met.dialled.clone(), met.accepted.clone());
    let here = bens.machine().run(async move { (path(&dialled, is_direct).await, dialled.path().unwrap()) });
    let there = annas.machine().run(async move { path(&accepted, is_direct).await });
    let outside = |kind: PathKind| match kind {
        PathKind::Direct { address } => address.ip().to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!((outside(here.0), outside(there)), ("203.0.113.7".to_owned(), "203.0.113.8".to_owned()));
    assert!(here.1.round_trip > Duration::ZERO);
    // What is sent goes there, and no more through the relay.
    let before = internet.relay().bytes_carried();
    let met = transfer(&annas, &bens, met, || {});
    let carried = internet.relay().bytes_carried() - before;
    assert!(carried < 1 << 20, "{carried} bytes of 16 MiB went through the relay");
    part(&annas, &bens, met);
    internet.close();
}

#[test]
fn between_strict_routers_it_stays_at_the_relay_and_works() {
    let Some(internet) = Internet::new() else { return };
    let (annas, bens) = (internet.home(7, Router::Strict), internet.home(8, Router::Strict));
    let met = meet(&internet, &annas, &bens);
    let met = transfer(&annas, &bens, met, || {});
    let url = internet.relay().url();
    for (home, connection) in [(&bens, met.dialled.clone()), (&annas, met.accepted.clone())] {
        let (kind, now) = home.machine().run(async move { (path(&connection, is_relayed).await, connection.path()) });
        assert!(matches!(kind, PathKind::Relayed { relay } if relay.to_string() == url));
        assert!(now.is_some_and(|path| path.round_trip > Duration::ZERO));
    }
    part(&annas, &bens, met);
    internet.close();
}

/// A machine that gets another address is the same device on the same connection.
#[test]
fn an_address_that_changes_in_mid_transfer_is_survived() {
    let Some(internet) = Internet::new() else { return };
    for mover in [ANNA, BEN] {
        let (annas, bens) = (internet.home(7, Router::Home), internet.home(8, Router::Home));
        let met = meet(&internet, &annas, &bens);
        let dialled = met.dialled.clone();
        bens.machine().run(async move { path(&dialled, is_direct).await });
        let met = transfer(&annas, &bens, met, || match mover {
            ANNA => annas.move_to("192.168.1.7", "192.168.1.77"),
            _ => bens.move_to("192.168.1.8", "192.168.1.88"),
        });
        assert_eq!((met.dialled.close_reason(), met.accepted.close_reason()), (None, None));
        part(&annas, &bens, met);
    }
    internet.close();
}

#[test]
fn a_line_that_loses_packets_is_slow_and_works() {
    let Some(internet) = Internet::new() else { return };
    let (annas, bens) = (internet.home(7, Router::Home), internet.home(8, Router::Home));
    bens.lose(5);
    let met = meet(&internet, &annas, &bens);
    let met = transfer(&annas, &bens, met, || {});
    part(&annas, &bens, met);
    internet.close();
}

/// Somebody stumbles over the cable, and plugs it in again.
#[test]
fn a_cable_that_is_pulled_and_plugged_in_again_is_survived() {
    let Some(internet) = Internet::new() else { return };
    let (annas, bens) = (internet.home(7, Router::Home), internet.home(8, Router::Home));
    let met = meet(&internet, &annas, &bens);
    let met = transfer(&annas, &bens, met, || {
        bens.cable("down");
        // As long as it takes; the connection counts as lost after 30 s.
        std::thread::sleep(Duration::from_secs(3));
        bens.cable("up");
    });
    assert_eq!((met.dialled.close_reason(), met.accepted.close_reason()), (None, None));
    part(&annas, &bens, met);
    internet.close();
}

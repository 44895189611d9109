//! What two devices that have nothing to say to each other send all the same. They take two minutes each by the clock and are run when they are asked for; their figures are in
//! `docs/self-hosting.md`.

#![expect(clippy::print_stdout, reason = "it is run for what it prints")]

use std::sync::Arc;
use std::time::Duration;

use crate::fixture::{ANNA, BEN};
use crate::homes::{Internet, Machine, Router};
use crate::patience::{is_direct, is_relayed, online, path};

/// How long it is watched: four times the longest interval at which anything is sent.
const WATCHED: Duration = Duration::from_secs(90);

/// How long two devices have to do with each other before they have nothing more to say.
const SETTLING: Duration = Duration::from_secs(10);

/// Bytes and packets that have come and gone at `eth0` of a machine so far.
fn traffic(machine: &Machine) -> [u64; 4] {
    let devices = machine.run(async { std::fs::read_to_string("/proc/thread-self/net/dev").unwrap() });
    let line = devices.lines().find_map(|line| line.trim().strip_prefix("eth0:")).unwrap();
    let figures: Vec<u64> = line.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
    [0, 1, 8, 9].map(|column| *figures.get(column).unwrap())
}

#[test]
#[ignore = "two minutes by the clock, for figures"]
fn what_idle_devices_send_directly() {
    weigh(Router::Home);
}

#[test]
#[ignore = "two minutes by the clock, for figures"]
fn what_idle_devices_send_through_the_relay() {
    weigh(Router::Strict);
}

fn weigh(kind: Router) {
    let Some(internet) = Internet::new() else { return };
    let (annas, bens) = (internet.home(7, kind), internet.home(8, kind));
    let anna = Arc::new(annas.device(ANNA, &[BEN], internet.config()));
    let ben = Arc::new(bens.device(BEN, &[ANNA], internet.config()));
    let (device, waiting) = (Arc::clone(&anna), Arc::clone(&anna));
    annas.machine().run(async move { online(&device.transport).await });
    let accepting = annas.machine().start(async move { waiting.accept_sync().await });
    let device = Arc::clone(&ben);
    let dialled = bens.machine().run(async move { device.dial_at(ANNA, &[]).await.unwrap() });
    let accepted = accepting();
    let way = dialled.0.clone();
    bens.machine().run(async move {
        path(&way, if kind == Router::Home { is_direct } else { is_relayed }).await;
        tokio::time::sleep(SETTLING).await;
    });
    let before = [traffic(annas.machine()), traffic(internet.server())];
    bens.machine().run(async { tokio::time::sleep(WATCHED).await });
    let after = [traffic(annas.machine()), traffic(internet.server())];
    for (who, (before, after)) in ["a device", "the relay, for two"].iter().zip(before.iter().zip(&after)) {
        let gone = |(after, before): (&u64, &u64)| (after - before) * 3600 / WATCHED.as_secs();
        let [come, packets_come, go, packets_go] =
            <[u64; 4]>::try_from(after.iter().zip(before).map(gone).collect::<Vec<_>>()).unwrap();
        println!("{who}, an hour: {come} bytes in {packets_come} packets come, {go} in {packets_go} go");
    }
    drop((dialled, accepted));
    internet.close();
}

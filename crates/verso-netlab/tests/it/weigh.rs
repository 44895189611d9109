//! What two devices that have nothing to say to each other send all the same. It takes four minutes by the clock and is run when it is asked for; its figures are in
//! `docs/self-hosting.md`.

#![expect(clippy::print_stdout, reason = "it is run for what it prints")]

use std::sync::Arc;
use std::time::Duration;

use crate::fixture::{ANNA, BEN};
use crate::homes::{Internet, Machine, Router};
use crate::patience::{is_direct, is_relayed, online, path};

/// How long it is watched: four times the longest interval at which anything is sent.
const WATCHED: Duration = Duration::from_secs(90);

/// Bytes and packets that have come and gone at `eth0` of a machine so far.
fn traffic(machine: &Machine) -> [u64; 4] {
    let devices = machine.run(async { std::fs::read_to_string("/proc/thread-self/net/dev").unwrap() });
    let line = devices.lines().find_map(|line| line.trim().strip_prefix("eth0:")).unwrap();
    let figures: Vec<u64> = line.split_whitespace().map(|figure| figure.parse().unwrap()).collect();
    [0, 1, 8, 9].map(|column| *figures.get(column).unwrap())
}

#[test]
#[ignore = "four minutes by the clock, for figures"]
fn what_idle_devices_send() {
    let Some(internet) = Internet::new() else { return };
    for kind in [Router::Home, Router::Strict] {
        let (annas, bens) = (internet.home(7, kind), internet.home(8, kind));
        let anna = Arc::new(annas.device(ANNA, &[BEN], internet.config()));
        let ben = Arc::new(bens.device(BEN, &[ANNA], internet.config()));
        let device = Arc::clone(&anna);
        annas.machine().run(async move { online(&device.transport).await });
        let waiting = Arc::clone(&anna);
        let accepting = annas.machine().start(async move { waiting.accept_sync().await });
        let device = Arc::clone(&ben);
        let (dialled, control) = bens.machine().run(async move { device.dial_at(ANNA, &[]).await.unwrap() });
        let accepted = accepting();
        let way = dialled.clone();
        bens.machine().run(async move {
            path(&way, if kind == Router::Home { is_direct } else { is_relayed }).await;
            tokio::time::sleep(Duration::from_secs(10)).await;
        });
        let before = [traffic(annas.machine()), traffic(internet.server())];
        bens.machine().run(async { tokio::time::sleep(WATCHED).await });
        let after = [traffic(annas.machine()), traffic(internet.server())];
        for (who, (before, after)) in ["a device", "the relay, for two"].iter().zip(before.iter().zip(&after)) {
            let an_hour = |column: usize| (after[column] - before[column]) * 3600 / WATCHED.as_secs();
            println!(
                "{kind:?}: {who}, an hour: {} bytes in {} packets come, {} bytes in {} packets go",
                an_hour(0),
                an_hour(1),
                an_hour(2),
                an_hour(3)
            );
        }
        drop((dialled, control, accepted));
    }
    internet.close();
}

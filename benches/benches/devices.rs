//! What devices do beside units and graphs: vectors, signatures, the proof between two, links, the replica with its journal in memory, and a meeting of
//! two devices with all that belongs to it but sockets.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a bench that can't go on says so and ends")]

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use verso_graph::{Graph, Intent};
use verso_identity::{DeviceId, DeviceKey, Key, SignatureDomain, WorkspaceId, purposes};
use verso_log::MemoryStorage;
use verso_noise::{NoiseKey, PreSharedKey, Randomness, SyncHandshake, SyncPrologue, SyncSecrets};
use verso_pairing::{LinkHints, PairingLink, Token, terminal_qr};
use verso_replica::{Now, Replica};
use verso_testkit::World;
use verso_vv::{Author, Incarnation, Seq, VersionVector};
use zeroize::Zeroizing;

/// How many authors a large vector has: a person's devices have some, a shared workspace of many years some hundred.
const AUTHORS: u64 = 200;
/// How many intents a long commit has: as many as a unit holds.
const LONG: usize = 4_096;

const NOW: Now = Now { wall_ms: 1_760_000_000_000, monotonic_ms: 0 };

fn key(number: u8) -> DeviceKey {
    DeviceKey::from_secret(&Zeroizing::new([number; 32]))
}

fn vectors(criterion: &mut Criterion) {
    let author = |number: u64| {
        let mut device = [7; 32];
        device[..8].copy_from_slice(&number.to_le_bytes());
        Author { device: DeviceId::from_bytes(device), incarnation: Incarnation(number) }
    };
    let vector = |first: u64, ahead: u64| {
        let mut vector = VersionVector::new();
        (first..first + AUTHORS).for_each(|number| vector.set(author(number), Seq(1_000 + number % ahead)));
        vector
    };
    let (one, two) = (vector(0, 3), vector(AUTHORS / 2, 5));
    let mut group = criterion.benchmark_group("vectors of 200 authors");
    group.bench_function("compare", |bench| bench.iter(|| black_box(&one).compare(black_box(&two))));
    group.bench_function("what the other lacks", |bench| bench.iter(|| one.beyond(black_box(&two)).count()));
    group.bench_function("merge", |bench| {
        bench.iter_batched_ref(|| one.clone(), |one| one.merge(black_box(&two)), BatchSize::SmallInput);
    });
    group.finish();
}

fn keys(criterion: &mut Criterion) {
    let key = key(1);
    let (message, domain) = ([0x5a; 100], SignatureDomain::Seal);
    let signature = key.sign(domain, &message);
    let mut group = criterion.benchmark_group("keys");
    group.bench_function("sign", |bench| bench.iter(|| key.sign(domain, black_box(&message))));
    group.bench_function("verify", |bench| {
        bench.iter(|| key.id().verify(domain, black_box(&message), &signature).expect("it was signed"));
    });
    group.bench_function("derive", |bench| bench.iter(|| -> Key<purposes::Log> { key.derive() }));
    group.finish();
}

fn proof(criterion: &mut Criterion) {
    let (dialer, acceptor) = (key(1), key(2));
    let keys = [&dialer, &acceptor].map(NoiseKey::derive);
    let publics = keys.each_ref().map(NoiseKey::public);
    let psk = PreSharedKey::new(Zeroizing::new([3; 32]));
    let secrets = [0, 1].map(|side: usize| SyncSecrets { own: &keys[side], peer: &publics[1 - side], psk: &psk });
    let prologue = SyncPrologue { generation: 1, dialer: dialer.id(), acceptor: acceptor.id(), exporter: [4; 32] };
    let random = |byte| Randomness::new(Zeroizing::new([byte; 32]));
    criterion.bench_function("proof between two, both sides", |bench| {
        bench.iter(|| {
            let mut one = SyncHandshake::dial(&secrets[0], &prologue, random(5)).expect("keys are good");
            let mut two = SyncHandshake::accept(&secrets[1], &prologue, random(6)).expect("keys are good");
            two.read_message(&one.write_message().expect("it is its turn")).expect("it is authentic");
            one.read_message(&two.write_message().expect("it is its turn")).expect("it is authentic");
            assert_eq!(one.finish().expect("it is over"), two.finish().expect("it is over"));
        });
    });
}

fn links(criterion: &mut Criterion) {
    let addresses = vec!["192.168.1.2:4242".parse().expect("an address"); 3];
    let hints = LinkHints { addresses, ..LinkHints::default() };
    let link = PairingLink::new(key(1).id(), Token::new(Zeroizing::new([9; 16])), hints);
    let text = link.to_string();
    let mut group = criterion.benchmark_group("links");
    group.bench_function("parse", |bench| {
        bench.iter(|| black_box(&text[..]).parse::<PairingLink>().expect("it is a link"));
    });
    group.bench_function("as a code to be seen", |bench| {
        bench.iter(|| terminal_qr(&link, verso_pairing::Background::Dark));
    });
    group.finish();
}

/// A device on a disk in memory that has written some, and the workspace that it did that in.
fn replica(nodes: usize) -> (Replica<MemoryStorage, Graph>, MemoryStorage, WorkspaceId) {
    let storage = MemoryStorage::new(1);
    let (mut replica, _) = Replica::open(storage.clone(), key(1), "bench", NOW).expect("an empty disk opens");
    let workspace = replica.found_workspace("bench", NOW).expect("there is room");
    replica.commit(&workspace, &adds(nodes), NOW).expect("there is room");
    replica.flush(NOW).expect("the disk works");
    (replica, storage, workspace)
}

fn adds(count: usize) -> Vec<Intent> {
    let add = |number: usize| Intent::AddNode {
        url: format!("https://host-{}.example/{number:x}", number % 97),
        title: format!("page {number}"),
    };
    (0..count).map(add).collect()
}

fn replicas(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("replica");
    group.sample_size(20);
    for (name, count) in [("commit one", 1), ("commit 4,096", LONG)] {
        let intents = adds(count);
        group.throughput(Throughput::Elements(intents.len().try_into().expect("a count")));
        group.bench_function(name, |bench| {
            let (mut replica, _, workspace) = replica(1_000);
            bench.iter(|| {
                replica.commit(&workspace, &intents, NOW).expect("there is room");
                replica.flush(NOW).expect("the disk works");
            });
        });
    }
    group.throughput(Throughput::Elements(LONG.try_into().expect("a count")));
    let (_, storage, workspace) = replica(LONG);
    group.bench_function("open with a replay of 4,096", |bench| {
        bench.iter(|| {
            let (opened, _) =
                Replica::<_, Graph>::open(storage.snapshot(2), key(1), "bench", NOW).expect("it was closed");
            assert_eq!(opened.application(&workspace).expect("it is held").counts().nodes, LONG);
        });
    });
    group.finish();
}

/// Hello, admission, units, acknowledgements: what a session does, between two disks in memory.
fn meeting(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("two devices meet");
    group.sample_size(20).throughput(Throughput::Elements(LONG.try_into().expect("a count")));
    let apart = || {
        let mut world = World::new(1);
        let [one, two] = ["one", "two"].map(|name| world.add_device(name));
        world.pair(one, two);
        let workspace = world.found_workspace(one, "bench");
        assert!(world.commit(one, workspace, &adds(LONG)), "the disk works");
        (world, [one, two])
    };
    group.bench_function("with 4,096 intents to bring", |bench| {
        bench.iter_batched(
            apart,
            |(mut world, [one, two])| {
                assert!(world.connect(one, two), "both are on");
                world.run();
                world.assert_equal(&[one, two]);
                world
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

criterion_group!(benches, vectors, keys, proof, links, replicas, meeting);
criterion_main!(benches);

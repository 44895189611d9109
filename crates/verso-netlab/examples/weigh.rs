//! Brings so many clients to a relay that runs, sends from half of them to the other half for some seconds, and stays for as long: for weighing the relay meanwhile.
//!
//! `cargo run --release -p verso-netlab --example weigh -- URL COUNT SECONDS [CERTIFICATE]`, with the token in `VERSO_RELAY_TOKEN`.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a tool of the laboratory, which speaks to whoever runs it"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::{SinkExt as _, StreamExt as _};
use iroh::dns::DnsResolver;
use iroh::tls::CaTlsConfig;
use iroh::{RelayUrl, SecretKey};
use iroh_relay::client::{Client, ClientBuilder};
use iroh_relay::protos::relay::{ClientToRelayMsg, Datagrams, RelayToClientMsg};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;
use tokio::time::timeout;

/// What one QUIC packet carries.
const DATAGRAM: usize = 1_200;

#[tokio::main]
async fn main() {
    let words: Vec<String> = std::env::args().collect();
    let url: RelayUrl = words.get(1).unwrap().parse().unwrap();
    let count: usize = words.get(2).unwrap().parse().unwrap();
    let seconds = Duration::from_secs(words.get(3).unwrap().parse().unwrap());
    let roots = words.get(4).map(|file| CertificateDer::from_pem_file(file).unwrap());
    let tls = CaTlsConfig::embedded().with_extra_roots(roots).client_config(Arc::new(default_provider())).unwrap();
    let token = std::env::var("VERSO_RELAY_TOKEN").ok();
    let resolver = DnsResolver::default();

    let begun = Instant::now();
    let mut clients: Vec<(SecretKey, Client)> = Vec::new();
    for _ in 0..count {
        let key = SecretKey::generate();
        let mut builder = ClientBuilder::new(url.clone(), key.clone(), resolver.clone()).tls_client_config(tls.clone());
        if let Some(token) = &token {
            builder = builder.auth_token(token);
        }
        clients.push((key, builder.connect().await.unwrap()));
    }
    println!("{count} clients after {:?}; they are quiet for {seconds:?}", begun.elapsed());
    // Each has to answer its pings meanwhile.
    let mut quiet = tokio::task::JoinSet::new();
    for (key, mut client) in clients {
        quiet.spawn(async move {
            let until = Instant::now() + seconds;
            while let Some(left) = until.checked_duration_since(Instant::now()) {
                if let Ok(Some(Ok(RelayToClientMsg::Ping(data)))) = timeout(left, client.next()).await {
                    client.send(ClientToRelayMsg::Pong(data)).await.unwrap();
                }
            }
            (key, client)
        });
    }
    let clients = quiet.join_all().await;

    println!("one sends to another for {seconds:?}");
    let mut clients = clients.into_iter();
    let (Some((_, sender)), Some((key, mut receiver))) = (clients.next(), clients.next()) else { return };
    let to = key.public();
    let (reader, mut writer) = sender.split();
    let sending = tokio::spawn(async move {
        let _reader = reader;
        let until = Instant::now() + seconds;
        while Instant::now() < until {
            let datagrams = Datagrams::from(vec![7; DATAGRAM]);
            let message = ClientToRelayMsg::Datagrams { dst_endpoint_id: to, datagrams };
            if writer.send(message).await.is_err() {
                break;
            }
        }
    });
    let mut arrived = 0_u64;
    while let Ok(Some(Ok(message))) = timeout(Duration::from_secs(1), receiver.next()).await {
        arrived += u64::from(matches!(message, RelayToClientMsg::Datagrams { .. }));
    }
    sending.await.unwrap();
    println!("{arrived} datagrams of {DATAGRAM} bytes came");
}

//! What QUIC and TLS tell of a device before anything is proven: to who dials its port, and to who answers in the place of another. The threat
//! model rests on these answers, which iroh gives; so they are asked for here.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use noq::crypto::rustls::{QuicClientConfig, QuicServerConfig};
use rustls::client::ResolvesClientCert;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{DigitallySignedStruct, Error, SignatureScheme};

use crate::fixture::{ANNA, BEN, Device, close_all, id};

const ALPN: &[u8] = b"verso/sync/1";
const LOCALHOST: &str = "127.0.0.1:0";

/// Believes every key, and notes it.
#[derive(Debug, Default)]
struct Listener(Mutex<Vec<Vec<u8>>>);

impl ServerCertVerifier for Listener {
    fn verify_server_cert(
        &self,
        key: &CertificateDer<'_>,
        _others: &[CertificateDer<'_>],
        _name: &ServerName<'_>,
        _ocsp: &[u8],
        _now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        self.0.lock().unwrap().push(key.to_vec());
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        _message: &[u8],
        _key: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Err(Error::General("QUIC has TLS 1.3".to_owned()))
    }

    fn verify_tls13_signature(
        &self,
        _message: &[u8],
        _key: &CertificateDer<'_>,
        _signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        Ok(HandshakeSignatureValid::assertion())
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        vec![SignatureScheme::ED25519]
    }

    fn requires_raw_public_keys(&self) -> bool {
        true
    }
}

/// Says that it has a key as devices have, and shows none.
#[derive(Debug)]
struct Keyless;

impl ResolvesClientCert for Keyless {
    fn resolve(&self, _subjects: &[&[u8]], _schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        None
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }

    fn has_certs(&self) -> bool {
        true
    }
}

/// Notes which name is asked for, and answers nothing.
#[derive(Debug, Default)]
struct Impostor(Mutex<Vec<Option<String>>>);

impl ResolvesServerCert for Impostor {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        self.0.lock().unwrap().push(hello.server_name().map(str::to_owned));
        None
    }

    fn only_raw_public_keys(&self) -> bool {
        true
    }
}

fn provider() -> Arc<rustls::crypto::CryptoProvider> {
    Arc::new(rustls::crypto::aws_lc_rs::default_provider())
}

/// Dials a device without a key of one's own, and returns the keys that it shows.
async fn keys_shown(device: &Device, alpn: &[u8]) -> Vec<Vec<u8>> {
    let listener = Arc::new(Listener::default());
    let mut tls = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(listener.clone())
        .with_client_cert_resolver(Arc::new(Keyless));
    (tls.alpn_protocols, tls.enable_sni) = (vec![alpn.to_vec()], false);
    let stranger = noq::Endpoint::client(LOCALHOST.parse().unwrap()).unwrap();
    let config = noq::ClientConfig::new(Arc::new(QuicClientConfig::try_from(tls).unwrap()));
    let dial = stranger.connect_with(config, *device.addresses().first().unwrap(), "nobody.invalid").unwrap();
    // The stranger has no key to show, so it is let in nowhere, now or a moment later.
    if let Ok(connection) = dial.await {
        connection.closed().await;
    }
    listener.0.lock().unwrap().clone()
}

/// Nothing has to be known of a device to be told who it is but its port, and what anybody knows: the protocol's name.
#[tokio::test(flavor = "multi_thread")]
async fn who_dials_a_port_learns_which_device_answers() {
    let anna = Device::up(ANNA, &[BEN]).await;
    let seen = keys_shown(&anna, ALPN).await;
    assert_eq!(seen.len(), 1);
    assert!(seen[0].ends_with(id(ANNA).as_bytes()), "its key, for whoever dials");
    assert!(keys_shown(&anna, b"h3").await.is_empty(), "another protocol ends before that");
    close_all([&anna]).await;
}

/// Who repeats another's announcement, or has taken its address, is dialled, and learns that somebody dials.
#[tokio::test(flavor = "multi_thread")]
async fn who_answers_in_a_device_s_place_learns_neither_whom_it_was_taken_for_nor_who_dials() {
    let impostor = Arc::new(Impostor::default());
    let mut tls = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&rustls::version::TLS13])
        .unwrap()
        .with_no_client_auth()
        .with_cert_resolver(impostor.clone());
    tls.alpn_protocols = vec![ALPN.to_vec()];
    let config = noq::ServerConfig::with_crypto(Arc::new(QuicServerConfig::try_from(tls).unwrap()));
    let endpoint = noq::Endpoint::server(config, LOCALHOST.parse().unwrap()).unwrap();
    let address: SocketAddr = endpoint.local_addr().unwrap();
    let answering = async {
        let incoming = endpoint.accept().await.unwrap();
        // It has no key that the dialler would take, and has to end here: the dialler shows its own only behind that.
        incoming.accept().unwrap().await.unwrap_err();
    };
    let anna = Device::up(ANNA, &[BEN]).await;
    let addresses = [address];
    tokio::select! {
        () = answering => {}
        dialled = anna.dial_at(BEN, &addresses) => assert!(dialled.is_err()),
    }
    let names = impostor.0.lock().unwrap().clone();
    assert!(!names.is_empty() && names.iter().all(Option::is_none), "no name in the clear: {names:?}");
    close_all([&anna]).await;
}

//! [`Relay`]: a real relay in this process.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use iroh_relay::server::{
    AccessControl, AllowAll, CertConfig, ClientRequest, DynAccessControl, QuicConfig, RelayConfig, Server,
    ServerConfig, TlsConfig,
};
use rustls::crypto::aws_lc_rs::default_provider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use verso_identity::DeviceId;

/// Whom a relay lets in: three of the four ways that its configuration file has.
#[derive(Debug, Clone)]
pub enum Access {
    /// Everybody, as `access = "everyone"`.
    Everyone,
    /// Who shows this token, as `access.shared_token`.
    Token(&'static str),
    /// These devices, as `access.allowlist`.
    Devices(Vec<DeviceId>),
}

/// How a relay is spoken to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wire {
    /// By HTTP, as behind a server that does TLS for it. It can't tell devices how they look from outside.
    Plain,
    /// By HTTPS under a certificate of its own, and by QUIC, where it tells devices how they look from outside.
    Tls,
}

/// A relay. Dropped, it is gone.
#[derive(Debug)]
pub struct Relay {
    server: Server,
    ip: IpAddr,
    certificate: Option<String>,
}

impl Relay {
    /// Starts a relay at an address of this machine, or of the namespace of this thread.
    pub async fn start(ip: IpAddr, wire: Wire, access: Access) -> Self {
        Self::start_at(SocketAddr::new(ip, 0), wire, access).await
    }

    /// As [`start`](Self::start), at a port that was a relay's before.
    pub async fn start_at(address: SocketAddr, wire: Wire, access: Access) -> Self {
        let ip = address.ip();
        let any = SocketAddr::new(ip, 0);
        let mut relay = RelayConfig::new(if wire == Wire::Plain { address } else { any });
        relay.access = access.control();
        let mut config = ServerConfig::default();
        let mut certificate = None;
        if wire == Wire::Tls {
            let (pem, tls) = certified(ip);
            relay.tls = Some(TlsConfig::new(address, CertConfig::Manual { server_config: tls.clone() }));
            let mut quic = QuicConfig::new(any);
            quic.server_config = Some(tls);
            config.quic = Some(quic);
            certificate = Some(pem);
        }
        config.relay = Some(relay);
        Self { server: Server::spawn(config).await.unwrap(), ip, certificate }
    }

    /// Returns the address that devices are told.
    pub fn url(&self) -> String {
        let (scheme, port) = match self.server.https_addr() {
            Some(address) => ("https", address.port()),
            None => ("http", self.server.http_addr().unwrap().port()),
        };
        format!("{scheme}://{}/", SocketAddr::new(self.ip, port))
    }

    /// Returns the UDP port at which devices learn how they look from outside; 0 if there is none.
    pub fn discovery_port(&self) -> u16 {
        self.server.quic_addr().map_or(0, |address| address.port())
    }

    /// Returns the certificate by which it is known, in PEM, if it has one.
    pub fn certificate(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Counts the bytes that it has carried for its clients so far.
    pub fn bytes_carried(&self) -> u64 {
        self.server.metrics().server.bytes_sent.get()
    }

    /// Counts the clients that have come so far.
    pub fn clients_so_far(&self) -> u64 {
        self.server.metrics().server.accepts.get()
    }

    /// Ends it: every connection to it breaks.
    pub async fn stop(self) {
        self.server.shutdown().await.unwrap();
    }
}

impl Access {
    fn control(self) -> Arc<dyn DynAccessControl> {
        match self {
            Self::Everyone => Arc::new(AllowAll),
            restricted => Arc::new(Restricted(restricted)),
        }
    }
}

/// As the program `iroh-relay` decides by its configuration file.
#[derive(Debug)]
struct Restricted(Access);

impl AccessControl for Restricted {
    async fn on_connect(&self, request: &ClientRequest) -> iroh_relay::server::Access {
        let is_welcome = match &self.0 {
            Access::Everyone => true,
            Access::Token(token) => request.auth_token().as_deref() == Some(*token),
            Access::Devices(devices) => {
                devices.iter().any(|device| device.as_bytes() == request.endpoint_id().as_bytes())
            }
        };
        if is_welcome {
            iroh_relay::server::Access::Allow
        } else {
            iroh_relay::server::Access::Deny { reason: Some("not authorized".to_owned()) }
        }
    }
}

/// Makes a certificate for an address, and what a server needs to show it.
fn certified(ip: IpAddr) -> (String, rustls::ServerConfig) {
    let made = rcgen::generate_simple_self_signed(vec![ip.to_string()]).unwrap();
    let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = rustls::ServerConfig::builder_with_provider(Arc::new(default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (made.cert.pem(), config)
}

//! [`Lookup`]: a real address lookup in this process.

use std::net::{IpAddr, SocketAddr};

use iroh_dns_server::Server;
use iroh_dns_server::config::{Config, MetricsConfig, RateLimitConfig};
use tempfile::TempDir;

/// An address lookup. Dropped, it is gone.
#[derive(Debug)]
pub struct Lookup {
    server: Server,
    ip: IpAddr,
    _data: TempDir,
}

impl Lookup {
    /// Starts one at an address of this machine, or of the namespace of this thread: by HTTP, with nothing behind it.
    pub async fn start(ip: IpAddr) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut config = Config::default();
        (config.dns.port, config.dns.bind_addr) = (0, Some(ip));
        if let Some(http) = &mut config.http {
            (http.port, http.bind_addr) = (0, Some(ip));
        }
        config.https = None;
        config.metrics = Some(MetricsConfig::disabled());
        // A test publishes more often from one address than a household does.
        config.pkarr_put_rate_limit = RateLimitConfig::Disabled;
        config.data_dir = Some(data.path().to_owned());
        Self { server: Server::bind(config).await.unwrap(), ip, _data: data }
    }

    /// Returns the address that devices are told.
    pub fn url(&self) -> String {
        let port = self.server.http_addr().unwrap().port();
        format!("http://{}/pkarr", SocketAddr::new(self.ip, port))
    }

    /// Counts what devices have published so far.
    pub fn published(&self) -> u64 {
        self.server.metrics().pkarr_publish_update.get()
    }

    /// Ends it.
    pub async fn stop(self) {
        self.server.shutdown().await.unwrap();
    }
}

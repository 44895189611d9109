//! [`Reached`]: how far a server can be reached, step by step, for people who want to know what is wrong.

use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use crate::relay::presentable;

/// How much of an answer is read: its first line says all.
const ANSWER: u64 = 256;

/// How far a server of HTTP or HTTPS can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Reached {
    /// Not at all: nobody knows its name.
    NoName {
        /// What happened.
        why: String,
    },
    /// Its address is known, and nothing takes TCP connections there.
    NoTcp {
        /// The last address that was tried.
        address: SocketAddr,
        /// What happened.
        why: String,
    },
    /// Something takes TCP connections, and can't prove to be that server.
    NoTls {
        /// Where.
        address: SocketAddr,
        /// What is wrong, as a rule with its certificate.
        why: String,
    },
    /// Something is there that does not speak HTTP.
    NoHttp {
        /// Where.
        address: SocketAddr,
    },
    /// A web server answers.
    Http {
        /// Where.
        address: SocketAddr,
        /// The code of its answer: a relay's is 200.
        status: u16,
    },
}

impl fmt::Display for Reached {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoName { why } => write!(f, "its name leads to no address: {why}"),
            Self::NoTcp { address, why } => write!(f, "no TCP connection to {address}: {why}"),
            Self::NoTls { address, why } => write!(f, "{address} takes connections, but TLS fails: {why}"),
            Self::NoHttp { address } => write!(f, "{address} takes connections, but what is there speaks no HTTP"),
            Self::Http { address, status: 200 } => {
                write!(f, "{address} answers as a web server, and nothing more came")
            }
            Self::Http { address, status } => {
                write!(f, "{address} answers as a web server with {status}, which is not what a relay says")
            }
        }
    }
}

/// Tries to reach a server, one step after the other, and tells at which it ended. Takes as long as the operating system does for a step: the caller bounds it.
pub(crate) async fn reach(url: &Url, tls: rustls::ClientConfig) -> Reached {
    let port = url.port_or_known_default().unwrap_or_default();
    let addresses = match addresses(url, port).await {
        Ok(addresses) => addresses,
        Err(why) => return Reached::NoName { why },
    };
    let mut failed = Reached::NoName { why: "it has no address".to_owned() };
    for address in addresses {
        let stream = match TcpStream::connect(address).await {
            Ok(stream) => stream,
            Err(error) => {
                failed = Reached::NoTcp { address, why: presentable(&error) };
                continue;
            }
        };
        if url.scheme() != "https" {
            return ask(stream, url, address).await;
        }
        return match prove(stream, url, tls).await {
            Ok(stream) => ask(stream, url, address).await,
            Err(why) => Reached::NoTls { address, why },
        };
    }
    failed
}

async fn addresses(url: &Url, port: u16) -> Result<Vec<SocketAddr>, String> {
    match url.host() {
        Some(Host::Ipv4(ip)) => Ok(vec![SocketAddr::new(IpAddr::V4(ip), port)]),
        Some(Host::Ipv6(ip)) => Ok(vec![SocketAddr::new(IpAddr::V6(ip), port)]),
        Some(Host::Domain(name)) => {
            let found = tokio::net::lookup_host((name, port)).await;
            found.map(Iterator::collect).map_err(|error| presentable(&error))
        }
        None => Err("there is none".to_owned()),
    }
}

/// Has the server prove that it is the one of this name.
async fn prove(
    stream: TcpStream,
    url: &Url,
    tls: rustls::ClientConfig,
) -> Result<impl AsyncRead + AsyncWrite + Unpin, String> {
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    let name = ServerName::try_from(host).map_err(|error| presentable(&error))?;
    TlsConnector::from(Arc::new(tls)).connect(name, stream).await.map_err(|error| presentable(&error))
}

/// Asks for what each relay has, and reads no more than the first line of the answer.
async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, url: &Url, address: SocketAddr) -> Reached {
    let host = url.host_str().unwrap_or_default();
    let request = format!("GET /ping HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    let mut answer = Vec::new();
    let asked = async {
        stream.write_all(request.as_bytes()).await?;
        let mut stream = stream.take(ANSWER);
        while !answer.contains(&b'\n') && stream.read_buf(&mut answer).await? > 0 {}
        Ok::<_, std::io::Error>(())
    };
    // Whatever came before it broke off is what there is.
    asked.await.unwrap_or_default();
    match status_of(&answer) {
        Some(status) => Reached::Http { address, status },
        None => Reached::NoHttp { address },
    }
}

/// The code in the first line of an answer.
fn status_of(answer: &[u8]) -> Option<u16> {
    let line = answer.split(|byte| *byte == b'\r' || *byte == b'\n').next()?;
    let mut words = std::str::from_utf8(line).ok()?.split(' ');
    words.next().filter(|version| version.starts_with("HTTP/1."))?;
    words.next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    fn tls() -> rustls::ClientConfig {
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        builder.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth()
    }

    /// Answers each connection with these bytes, at an address of its own.
    async fn server(says: &'static [u8]) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let mut request = [0; 1];
                stream.read_exact(&mut request).await.unwrap();
                stream.write_all(says).await.unwrap();
            }
        });
        address
    }

    async fn reached(scheme: &str, at: SocketAddr) -> Reached {
        reach(&format!("{scheme}://{at}/").parse().unwrap(), tls()).await
    }

    #[tokio::test]
    async fn each_step_has_its_own_word() {
        let free = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
        let closed = reached("http", free).await;
        assert!(matches!(&closed, Reached::NoTcp { address, .. } if *address == free), "{closed:?}");
        let relay = server(b"HTTP/1.1 200 OK\r\n\r\n").await;
        assert_eq!(reached("http", relay).await, Reached::Http { address: relay, status: 200 });
        let other = server(b"HTTP/1.1 404 Not Found\r\n").await;
        assert_eq!(reached("http", other).await, Reached::Http { address: other, status: 404 });
        let ssh = server(b"SSH-2.0-OpenSSH_9.6\r\n").await;
        assert_eq!(reached("http", ssh).await, Reached::NoHttp { address: ssh });
        let plain = reached("https", relay).await;
        assert!(matches!(&plain, Reached::NoTls { address, .. } if *address == relay), "{plain:?}");
        let nameless = reach(&"http://relay.invalid/".parse().unwrap(), tls()).await;
        assert!(matches!(&nameless, Reached::NoName { .. }), "{nameless:?}");
    }

    /// What answers may be anybody.
    #[tokio::test]
    async fn an_answer_without_an_end_is_not_waited_for() {
        static ENDLESS: [u8; 1 << 20] = [b'x'; 1 << 20];
        let address = server(&ENDLESS).await;
        assert_eq!(reached("http", address).await, Reached::NoHttp { address });
        for wrong in ["", "HTTP/1.1", "HTTP/1.1 ", "HTTP/1.1 many", "HTTP/1.1 99999", "\u{0}"] {
            assert_eq!(status_of(wrong.as_bytes()), None, "{wrong:?}");
        }
    }
}

//! [`Network`]: how far a transport reaches, and through whose servers, if any.

use std::fmt;
use std::net::SocketAddr;
use std::str::FromStr;
use std::sync::Arc;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{PemObject as _, SectionKind};
use url::Url;
use zeroize::Zeroizing;

/// How far the transport reaches.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Network {
    /// This machine alone, by IPv4 over 127.0.0.1: for tests and demonstrations. Any other address is refused.
    Loopback,
    /// Whatever the machine's own interfaces reach: no relay, no address lookup, no publishing, no port mapping.
    #[default]
    Lan,
    /// As [`Lan`](Self::Lan), and through one relay, one's own or a friend's. No other is ever used, whatever peers or links name.
    Relay(Arc<OwnRelay>),
    /// As [`Lan`](Self::Lan), and through the relays and the address lookup that the makers of iroh run for everybody, and those that peers tell of. They learn
    /// which devices meet, when and how much, and from which addresses; nothing of what is said. Only for who says so.
    Public,
}

/// A relay that somebody runs for themselves, and what goes with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRelay {
    /// Where it is.
    pub url: RelayUrl,
    /// What it wants to be shown, if it lets in only those who know something.
    pub token: Option<RelayToken>,
    /// The address lookup beside it: by it devices are found that are known by nothing but their ids.
    pub lookup: Option<LookupUrl>,
    /// Certificates that its servers may be certified by, beside those that the world trusts.
    pub certificates: Certificates,
    /// The UDP port at which the relay tells devices how they look from outside: [`DISCOVERY_PORT`](Self::DISCOVERY_PORT) unless its configuration says
    /// otherwise. A relay without TLS has none.
    pub discovery_port: u16,
}

impl OwnRelay {
    /// The port that relays use unless they are told otherwise.
    pub const DISCOVERY_PORT: u16 = 7842;

    /// A relay for everybody who knows its address, with nothing beside it.
    pub fn at(url: RelayUrl) -> Self {
        let certificates = Certificates::default();
        Self { url, token: None, lookup: None, certificates, discovery_port: Self::DISCOVERY_PORT }
    }
}

impl Network {
    /// Tells whether an address may be dialled at all.
    pub(crate) fn allows(&self, address: &SocketAddr) -> bool {
        let dialable = address.port() != 0 && !address.ip().is_unspecified() && !address.ip().is_multicast();
        match self {
            Self::Loopback => dialable && address.ip().is_loopback(),
            Self::Lan | Self::Relay(_) | Self::Public => dialable,
        }
    }

    /// Chooses the relays through which a peer is dialled that told of these. What a peer names is connected to, so it is not just anything.
    pub(crate) fn relays(&self, told: &[RelayUrl]) -> Vec<RelayUrl> {
        match self {
            Self::Loopback | Self::Lan => Vec::new(),
            Self::Relay(own) => vec![own.url.clone()],
            Self::Public => told.iter().filter(|relay| relay.is_encrypted()).take(MAX_TOLD_RELAYS).cloned().collect(),
        }
    }

    /// Tells whether peers may be found by their ids alone.
    pub(crate) fn has_lookup(&self) -> bool {
        match self {
            Self::Loopback | Self::Lan => false,
            Self::Relay(own) => own.lookup.is_some(),
            Self::Public => true,
        }
    }
}

/// Most relays of a peer that are tried: a device is at one, and may have moved.
const MAX_TOLD_RELAYS: usize = 2;

/// Where a relay is: an `https` address, or an `http` one where TLS is somebody else's business. Its text is canonical.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RelayUrl(iroh::RelayUrl);

impl RelayUrl {
    /// Longest address in bytes; host names end at 253.
    pub const MAX_BYTES: usize = 200;

    pub(crate) const fn of_iroh(url: iroh::RelayUrl) -> Self {
        Self(url)
    }

    pub(crate) fn to_iroh(&self) -> iroh::RelayUrl {
        self.0.clone()
    }

    /// Returns where it is, if that is known without asking for it by its name.
    pub(crate) fn socket_address(&self) -> Option<SocketAddr> {
        let ip = self.0.host_str()?.trim_matches(['[', ']']).parse().ok()?;
        Some(SocketAddr::new(ip, self.0.port_or_known_default()?))
    }

    pub(crate) fn is_encrypted(&self) -> bool {
        self.0.scheme() == "https"
    }
}

impl FromStr for RelayUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        Ok(Self(server(text)?.into()))
    }
}

impl fmt::Display for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str())
    }
}

impl fmt::Debug for RelayUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// Where an address lookup takes and gives signed addresses over HTTP, by the protocol of pkarr: as a rule it ends in `/pkarr`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookupUrl(Url);

impl LookupUrl {
    pub(crate) fn to_url(&self) -> Url {
        self.0.clone()
    }
}

impl FromStr for LookupUrl {
    type Err = UrlError;

    fn from_str(text: &str) -> Result<Self, UrlError> {
        server(text).map(Self)
    }
}

impl fmt::Display for LookupUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.0.as_str())
    }
}

/// The text is no address of a server.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "it has to be an http or https address of at most {} characters, without user, question or fragment",
    RelayUrl::MAX_BYTES
)]
pub struct UrlError;

/// Parses the address of a server. A user, a question or a fragment in it would be sent to nobody, or be a secret where all may read it.
fn server(text: &str) -> Result<Url, UrlError> {
    let url: Url = text.parse().map_err(|_malformed| UrlError)?;
    let is_bare =
        url.username().is_empty() && url.password().is_none() && url.query().is_none() && url.fragment().is_none();
    let is_web = matches!(url.scheme(), "http" | "https") && url.has_host();
    let fits = text.len() <= RelayUrl::MAX_BYTES && url.as_str().len() <= RelayUrl::MAX_BYTES;
    if is_bare && is_web && fits { Ok(url) } else { Err(UrlError) }
}

/// What a relay wants to be shown by those whom it lets in. It is sent to that relay alone, and printed nowhere.
#[derive(Clone, PartialEq, Eq)]
pub struct RelayToken(Zeroizing<String>);

impl RelayToken {
    /// Longest token in bytes: it travels in a header.
    pub const MAX_BYTES: usize = 1024;

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl FromStr for RelayToken {
    type Err = TokenError;

    fn from_str(text: &str) -> Result<Self, TokenError> {
        let fits = (1..=Self::MAX_BYTES).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic());
        if fits { Ok(Self(Zeroizing::new(text.to_owned()))) } else { Err(TokenError) }
    }
}

impl fmt::Debug for RelayToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RelayToken(…)")
    }
}

/// The text is no token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a token has 1 to {} printable ASCII characters and no blank", RelayToken::MAX_BYTES)]
pub struct TokenError;

/// Certificates of authorities that certify one's own servers: of a household, an office, or of the server itself.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Certificates(Vec<CertificateDer<'static>>);

impl Certificates {
    /// Most bytes of a file of certificates, and most of them: a household has one, an office a few.
    const MAX_PEM_BYTES: usize = 256 * 1024;

    /// Reads certificates in PEM, one or several.
    ///
    /// # Errors
    /// [`CertificateError`] if there is none, one is damaged, or a private key is among them, which should be where nobody passes it on.
    pub fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        if pem.len() > Self::MAX_PEM_BYTES {
            return Err(CertificateError::TooLarge);
        }
        let mut certificates = Vec::new();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(pem) {
            match section.map_err(|_damaged| CertificateError::Damaged)? {
                (SectionKind::Certificate, der) => certificates.push(CertificateDer::from(der)),
                _ => return Err(CertificateError::NotOnlyCertificates),
            }
        }
        if certificates.is_empty() { Err(CertificateError::None) } else { Ok(Self(certificates)) }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = CertificateDer<'static>> + '_ {
        self.0.iter().cloned()
    }
}

/// The file has not what it should.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateError {
    /// There is no certificate in it.
    #[error("there is no certificate in PEM in it")]
    None,
    /// A part is no PEM.
    #[error("it is damaged")]
    Damaged,
    /// There is something else in it, such as a private key.
    #[error("there is something in it that is no certificate, such as a private key")]
    NotOnlyCertificates,
    /// It is larger than any such file.
    #[error("it is larger than {} bytes", Certificates::MAX_PEM_BYTES)]
    TooLarge,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn loopback_never_leaves_the_machine() {
        for (text, allowed) in [
            ("127.0.0.1:7", true),
            ("127.0.0.1:0", false),
            ("192.0.2.1:7", false),
            ("0.0.0.0:7", false),
            ("[2001:db8::1]:7", false),
        ] {
            assert_eq!(Network::Loopback.allows(&text.parse().unwrap()), allowed, "{text}");
        }
    }

    #[test]
    fn lan_dials_what_is_an_address_of_somebody() {
        for (text, allowed) in [
            ("192.168.0.7:7", true),
            ("[fe80::1]:7", true),
            ("[ff02::fb]:5353", false),
            ("224.0.0.251:5353", false),
            ("[::]:7", false),
        ] {
            assert_eq!(Network::Lan.allows(&text.parse().unwrap()), allowed, "{text}");
        }
    }

    /// What a peer or a link names must not lead anywhere that its receiver has not chosen.
    #[test]
    fn relays_that_others_name_are_used_only_where_that_was_said() {
        let relay = |text: &str| text.parse::<RelayUrl>().unwrap();
        let told = [
            relay("http://192.168.0.1"),
            relay("https://a.example"),
            relay("https://b.example"),
            relay("https://c.example"),
        ];
        let own = Network::Relay(Arc::new(OwnRelay::at(relay("https://own.example"))));
        assert_eq!(Network::Loopback.relays(&told), []);
        assert_eq!(Network::Lan.relays(&told), []);
        assert_eq!(own.relays(&told), [relay("https://own.example")]);
        assert_eq!(Network::Public.relays(&told), [relay("https://a.example"), relay("https://b.example")]);
        assert!(!own.has_lookup() && !Network::Lan.has_lookup() && Network::Public.has_lookup());
    }

    #[test]
    fn a_server_s_address_is_just_that() {
        for text in ["https://relay.example", "http://127.0.0.1:3340", "https://[2001:db8::1]:8443/"] {
            let url: RelayUrl = text.parse().unwrap();
            assert_eq!(url.to_string().parse(), Ok(url.clone()), "{text}");
        }
        assert_eq!("https://relay.example".parse::<RelayUrl>(), "https://relay.example/".parse());
        let long = format!("https://{}.example", "a".repeat(200));
        for text in ["", "relay.example", "ftp://relay.example", "https://", "https://anna:secret@relay.example", &long]
        {
            assert_eq!(text.parse::<RelayUrl>(), Err(UrlError), "{text}");
        }
        assert_eq!("https://dns.example/pkarr?token=secret".parse::<LookupUrl>(), Err(UrlError));
    }

    #[test]
    fn a_token_is_shown_to_nobody() {
        let token: RelayToken = "hunter2".parse().unwrap();
        let own = OwnRelay { token: Some(token), ..OwnRelay::at("https://relay.example".parse().unwrap()) };
        assert!(!format!("{:?}", Network::Relay(Arc::new(own))).contains("hunter2"));
        for text in ["", "two words", "line\nbreak"] {
            assert_eq!(text.parse::<RelayToken>(), Err(TokenError));
        }
    }

    #[test]
    fn only_certificates_are_read() {
        let certificate = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n";
        let key = "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n";
        let read = |pem: &str| Certificates::from_pem(pem.as_bytes());
        assert_eq!(read(&certificate.repeat(2)).unwrap().iter().count(), 2);
        assert_eq!(read(""), Err(CertificateError::None));
        assert_eq!(read("anything"), Err(CertificateError::None));
        assert_eq!(read(&format!("{certificate}{key}")), Err(CertificateError::NotOnlyCertificates));
        assert_eq!(read("-----BEGIN CERTIFICATE-----\nAAAA"), Err(CertificateError::Damaged));
    }
}

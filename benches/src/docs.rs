//! [`Docs`]: iroh-docs over real endpoints on loopback, its documents on the disk.
//!
//! All content is in the keys, and the value of all is one byte, which is the least that its model can do: were titles and names values, each would be
//! a blob to be stored and fetched besides. An intent is an entry: a node, a tag, a link.

use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::StreamExt as _;
use iroh::address_lookup::memory::MemoryLookup;
use iroh::protocol::Router;
use iroh::{Endpoint, EndpointAddr, TransportAddr};
use iroh_blobs::store::mem::MemStore;
use iroh_blobs::{BlobsProtocol, Hash};
use iroh_docs::api::Doc;
use iroh_docs::engine::{DefaultAuthorStorage, Engine, LiveEvent, Origin};
use iroh_docs::store::{Query, Store};
use iroh_docs::{AuthorId, Capability, NamespaceSecret};
use iroh_gossip::net::Gossip;
use tokio::sync::mpsc;

use crate::edits::{Edit, Who};
use crate::floor::{Failure, endpoint};
use crate::rows::{Row, Work};

/// How many nodes are recorded before the next are read.
const PIECE: usize = 4_096;
/// The value of every entry.
const VALUE: &[u8] = b"1";
/// How long it may take to bring everything over.
const WAIT: Duration = Duration::from_mins(10);

/// What is waited for: what it does itself is left out.
type Events = mpsc::UnboundedReceiver<LiveEvent>;

/// One device with its document.
#[expect(missing_debug_implementations, reason = "its parts have none")]
pub struct Docs {
    endpoint: Endpoint,
    lookup: MemoryLookup,
    router: Router,
    doc: Doc,
    author: AuthorId,
    value: Hash,
    events: Events,
    has_neighbour: bool,
}

impl Docs {
    /// Opens what lies in a directory, or makes it.
    ///
    /// # Errors
    /// What iroh-docs says.
    pub async fn open(directory: &Path) -> Result<Self, Failure> {
        std::fs::create_dir_all(directory)?;
        let lookup = MemoryLookup::new();
        let endpoint = endpoint(&[iroh_docs::ALPN, iroh_gossip::ALPN, iroh_blobs::ALPN]).await?;
        endpoint.address_lookup()?.add(lookup.clone());
        let blobs = MemStore::default();
        let gossip = Gossip::builder().spawn(endpoint.clone());
        let engine = Engine::spawn(
            endpoint.clone(),
            gossip.clone(),
            Store::persistent(directory.join("docs.redb"))?,
            (*blobs).clone(),
            blobs.downloader(&endpoint),
            DefaultAuthorStorage::Persistent(directory.join("default-author")),
            None,
        );
        let docs = iroh_docs::protocol::Docs::new(engine.await?);
        let router = Router::builder(endpoint.clone())
            .accept(iroh_blobs::ALPN, BlobsProtocol::new(&blobs, None))
            .accept(iroh_gossip::ALPN, gossip)
            .accept(iroh_docs::ALPN, docs.clone())
            .spawn();
        let author = docs.author_default().await?;
        let doc = docs.import_namespace(Capability::Write(NamespaceSecret::from_bytes(&[7; 32]))).await?;
        let value = blobs.add_slice(VALUE).await?.hash;
        let mut told = doc.subscribe().await?;
        let (tell, events) = mpsc::unbounded_channel();
        // Who does not listen holds the document up.
        tokio::spawn(async move {
            while let Some(Ok(event)) = told.next().await {
                if !matches!(event, LiveEvent::InsertLocal { .. }) && tell.send(event).is_err() {
                    return;
                }
            }
        });
        Ok(Self { endpoint, lookup, router, doc, author, value, events, has_neighbour: false })
    }

    /// Records everything. Returns how many intents that were, and how long it took without the reading of them. It is durable once it is [closed](Self::close).
    ///
    /// # Errors
    /// What iroh-docs says.
    pub async fn record(&self, work: &Work) -> Result<(u64, Duration), Failure> {
        let (mut count, mut took) = (0, Duration::ZERO);
        let mut number = 0;
        for rows in work.pieces(PIECE, |_row| 1) {
            let start = Instant::now();
            for Row { url, title, tags, links } in &rows {
                self.set(format!("n/{number}/{url}/{title}")).await?;
                for tag in tags {
                    self.set(format!("t/{number}/{tag}")).await?;
                }
                for (to, kind) in links {
                    self.set(format!("l/{number}/{kind}/{to}")).await?;
                }
                number += 1;
                count += 1 + tags.len() + links.len();
            }
            took += start.elapsed();
        }
        Ok((u64::try_from(count)?, took))
    }

    async fn set(&self, key: String) -> anyhow::Result<()> {
        self.doc.set_hash(self.author, key, self.value, 1).await
    }

    /// Adds one node.
    ///
    /// # Errors
    /// What iroh-docs says.
    pub async fn add_one(&self, number: usize) -> Result<(), Failure> {
        Ok(self.set(format!("n/new {number}/https://example.org/{number}/one more {number}")).await?)
    }

    /// Changes a node.
    ///
    /// # Errors
    /// What iroh-docs says.
    pub async fn edit(&self, number: usize, edit: Edit, who: Who) -> Result<(), Failure> {
        match edit {
            Edit::Title => self.set(format!("e/{number}/by {} {number}", who.name())).await?,
            Edit::Tag => self.set(format!("t/{number}/of {}", who.name())).await?,
            Edit::Delete => self.set(format!("d/{number}/{}", who.name())).await?,
        }
        Ok(())
    }

    /// Reads all keys. Returns how many bytes that were.
    ///
    /// # Errors
    /// What iroh-docs says.
    pub async fn full_pass(&self) -> Result<usize, Failure> {
        let mut entries = std::pin::pin!(self.doc.get_many(Query::all()).await?);
        let mut read = 0;
        while let Some(entry) = entries.next().await {
            read += entry?.key().len();
        }
        Ok(read)
    }

    /// Brings both in step by one set reconciliation. Returns how long it took from dialling until both said that they are done.
    ///
    /// # Errors
    /// What iroh-docs says, or that it took too long.
    pub async fn meet(&mut self, other: &mut Self) -> Result<Duration, Failure> {
        self.lookup.add_endpoint_info(other.address());
        other.lookup.add_endpoint_info(self.address());
        for peer in [&mut *self, &mut *other] {
            while let Ok(event) = peer.events.try_recv() {
                peer.note(&event);
            }
        }
        let start = Instant::now();
        // Who is dialled has to take part in the document, or it declines.
        other.doc.start_sync(vec![]).await?;
        self.doc.start_sync(vec![other.address()]).await?;
        tokio::try_join!(self.finished(), other.finished())?;
        Ok(start.elapsed())
    }

    /// Stops telling others what is new.
    ///
    /// # Errors
    /// What iroh-docs says.
    pub async fn leave(&self) -> Result<(), Failure> {
        Ok(self.doc.leave().await?)
    }

    /// Waits until the other is a neighbour that is told what is new.
    ///
    /// # Errors
    /// What iroh-docs says, or that it took too long.
    pub async fn neighbour(&mut self) -> Result<(), Failure> {
        if self.has_neighbour {
            return Ok(());
        }
        self.until(|event| matches!(event, LiveEvent::NeighborUp(_))).await
    }

    /// Waits until an entry of another's arrives.
    ///
    /// # Errors
    /// What iroh-docs says, or that it took too long.
    pub async fn arrival(&mut self) -> Result<(), Failure> {
        self.until(|event| matches!(event, LiveEvent::InsertRemote { .. })).await
    }

    /// Waits until a set reconciliation is over. To who dialled it may seem to have failed at its very end, when the other closes first: whether all came
    /// over is seen by what both have.
    async fn finished(&mut self) -> Result<(), Failure> {
        self.until(|event| match event {
            LiveEvent::SyncFinished(event) => event.result.is_ok() || matches!(event.origin, Origin::Connect(_)),
            _ => false,
        })
        .await
    }

    async fn until(&mut self, is_it: impl Fn(&LiveEvent) -> bool) -> Result<(), Failure> {
        let wait = async {
            while let Some(event) = self.events.recv().await {
                self.note(&event);
                if is_it(&event) {
                    return Ok(());
                }
            }
            Err("the document was closed".into())
        };
        tokio::time::timeout(WAIT, wait).await?
    }

    const fn note(&mut self, event: &LiveEvent) {
        match event {
            LiveEvent::NeighborUp(_) => self.has_neighbour = true,
            LiveEvent::NeighborDown(_) => self.has_neighbour = false,
            _ => {}
        }
    }

    /// How many bytes its endpoint has sent in packets so far.
    pub fn sent(&self) -> u64 {
        let metrics = &self.endpoint.metrics().socket;
        metrics.send_ipv4.get() + metrics.send_ipv6.get()
    }

    /// Ends it, all of it durable.
    ///
    /// # Errors
    /// What iroh says.
    pub async fn close(self) -> Result<(), Failure> {
        self.doc.close().await?;
        self.router.shutdown().await?;
        Ok(())
    }

    fn address(&self) -> EndpointAddr {
        let there = self.endpoint.bound_sockets().into_iter().filter(std::net::SocketAddr::is_ipv4);
        EndpointAddr::from_parts(self.endpoint.id(), there.map(TransportAddr::Ip))
    }
}

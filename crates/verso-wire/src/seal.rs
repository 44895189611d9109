//! [`Seal`]: an author's signature over the head of its chain, and over all before it.

use verso_identity::{DeviceKey, Signature, SignatureDomain, SignatureError, WorkspaceId};
use verso_vv::Author;

use crate::chain::ChainHead;

/// An author's signature over the head of its chain: device, incarnation, last number and hash, in one workspace.
///
/// It proves on its own that the author wrote this far. Any 64 bytes can be held; [`verify`](Self::verify) tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seal {
    /// Who signed. Never the derived author of a branch: that one has no key.
    pub author: Author,
    /// What was signed: the chain up to here.
    pub head: ChainHead,
    /// The signature.
    pub signature: Signature,
}

impl Seal {
    /// Signs `head` of `author`'s chain. `key` must be the author's device's, or the seal won't verify.
    pub fn sign(workspace: &WorkspaceId, author: Author, head: ChainHead, key: &DeviceKey) -> Self {
        let signature = key.sign(SignatureDomain::Seal, &message(workspace, &author, &head));
        Self { author, head, signature }
    }

    /// Verifies the signature, strictly (small-order keys are refused).
    ///
    /// # Errors
    /// [`SignatureError`] if the author's device has not signed this head in this workspace.
    pub fn verify(&self, workspace: &WorkspaceId) -> Result<(), SignatureError> {
        let message = message(workspace, &self.author, &self.head);
        self.author.device.verify(SignatureDomain::Seal, &message, &self.signature)
    }
}

/// What a seal signs after its domain "verso seal v1": workspace ‖ device ‖ incarnation ‖ last number ‖ its hash.
fn message(workspace: &WorkspaceId, author: &Author, head: &ChainHead) -> Vec<u8> {
    let incarnation = author.incarnation.0.to_le_bytes();
    let seq = head.seq.0.to_le_bytes();
    [&workspace.as_bytes()[..], author.device.as_bytes(), &incarnation, &seq, &head.hash.0].concat()
}

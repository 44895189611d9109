//! The frames in which the messages of a [`SyncHandshake`](crate::SyncHandshake) travel: the first bytes that anybody says. `docs/formats/proof.md`
//! describes them.

/// The first byte of the dialer's frame: the generation and Noise's first message stand behind it.
const DIALER_ONE: u8 = 1;
/// The same with a number of 1 byte behind the generation, and as many further generations.
const DIALER_MORE: u8 = 2;
/// The first byte of the acceptor's frame: Noise's second message stands behind it.
const ACCEPTOR_PROOF: u8 = 0;
/// One of the other generations stands behind it.
const ACCEPTOR_OTHER: u8 = 1;

/// What the dialer says: under which generation of the pre-shared key it proves itself, and which others it holds and would prove instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DialerFrame<'a> {
    /// The generation under which the proof is made.
    pub generation: u64,
    /// The others that it holds: at most [`MAX_OTHERS`](Self::MAX_OTHERS).
    pub others: Vec<u64>,
    /// Noise's first message. Its length is the handshake's to judge.
    pub proof: &'a [u8],
}

/// What the acceptor answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AcceptorFrame<'a> {
    /// It takes the dialer's proof, and this is its own: Noise's second message. Its length is the handshake's to judge.
    Proof(&'a [u8]),
    /// It doesn't hold the generation, and of the others this one: the dialer begins again with that.
    Other(u64),
}

/// The bytes are no frame that this version knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the frame of the proof has an unknown layout")]
pub struct LayoutError;

impl<'a> DialerFrame<'a> {
    /// Most generations that a dialer names, the one under which it proves itself included: 16, more than a pair ever has in use. Each would be tried.
    pub const MAX_GENERATIONS: usize = 16;

    /// Most others.
    pub const MAX_OTHERS: usize = Self::MAX_GENERATIONS - 1;

    /// Reads a frame. There is one form for each.
    ///
    /// # Errors
    /// [`LayoutError`] for anything else.
    pub fn decode(frame: &'a [u8]) -> Result<Self, LayoutError> {
        let (layout, rest) = frame.split_first().ok_or(LayoutError)?;
        let (generation, rest) = rest.split_first_chunk().ok_or(LayoutError)?;
        let generation = u64::from_le_bytes(*generation);
        if *layout == DIALER_ONE {
            return Ok(Self { generation, others: Vec::new(), proof: rest });
        }
        let (count, rest) = rest.split_first().filter(|_| *layout == DIALER_MORE).ok_or(LayoutError)?;
        let count = usize::from(*count);
        if !(1..=Self::MAX_OTHERS).contains(&count) {
            return Err(LayoutError);
        }
        let (others, proof) = rest.split_at_checked(count * size_of::<u64>()).ok_or(LayoutError)?;
        let others = others.as_chunks().0.iter().map(|other| u64::from_le_bytes(*other)).collect();
        Ok(Self { generation, others, proof })
    }

    /// Writes the frame. Others beyond [`MAX_OTHERS`](Self::MAX_OTHERS) are left out.
    pub fn encode(&self) -> Vec<u8> {
        let others = self.others.get(..Self::MAX_OTHERS).unwrap_or(&self.others);
        let mut bytes = vec![if others.is_empty() { DIALER_ONE } else { DIALER_MORE }];
        bytes.extend_from_slice(&self.generation.to_le_bytes());
        if !others.is_empty() {
            bytes.push(u8::try_from(others.len()).unwrap_or(u8::MAX));
            bytes.extend(others.iter().flat_map(|other| other.to_le_bytes()));
        }
        bytes.extend_from_slice(self.proof);
        bytes
    }
}

impl<'a> AcceptorFrame<'a> {
    /// Reads a frame. There is one form for each.
    ///
    /// # Errors
    /// [`LayoutError`] for anything else.
    pub fn decode(frame: &'a [u8]) -> Result<Self, LayoutError> {
        match frame.split_first() {
            Some((&ACCEPTOR_PROOF, proof)) => Ok(Self::Proof(proof)),
            Some((&ACCEPTOR_OTHER, generation)) => {
                generation.try_into().map(|generation| Self::Other(u64::from_le_bytes(generation))).or(Err(LayoutError))
            }
            _ => Err(LayoutError),
        }
    }

    /// Writes the frame.
    pub fn encode(&self) -> Vec<u8> {
        match self {
            Self::Proof(proof) => [&[ACCEPTOR_PROOF], *proof].concat(),
            Self::Other(generation) => [&[ACCEPTOR_OTHER], generation.to_le_bytes().as_slice()].concat(),
        }
    }
}

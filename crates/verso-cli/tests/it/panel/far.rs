//! [`Far`]: what a window is to a `verso up`, without a window.

use std::io::{Read as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::UnixStream;
use std::time::Duration;

use verso_panel::{PanelAction, PanelState};

use crate::device::Device;

/// How long a state may take that has to come.
const PATIENCE: Duration = Duration::from_mins(2);

/// A window's end of a control socket.
pub(super) struct Far {
    stream: UnixStream,
    line: Vec<u8>,
    /// The last state.
    pub(super) state: Option<PanelState>,
}

/// What came from the other end.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Heard {
    State,
    Done(u8),
    /// It ended without a word.
    Nothing,
}

impl Far {
    /// Has the `verso up` of a device attend to it.
    pub(super) fn open(device: &Device) -> Self {
        let mut stream = UnixStream::connect(device.dir().join("control")).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut greeting = vec![0; length(&mut stream).unwrap()];
        stream.read_exact(&mut greeting).unwrap();
        assert!(greeting.starts_with(b"VERSOCTL"));
        let mut run = vec![1, 0];
        run.extend(bytes(b"/"));
        let words: [&[u8]; 2] = [b"verso", b"panel"];
        run.extend(list(words.len()));
        run.extend(words.into_iter().flat_map(bytes));
        let variables = [("VERSO_DATA_DIR", device.dir().as_os_str().as_bytes())];
        run.extend(list(variables.len()));
        for (name, value) in variables {
            run.extend(bytes(name.as_bytes()));
            run.extend(bytes(value));
        }
        let mut far = Self { stream, line: Vec::new(), state: None };
        far.frame(&run);
        far
    }

    fn frame(&mut self, body: &[u8]) {
        self.stream.write_all(&[&list(body.len())[..], body].concat()).unwrap();
    }

    /// Says a piece of input.
    pub(super) fn say(&mut self, piece: &[u8]) {
        self.frame(&[&[5_u8][..], &bytes(piece)].concat());
    }

    /// Asks for something.
    pub(super) fn ask(&mut self, action: &PanelAction) {
        self.say(&serde_json::to_vec(action).unwrap());
    }

    /// Hears the next state, or the end.
    pub(super) fn hear(&mut self) -> Heard {
        loop {
            let Some(len) = length(&mut self.stream) else { return Heard::Nothing };
            let mut frame = vec![0; len];
            self.stream.read_exact(&mut frame).unwrap();
            match frame[0] {
                1 => {
                    self.line.extend(&frame[1..]);
                    if self.line.ends_with(b"\n") {
                        let lines = std::mem::take(&mut self.line);
                        let last = lines.strip_suffix(b"\n").unwrap().rsplit(|byte| *byte == b'\n').next().unwrap();
                        self.state = Some(serde_json::from_slice(last).unwrap());
                        return Heard::State;
                    }
                }
                2 => {}
                7 => return Heard::Done(frame[1]),
                other => panic!("a frame of kind {other}"),
            }
        }
    }

    /// Hears states up to one of which this can be told.
    pub(super) fn until<T>(&mut self, what: &str, told: impl Fn(&PanelState) -> Option<T>) -> T {
        loop {
            if let Some(told) = self.state.as_ref().and_then(&told) {
                return told;
            }
            let heard = self.hear();
            assert_eq!(heard, Heard::State, "{what} did not come; the last state: {:#?}", self.state);
        }
    }

    /// Hears what comes up to the end.
    pub(super) fn end(mut self) -> Heard {
        loop {
            let heard = self.hear();
            if heard != Heard::State {
                return heard;
            }
        }
    }
}

fn length(stream: &mut UnixStream) -> Option<usize> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).ok()?;
    Some(u32::from_le_bytes(length).try_into().unwrap())
}

fn list(len: usize) -> [u8; 4] {
    u32::try_from(len).unwrap().to_le_bytes()
}

fn bytes(bytes: &[u8]) -> Vec<u8> {
    [&list(bytes.len())[..], bytes].concat()
}

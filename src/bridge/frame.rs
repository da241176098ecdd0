//! Frames, of the worker and of the servers on hosts: the length of a JSON text and that of a blob (32 bits each, big endian), the
//! text in UTF-8, the blob.

use serde_json::Value as Json;

/// The bytes of the two lengths.
const HEAD: usize = 8;

/// A message with its blob.
pub type Frame = (Json, Vec<u8>);

/// The bytes of a frame.
pub fn frame(message: &Json, blob: &[u8]) -> Vec<u8> {
    let text = message.to_string();
    let length = |length: usize| u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    let mut bytes = Vec::with_capacity(HEAD + text.len() + blob.len());
    bytes.extend(length(text.len()));
    bytes.extend(length(blob.len()));
    bytes.extend_from_slice(text.as_bytes());
    bytes.extend_from_slice(blob);
    bytes
}

/// Puts frames together out of the pieces in which they come.
#[derive(Debug)]
pub struct Frames {
    received: Vec<u8>,
    longest: usize,
}

impl Frames {
    /// For frames of at most so many bytes: what says that it is longer is none.
    pub fn up_to(longest: usize) -> Frames {
        Frames {
            received: vec![],
            longest,
        }
    }

    /// Takes a piece.
    pub fn push(&mut self, piece: &[u8]) {
        self.received.extend_from_slice(piece);
    }

    /// The next whole frame, if there is one.
    ///
    /// # Errors
    /// Bytes that are no frame, with what they begin with.
    pub fn take(&mut self) -> Result<Option<Frame>, String> {
        let Some(head) = self.received.first_chunk::<HEAD>() else {
            return Ok(None);
        };
        let length = |bytes: &[u8]| {
            bytes
                .iter()
                .fold(0, |length, byte| length << 8 | usize::from(*byte))
        };
        let (text, blob) = (length(&head[..4]), length(&head[4..]));
        let end = HEAD + text + blob;
        if end > self.longest {
            return Err(self.begin());
        }
        if self.received.len() < end {
            return Ok(None);
        }
        let rest = self.received.split_off(end);
        let mut whole = std::mem::replace(&mut self.received, rest);
        let blob = whole.split_off(HEAD + text);
        match serde_json::from_slice(&whole[HEAD..]) {
            Ok(message) => Ok(Some((message, blob))),
            Err(_) => {
                self.received = whole;
                Err(self.begin())
            }
        }
    }

    /// Reads the next frame from a stream, waiting for it; `None` if the stream ends, or is none of frames.
    pub(super) fn receive(&mut self, from: &mut impl std::io::Read) -> Option<Frame> {
        let mut buffer = vec![0; 64 << 10];
        loop {
            if let Some(frame) = self.take().ok()? {
                return Some(frame);
            }
            match from.read(&mut buffer).ok()? {
                0 => return None,
                read => self.push(&buffer[..read]),
            }
        }
    }

    fn begin(&self) -> String {
        let begin = &self.received[..self.received.len().min(200)];
        String::from_utf8_lossy(begin).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_put_together_out_of_pieces() {
        let message = serde_json::json!({"op": "x"});
        let bytes = [frame(&message, b"blob"), frame(&message, b"")].concat();
        let mut frames = Frames::up_to(100);
        let mut found = vec![];
        for byte in bytes {
            frames.push(&[byte]);
            found.extend(frames.take().unwrap());
        }
        assert_eq!(found, [(message.clone(), b"blob".to_vec()), (message, vec![])]);
    }

    #[test]
    fn what_is_no_frame_is_shown() {
        let mut frames = Frames::up_to(1 << 20);
        frames.push(b"python: command not found");
        assert_eq!(frames.take(), Err("python: command not found".into()));
    }
}

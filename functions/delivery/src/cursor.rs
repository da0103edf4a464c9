//! The position in a log from which a reader continues.

use data_encoding::BASE64URL_NOPAD;

/// "Continue after this number of this number line." Opaque to readers: base64url of 16 bytes.
///
/// The epoch is in it so that a cursor into a log that was forgotten is seen to be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// The number line: 64 random bits, made when the endpoint was created.
    pub epoch: u64,
    /// The last number that was accounted for, shown or known missing.
    pub seq: u64,
}

/// A text that is no cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotACursor;

impl Cursor {
    /// The text for a query: 22 characters.
    pub fn encode(self) -> String {
        let mut bytes = [0; 16];
        bytes[..8].copy_from_slice(&self.epoch.to_be_bytes());
        bytes[8..].copy_from_slice(&self.seq.to_be_bytes());
        BASE64URL_NOPAD.encode(&bytes)
    }

    /// The cursor that a text is.
    ///
    /// # Errors
    /// If it was not made by [`encode`](Self::encode).
    pub fn parse(text: &str) -> Result<Self, NotACursor> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).map_err(|_| NotACursor)?;
        let bytes: [u8; 16] = bytes.try_into().map_err(|_| NotACursor)?;
        let half = |at: usize| -> [u8; 8] { std::array::from_fn(|i| bytes[at + i]) };
        Ok(Cursor { epoch: u64::from_be_bytes(half(0)), seq: u64::from_be_bytes(half(8)) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_cursor_reads_back(epoch: u64, seq: u64) {
            let cursor = Cursor { epoch, seq };
            prop_assert_eq!(cursor.encode().len(), 22);
            prop_assert_eq!(Cursor::parse(&cursor.encode()), Ok(cursor));
        }

        #[test]
        fn a_text_that_is_a_cursor_is_the_only_text_of_that_cursor(text in "[A-Za-z0-9_-]{20,24}") {
            if let Ok(cursor) = Cursor::parse(&text) {
                prop_assert_eq!(cursor.encode(), text);
            }
        }
    }
}

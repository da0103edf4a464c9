//! A request body: exact bytes, and in JSON either text or base64.

use data_encoding::{BASE64, HEXLOWER};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};
use sha2::{Digest, Sha256};

/// Bytes of a body over the limit that are kept, so that its owner sees how it began.
pub const KEPT_OF_TRUNCATED: usize = 16 * 1024;

/// A request body: the bytes kept, and the size and hash of all that arrived.
#[derive(Clone, PartialEq, Eq)]
pub struct Body {
    /// The bytes, all of them unless [`truncated`](Self::truncated).
    pub kept: Vec<u8>,
    /// Size of the whole body in bytes.
    pub size: u64,
    /// SHA-256 of the whole body.
    pub sha256: [u8; 32],
}

impl Body {
    /// A body kept as it is.
    pub fn whole(bytes: Vec<u8>) -> Self {
        Body { size: bytes.len() as u64, sha256: Sha256::digest(&bytes).into(), kept: bytes }
    }

    /// Keeps only the first [`KEPT_OF_TRUNCATED`] bytes, with the size and hash of the whole body.
    ///
    /// Text is cut between two characters, so that it remains text.
    pub fn cut(mut self) -> Self {
        let bytes = &mut self.kept;
        if bytes.len() > KEPT_OF_TRUNCATED {
            let is_continuation = |byte: u8| byte & 0b1100_0000 == 0b1000_0000;
            // A UTF-8 character is at most four bytes, so at most three steps back find its first one.
            let edge = (KEPT_OF_TRUNCATED - 3..=KEPT_OF_TRUNCATED)
                .rev()
                .find(|&at| !is_continuation(bytes[at]))
                .filter(|&at| std::str::from_utf8(&bytes[..at]).is_ok());
            bytes.truncate(edge.unwrap_or(KEPT_OF_TRUNCATED));
        }
        self
    }

    /// Whether bytes are missing at the end.
    pub fn truncated(&self) -> bool {
        self.kept.len() as u64 != self.size
    }

    /// The kept bytes as text, if they are UTF-8.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.kept).ok()
    }

    /// The hash in lower-case hexadecimal.
    pub fn sha256_hex(&self) -> String {
        HEXLOWER.encode(&self.sha256)
    }
}

impl Default for Body {
    /// No bytes.
    fn default() -> Self {
        Body::whole(Vec::new())
    }
}

impl std::fmt::Debug for Body {
    /// Size and hash only: a body is somebody's data and does not belong in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Body({} bytes, sha256 {})", self.size, self.sha256_hex())
    }
}

/// How a body lies in the JSON of a request.
#[derive(Serialize, Deserialize)]
struct Json<'a> {
    body: std::borrow::Cow<'a, str>,
    body_encoding: Encoding,
    body_bytes: u64,
    body_sha256: String,
    truncated: bool,
}

#[derive(Serialize, Deserialize)]
enum Encoding {
    #[serde(rename = "utf-8")]
    Utf8,
    #[serde(rename = "base64")]
    Base64,
}

impl Serialize for Body {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let (body, body_encoding) = match self.text() {
            Some(text) => (text.into(), Encoding::Utf8),
            None => (BASE64.encode(&self.kept).into(), Encoding::Base64),
        };
        Json {
            body,
            body_encoding,
            body_bytes: self.size,
            body_sha256: self.sha256_hex(),
            truncated: self.truncated(),
        }
        .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let json = Json::deserialize(deserializer)?;
        let kept = match json.body_encoding {
            Encoding::Utf8 => json.body.into_owned().into_bytes(),
            Encoding::Base64 => BASE64
                .decode(json.body.as_bytes())
                .map_err(|_| D::Error::custom("body is not base64"))?,
        };
        let sha256 = HEXLOWER
            .decode(json.body_sha256.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .ok_or_else(|| D::Error::custom("body_sha256 is not 64 hexadecimal digits"))?;
        Ok(Body { kept, size: json.body_bytes, sha256 })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn json_gives_back_the_exact_bytes(bytes: Vec<u8>) {
            let body = Body::whole(bytes.clone());
            let back: Body = serde_json::from_str(&serde_json::to_string(&body).unwrap()).unwrap();
            prop_assert_eq!(&back.kept, &bytes);
            prop_assert_eq!(back, body);
        }

        #[test]
        fn a_cut_body_keeps_its_beginning_true_size_and_hash(extra in 0usize..200, seed: u8) {
            let bytes: Vec<u8> = (0..=255u8).cycle().take(KEPT_OF_TRUNCATED + extra).map(|i| i.wrapping_mul(seed)).collect();
            let body = Body::whole(bytes.clone()).cut();
            prop_assert!(bytes.starts_with(&body.kept));
            prop_assert!(body.kept.len() >= KEPT_OF_TRUNCATED - 3);
            prop_assert_eq!(body.size, bytes.len() as u64);
            prop_assert_eq!(body.truncated(), body.kept.len() < bytes.len());
            prop_assert_eq!(body.sha256, Body::whole(bytes).sha256);
        }

        #[test]
        fn text_is_cut_between_characters(shift in 0usize..4) {
            let text = "x".repeat(shift) + &"🦀".repeat(KEPT_OF_TRUNCATED / 4 + 1);
            prop_assert!(Body::whole(text.into_bytes()).cut().text().is_some());
        }
    }
}

//! Three powers, one chain, no accounts.
//!
//! Each key is a hash of the whole string of the one before, so a key's holder can derive those below it and none above. The
//! server stores no key: a key is right if the endpoint derived from it exists.

use data_encoding::{BASE32_NOPAD, BASE64URL_NOPAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// The owner's secret: `own_` and 43 characters of base64url. May do everything.
#[derive(Clone, PartialEq, Eq)]
pub struct OwnerKey(String);

/// A reader's secret: `read_` and 43 characters of base64url. May read the redacted log.
#[derive(Clone, PartialEq, Eq)]
pub struct ShareKey(String);

/// An endpoint's name: 26 characters of lower-case base32. Enough to send webhooks.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Endpoint(String);

/// What an API call came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Key {
    /// Everything.
    Owner(OwnerKey),
    /// Reading, redacted.
    Share(ShareKey),
}

/// A text that is not a key of the form it should have. Says nothing of the text, which may be a mistyped secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotAKey;

impl std::fmt::Display for NotAKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("not a key of this product")
    }
}

impl std::error::Error for NotAKey {}

impl OwnerKey {
    /// The key made of 32 random bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        OwnerKey(format!("own_{}", BASE64URL_NOPAD.encode(bytes)))
    }

    /// The key that may read what this one owns.
    pub fn share_key(&self) -> ShareKey {
        let hash = Sha256::digest(format!("share:{}", self.0));
        ShareKey(format!("read_{}", BASE64URL_NOPAD.encode(&hash)))
    }

    /// The key as it travels; a secret.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl ShareKey {
    /// The endpoint whose log this key reads.
    pub fn endpoint(&self) -> Endpoint {
        let hash = Sha256::digest(format!("endpoint:{}", self.0));
        Endpoint(BASE32_NOPAD.encode(&hash[..16]).to_ascii_lowercase())
    }

    /// The key as it travels; a secret.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl Key {
    /// The key in an `Authorization` header's value.
    ///
    /// # Errors
    /// If it is not `Bearer` and an owner or share key, in exactly the form in which keys are made.
    pub fn from_authorization(value: &str) -> Result<Self, NotAKey> {
        let (scheme, key) = value.split_once(' ').ok_or(NotAKey)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(NotAKey);
        }
        Key::parse(key.trim_matches(' '))
    }

    /// The key that a text is.
    ///
    /// # Errors
    /// If it is none, in exactly the form in which keys are made.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        let secret = |prefix: &str| {
            let rest = text.strip_prefix(prefix)?;
            (BASE64URL_NOPAD.decode(rest.as_bytes()).ok()?.len() == 32).then(|| text.to_owned())
        };
        if let Some(key) = secret("own_") {
            return Ok(Key::Owner(OwnerKey(key)));
        }
        secret("read_").map(|key| Key::Share(ShareKey(key))).ok_or(NotAKey)
    }

    /// The endpoint that this key is for.
    pub fn endpoint(&self) -> Endpoint {
        match self {
            Key::Owner(key) => key.share_key().endpoint(),
            Key::Share(key) => key.endpoint(),
        }
    }
}

impl Endpoint {
    /// The endpoint that a text names.
    ///
    /// # Errors
    /// If the text is not exactly 26 characters of lower-case base32 that encode 16 bytes.
    pub fn parse(text: &str) -> Result<Self, NotAKey> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(NotAKey);
        }
        match BASE32_NOPAD.decode(text.to_ascii_uppercase().as_bytes()) {
            Ok(bytes) if bytes.len() == 16 => Ok(Endpoint(text.to_owned())),
            _ => Err(NotAKey),
        }
    }

    /// The name, as in a hook URL.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Endpoint {
    type Error = NotAKey;

    fn try_from(text: String) -> Result<Self, NotAKey> {
        Endpoint::parse(&text)
    }
}

impl From<Endpoint> for String {
    fn from(endpoint: Endpoint) -> String {
        endpoint.0
    }
}

impl std::fmt::Display for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::fmt::Debug for OwnerKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("own_…")
    }
}

impl std::fmt::Debug for ShareKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("read_…")
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_chain_is_that_of_the_design() {
        let owner = OwnerKey::from_bytes(&std::array::from_fn(|i| u8::try_from(i).unwrap()));
        assert_eq!(owner.reveal(), "own_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8");
        let share = owner.share_key();
        assert_eq!(share.reveal(), "read_Mrmc3eyDspIsE95zbgQ1NwgQSfdahhDFUHTUupnwP6w");
        assert_eq!(share.endpoint().as_str(), "b7nihh2yefj2lxoxyqgcjpq6pi");
    }

    #[test]
    fn only_the_exact_form_is_a_key() {
        let good = "own_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
        assert!(Key::parse(good).is_ok());
        for bad in [
            "",
            "own_",
            "own",
            &good[..good.len() - 1],
            &format!("{good}A"),
            &format!("{good}="),
            &good.replace("own_", "OWN_"),
            &good.replace("own_", "read"),
            // The last character carries four bits; another with the same four is not the same string.
            &format!("{}9", &good[..good.len() - 1]),
            "own_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh+",
        ] {
            assert_eq!(Key::parse(bad), Err(NotAKey), "{bad:?}");
        }
        assert!(Key::from_authorization(&format!("bearer {good}")).is_ok());
        assert!(Key::from_authorization(good).is_err());
        assert!(Key::from_authorization(&format!("Basic {good}")).is_err());
    }

    #[test]
    fn only_the_exact_form_is_an_endpoint() {
        let good = "b7nihh2yefj2lxoxyqgcjpq6pi";
        assert!(Endpoint::parse(good).is_ok());
        for bad in [
            "",
            "b7",
            &good.to_uppercase(),
            &good[1..],
            &format!("{good}a"),
            "b7nihh2yefj2lxoxyqgcjpq6pj",
            "b7nihh2yefj2lxoxyqgcjpq6p1",
        ] {
            assert_eq!(Endpoint::parse(bad), Err(NotAKey), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn every_key_reads_back_and_leads_to_one_endpoint(bytes: [u8; 32]) {
            let owner = OwnerKey::from_bytes(&bytes);
            let share = owner.share_key();
            prop_assert_eq!(Key::parse(owner.reveal()), Ok(Key::Owner(owner.clone())));
            prop_assert_eq!(Key::parse(share.reveal()), Ok(Key::Share(share.clone())));
            prop_assert_eq!(Key::Owner(owner).endpoint(), share.endpoint());
            prop_assert_eq!(Endpoint::parse(share.endpoint().as_str()), Ok(share.endpoint()));
        }

        #[test]
        fn no_text_panics(text in "\\PC*") {
            let _ = (Key::parse(&text), Key::from_authorization(&text), Endpoint::parse(&text));
        }

        #[test]
        fn debug_shows_no_secret(bytes: [u8; 32]) {
            let owner = OwnerKey::from_bytes(&bytes);
            prop_assert_eq!(format!("{owner:?} {:?}", owner.share_key()), "own_… read_…");
        }
    }
}

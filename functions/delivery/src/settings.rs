//! Who may call a hook URL, as far as its owner decides: whether pages of other sites may read the answers, and which
//! credential is expected of senders.
//!
//! Of a credential only a digest is kept. It is made together with the endpoint's name, so that equal credentials of two
//! endpoints have different digests. A long random token can't be found from it; a short password can, by trying all.

use data_encoding::BASE64_NOPAD;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use crate::{
    Request,
    key::Endpoint,
    reply::{MAX_TIMES, Refusal},
};

/// Longest JSON of a change that is parsed: a credential of [`MAX_CREDENTIAL`] fits, each character written as `\u0000`.
const MAX_CHANGE: usize = 8 * 1024;
/// Longest token, and longest user and password together, in bytes.
const MAX_CREDENTIAL: usize = 512;

/// The settings as they may be shown, and whose they are to see: the owner's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Whether pages of other sites may send and read the answer.
    pub cors: bool,
    /// What is expected of senders.
    pub expect: Option<Expectation>,
}

/// An expected credential, without the credential.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expectation {
    pub scheme: Scheme,
    /// Of how many webhooks those without the credential were to get 401.
    pub refuse: u32,
    /// How many of these are left.
    pub refuse_left: u32,
}

/// How a credential is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scheme {
    /// `Bearer TOKEN` (RFC 6750)
    Bearer,
    /// `Basic` and the base64 of `USER:PASSWORD` (RFC 7617)
    Basic,
}

impl Scheme {
    /// In lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Scheme::Bearer => "bearer",
            Scheme::Basic => "basic",
        }
    }
}

/// The digest of a credential.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Expected {
    pub scheme: Scheme,
    pub digest: [u8; 32],
}

impl std::fmt::Debug for Expected {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Expected({}, …)", self.scheme.as_str())
    }
}

/// What a request's credential was, where one is expected.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Verified {
    Ok,
    /// Another one, or none that can be read.
    Wrong,
    /// No `authorization`, or an empty one.
    Missing,
}

impl Verified {
    /// In lower case.
    pub fn as_str(self) -> &'static str {
        match self {
            Verified::Ok => "ok",
            Verified::Wrong => "wrong",
            Verified::Missing => "missing",
        }
    }
}

impl Expected {
    /// Of a token, or of `USER:PASSWORD`.
    fn new(scheme: Scheme, credential: &[u8], endpoint: &Endpoint) -> Self {
        let kind = format!("credential:{endpoint}:{}:", scheme.as_str());
        let digest = Sha256::new().chain_update(kind).chain_update(credential).finalize();
        Expected { scheme, digest: digest.into() }
    }

    /// Of the value of an `authorization` header. `None` if it is of another scheme, or `Basic` and not base64.
    fn of(authorization: &str, endpoint: &Endpoint) -> Option<Self> {
        let (scheme, credential) = authorization.trim_matches(' ').split_once(' ')?;
        let credential = credential.trim_matches(' ');
        if scheme.eq_ignore_ascii_case(Scheme::Bearer.as_str()) {
            return Some(Expected::new(Scheme::Bearer, credential.as_bytes(), endpoint));
        }
        if !scheme.eq_ignore_ascii_case(Scheme::Basic.as_str()) {
            return None;
        }
        // Some senders leave the padding out.
        let decoded = BASE64_NOPAD.decode(credential.trim_end_matches('=').as_bytes()).ok()?;
        Some(Expected::new(Scheme::Basic, &decoded, endpoint))
    }

    /// What a request's credential is. Digests are compared, so that the time it takes says nothing of how much was right.
    pub fn verify(&self, request: &Request, endpoint: &Endpoint) -> Verified {
        match request.headers.get("authorization") {
            None | Some("") => Verified::Missing,
            Some(value) if Expected::of(value, endpoint) == Some(*self) => Verified::Ok,
            Some(_) => Verified::Wrong,
        }
    }
}

/// A credential as its owner writes it down.
#[derive(Deserialize)]
#[serde(tag = "scheme", rename_all = "lowercase", deny_unknown_fields)]
enum Credential {
    Bearer {
        token: String,
        #[serde(default)]
        refuse: u32,
    },
    Basic {
        user: String,
        password: String,
        #[serde(default)]
        refuse: u32,
    },
}

/// What `expect` may be, for whoever gave something else.
const EXPECT: &str = "null, {\"scheme\":\"bearer\",\"token\":…} or {\"scheme\":\"basic\",\"user\":…,\"password\":…}, with up to 512 bytes, no control character, only visible ASCII in a token and no colon in a user, and with refuse from 0 to 20 if you like";

impl Credential {
    /// Its digest, and how many webhooks without it are refused. `None` if no sender could bring it.
    fn expected(&self, endpoint: &Endpoint) -> Option<(Expected, u32)> {
        let (scheme, credential, refuse) = match self {
            Credential::Bearer { token, refuse } => (Scheme::Bearer, token.clone(), *refuse),
            Credential::Basic { user, password, refuse } => {
                (Scheme::Basic, format!("{user}:{password}"), *refuse)
            }
        };
        let is_sendable = match self {
            Credential::Bearer { token, .. } => {
                !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_graphic())
            }
            Credential::Basic { user, .. } => {
                !user.contains(':') && credential != ":" && !credential.contains(char::is_control)
            }
        };
        let fits = is_sendable && credential.len() <= MAX_CREDENTIAL && refuse <= MAX_TIMES;
        fits.then(|| (Expected::new(scheme, credential.as_bytes(), endpoint), refuse))
    }
}

/// A change of the settings. What is `None` stays as it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Change {
    pub cors: Option<bool>,
    /// `Some(None)` expects nothing any more. The number is [`Expectation::refuse`].
    pub expect: Option<Option<(Expected, u32)>>,
}

impl Change {
    /// The change that a JSON text is.
    ///
    /// # Errors
    /// Names the first field that does not fit, and says what would. Never repeats a value, which may be a secret.
    pub fn parse(json: &[u8], endpoint: &Endpoint) -> Result<Self, Refusal> {
        let refuse = |field: &str, detail: &str| {
            Err(Refusal { field: field.to_owned(), detail: detail.to_owned() })
        };
        let fields = match serde_json::from_slice(json) {
            Ok(Value::Object(fields)) if json.len() <= MAX_CHANGE => fields,
            _ => return refuse("", "send a short JSON object such as {\"cors\":true}"),
        };
        let mut change = Change::default();
        for (name, value) in fields {
            match (name.as_str(), value) {
                ("cors", Value::Bool(cors)) => change.cors = Some(cors),
                ("cors", _) => return refuse("cors", "true or false"),
                ("expect", Value::Null) => change.expect = Some(None),
                ("expect", value) => {
                    let credential = serde_json::from_value::<Credential>(value).ok();
                    match credential.and_then(|credential| credential.expected(endpoint)) {
                        None => return refuse("expect", EXPECT),
                        expected => change.expect = Some(expected),
                    }
                }
                _ => return refuse(&name, "no such field; there are cors and expect"),
            }
        }
        Ok(change)
    }
}

#[cfg(test)]
mod tests {
    use data_encoding::BASE64;

    use super::*;
    use crate::headers::Headers;

    fn endpoint() -> Endpoint {
        Endpoint::parse("b7nihh2yefj2lxoxyqgcjpq6pi").unwrap()
    }

    fn expect(json: &str) -> Expected {
        let json = format!(r#"{{"expect":{json}}}"#);
        Change::parse(json.as_bytes(), &endpoint()).unwrap().expect.unwrap().unwrap().0
    }

    fn verify(expected: Expected, authorization: &str) -> Verified {
        let headers = Headers::from([("authorization", authorization)]);
        let request = Request { headers, ..Request::default() };
        expected.verify(&request, &endpoint())
    }

    #[test]
    fn a_credential_is_right_in_each_of_its_forms() {
        let bearer = expect(r#"{"scheme":"bearer","token":"s3cret="}"#);
        for value in ["Bearer s3cret=", "bearer s3cret=", "BEARER   s3cret= "] {
            assert_eq!(verify(bearer, value), Verified::Ok, "{value}");
        }
        let basic = expect(r#"{"scheme":"basic","user":"ä","password":"a:b"}"#);
        let encoded = BASE64.encode("ä:a:b".as_bytes());
        let unpadded = encoded.trim_end_matches('=');
        for value in [format!("Basic {encoded}"), format!("basic  {unpadded}")] {
            assert_eq!(verify(basic, &value), Verified::Ok, "{value}");
        }
    }

    #[test]
    fn hostile_credentials_are_wrong_and_nothing_else() {
        let bearer = expect(r#"{"scheme":"bearer","token":"s3cret"}"#);
        let basic = expect(r#"{"scheme":"basic","user":"u","password":"p"}"#);
        let long = format!("Bearer {}", "s3cret".repeat(500_000));
        for value in [
            "s3cret",
            "Bearer",
            "Bearer ",
            "Bearer s3cre",
            "Bearer s3cret\0",
            "Bearer s3cret\r\n",
            "Bearer s3cret, Bearer s3cret",
            "Bearer sécret",
            "Basic s3cret",
            "Basic dQ==",
            "Basic dTpwAA==",
            "Basic =",
            "Basic %%%",
            "Digest u:p",
            "\u{212a}: \u{1f600}",
            &long,
        ] {
            for expected in [bearer, basic] {
                assert_eq!(verify(expected, value), Verified::Wrong, "{value:.40}");
            }
        }
        assert_eq!(verify(bearer, "Basic dTpw"), Verified::Wrong);
        assert_eq!(verify(basic, "Bearer s3cret"), Verified::Wrong);
        assert_eq!(verify(bearer, ""), Verified::Missing);
        assert_eq!(bearer.verify(&Request::default(), &endpoint()), Verified::Missing);
    }

    #[test]
    fn a_digest_is_its_endpoints_own_and_in_no_debug_text() {
        let other = Endpoint::parse("aaaaaaaaaaaaaaaaaaaaaaaaaa").unwrap();
        let [here, there] =
            [endpoint(), other].map(|endpoint| Expected::new(Scheme::Bearer, b"t", &endpoint));
        assert_ne!(here.digest, there.digest);
        assert_eq!(format!("{here:?}"), "Expected(bearer, …)");
    }

    #[test]
    fn what_does_not_fit_is_refused_by_name_and_not_repeated() {
        let check = |json: &str, field: &str| {
            let refusal = Change::parse(json.as_bytes(), &endpoint()).unwrap_err();
            assert_eq!(refusal.field, field, "{json}");
            assert!(!refusal.detail.contains("planted"), "{json}");
        };
        check("[true]", "");
        check(&format!("{{{}}}", " ".repeat(MAX_CHANGE)), "");
        check(r#"{"cors":"planted"}"#, "cors");
        check(r#"{"colour":"planted"}"#, "colour");
        for expect in [
            r#""planted""#,
            r#"{"scheme":"planted","token":"t"}"#,
            r#"{"scheme":"bearer","token":""}"#,
            r#"{"scheme":"bearer","token":"planted é"}"#,
            r#"{"scheme":"bearer","token":"planted\r\n"}"#,
            &format!(r#"{{"scheme":"bearer","token":"{}"}}"#, "planted".repeat(74)),
            r#"{"scheme":"bearer","token":"t","password":"planted"}"#,
            r#"{"scheme":"bearer","token":"planted","refuse":21}"#,
            r#"{"scheme":"basic","user":"planted"}"#,
            r#"{"scheme":"basic","user":"","password":""}"#,
            r#"{"scheme":"basic","user":"planted:","password":"p"}"#,
            r#"{"scheme":"basic","user":"u","password":"\u0000planted"}"#,
        ] {
            check(&format!(r#"{{"expect":{expect}}}"#), "expect");
        }
    }

    #[test]
    fn what_is_absent_stays_and_null_removes() {
        let parse = |json: &str| Change::parse(json.as_bytes(), &endpoint()).unwrap();
        assert_eq!(parse("{}"), Change::default());
        assert_eq!(parse(r#"{"cors":true}"#), Change { cors: Some(true), expect: None });
        assert_eq!(parse(r#"{"expect":null}"#), Change { cors: None, expect: Some(None) });
        let refused = parse(r#"{"expect":{"scheme":"bearer","token":"t","refuse":20}}"#);
        assert_eq!(refused.expect.unwrap().unwrap().1, 20);
    }
}

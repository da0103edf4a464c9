//! The client of DynamoDB, with its timeouts and retries.

use std::{future::Future, time::Duration};

use aws_sdk_dynamodb::{
    Client, Config,
    config::{
        BehaviorVersion, Credentials, IdentityCache, Region, StalledStreamProtectionConfig,
        retry::RetryConfig, timeout::TimeoutConfig,
    },
    error::{ProvideErrorMetadata, SdkError},
};
use aws_smithy_http_client::tls::{Provider, TlsContext, TrustStore, rustls_provider::CryptoMode};
use tokio::time::timeout;

use crate::{Error, protocol};

/// The root certificates of Amazon's endpoints. The system's list would do too, but reading its hundred and fifty certificates
/// takes longer than everything else at the start of a process.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");
const CONNECT_WITHIN: Duration = Duration::from_millis(1000);
/// DynamoDB answers within tens of milliseconds; an attempt that takes this long will not succeed.
const ATTEMPT_WITHIN: Duration = Duration::from_millis(1400);
/// An operation with all its attempts.
const OPERATION_WITHIN: Duration = Duration::from_millis(3000);
/// A receiver's calls before the record (number, reply), each with its attempts.
pub(crate) const NUMBER_WITHIN: Duration = Duration::from_millis(2000);
/// A record with all its attempts.
pub(crate) const RECORD_WITHIN: Duration = Duration::from_millis(protocol::RECORD_FOR_MS);
/// How long a function waits for the table when DynamoDB hangs or is slow: a receiver for its three calls; a call of the API,
/// which may make more, for all of them.
pub const ANSWERED_WITHIN: Duration = NUMBER_WITHIN.saturating_mul(2).saturating_add(RECORD_WITHIN);
// A number that was given this long ago is abandoned: its writer has given up.
const _: () = assert!(ANSWERED_WITHIN.as_millis() < protocol::GAP_OPEN_MS as u128);
/// How long a function's start waits for the table. A connection takes some ten milliseconds.
pub(crate) const CONNECT_AT_START_WITHIN: Duration = Duration::from_millis(300);
// The contract promises a 503 within 10 s, also when a function has to be started first; the rest is for the start itself and
// the network.
const _: () = assert!(CONNECT_AT_START_WITHIN.as_millis() + ANSWERED_WITHIN.as_millis() <= 9_500);
/// Two attempts fit in there with a pause between them.
const ATTEMPTS: u32 = 2;

/// The result of one operation, with the crate's own error.
pub(crate) async fn answered<T, E>(
    operation: impl Future<Output = Result<T, SdkError<E>>>,
) -> Result<T, Error>
where
    E: ProvideErrorMetadata,
{
    operation.await.map_err(Error::from_sdk)
}

/// Limits the time of a call that may make several operations. A write under way may still take effect.
///
/// # Errors
/// [`Error::Unavailable`] when the time is over; otherwise the call's own.
pub async fn with_timeout<T, E: From<Error>>(
    time: Duration,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    timeout(time, call).await.map_err(|_| Error::Unavailable("no answer in time".into()))?
}

/// Where the table is, and the credentials to use it with.
#[derive(Clone)]
pub struct Connection {
    /// The table's name.
    pub table: String,
    /// The AWS region.
    pub region: String,
    /// Replaces the region's own URL, for an embedded engine for example.
    pub endpoint_url: Option<String>,
    /// Lambda does not change the credentials of a running environment.
    pub access_key_id: String,
    /// A secret.
    pub secret_access_key: String,
    /// A secret; Lambda's credentials have one.
    pub session_token: Option<String>,
    /// More trusted root certificates, in PEM.
    pub also_trusted: Option<Vec<u8>>,
}

impl std::fmt::Debug for Connection {
    /// Without the credentials.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Connection")
            .field("table", &self.table)
            .field("endpoint_url", &self.endpoint_url)
            .finish_non_exhaustive()
    }
}

impl Connection {
    /// The connection that a Lambda environment describes; `get` looks a variable up.
    ///
    /// # Errors
    /// The name of the variable that is missing, or that names a file which can't be read.
    pub fn from_env(
        table: &str,
        get: impl Fn(&str) -> Option<String>,
    ) -> Result<Self, &'static str> {
        let need = |name: &'static str| get(name).ok_or(name);
        // The name by which Amazon's own tools know such a file.
        const BUNDLE: &str = "AWS_CA_BUNDLE";
        let read = |path| std::fs::read(path).map_err(|_| BUNDLE);
        Ok(Connection {
            table: table.into(),
            region: need("AWS_REGION")?,
            endpoint_url: get("AWS_ENDPOINT_URL_DYNAMODB"),
            access_key_id: need("AWS_ACCESS_KEY_ID")?,
            secret_access_key: need("AWS_SECRET_ACCESS_KEY")?,
            session_token: get("AWS_SESSION_TOKEN"),
            also_trusted: get(BUNDLE).map(read).transpose()?,
        })
    }

    /// A connection to a DynamoDB-compatible engine, which wants credentials and a region but does not check them.
    pub fn to_engine(url: &str, table: &str) -> Self {
        Connection::to_url(url, table, |_| None)
    }

    /// A connection to a URL: an engine, or DynamoDB itself with the credentials and the region of an environment; `get` looks
    /// a variable up.
    pub fn to_url(url: &str, table: &str, get: impl Fn(&str) -> Option<String>) -> Self {
        let get_or = |name, default: &str| get(name).unwrap_or_else(|| default.to_owned());
        Connection {
            table: table.into(),
            region: get_or("AWS_REGION", "us-east-1"),
            endpoint_url: Some(url.into()),
            access_key_id: get_or("AWS_ACCESS_KEY_ID", "local"),
            secret_access_key: get_or("AWS_SECRET_ACCESS_KEY", "local"),
            session_token: get("AWS_SESSION_TOKEN"),
            also_trusted: None,
        }
    }

    /// Two clients over the same connections: one that tries a call again, and one that leaves that to
    /// [`protocol::pause_before_retry`]. Nothing is connected before the first call.
    pub(crate) fn clients(&self) -> [Client; 2] {
        let mut roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
        if let Some(pem) = &self.also_trusted {
            roots.add_pem_certificate(pem.as_slice());
        }
        let tls = TlsContext::builder().with_trust_store(roots).build();
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::Ring))
            .tls_context(tls.expect("a trust store is all it needs"))
            .build_https();
        let credentials = Credentials::new(
            &self.access_key_id,
            &self.secret_access_key,
            self.session_token.clone(),
            None,
            "environment",
        );
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_WITHIN)
            .operation_attempt_timeout(ATTEMPT_WITHIN)
            .operation_timeout(OPERATION_WITHIN);
        let retries = RetryConfig::standard()
            .with_max_attempts(ATTEMPTS)
            .with_initial_backoff(Duration::from_millis(50));
        // Set here so that the SDK does not read its list of all partitions and regions at the first call. Outside the
        // commercial partition the name has another suffix, and `endpoint_url` must be set.
        let regional = || format!("https://dynamodb.{}.amazonaws.com", self.region);
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .endpoint_url(self.endpoint_url.clone().unwrap_or_else(regional))
            .credentials_provider(credentials)
            // They are at hand, and a cache of them takes longer to request.
            .identity_cache(IdentityCache::no_cache())
            // For streamed bodies. These are small, and attempts have a timeout.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(http)
            .timeout_config(timeouts.build())
            .retry_config(retries);
        let once = config.clone().retry_config(RetryConfig::disabled());
        [config, once].map(|config| Client::from_conf(config.build()))
    }
}

//! The way to DynamoDB, its patience set on purpose.

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
use tokio::time::{Instant, error::Elapsed, timeout, timeout_at};

use crate::Error;

/// Who vouches for Amazon's endpoints. The system's list would do too, but reading some hundred and fifty certificates at the
/// start of every process takes longer than all the rest of it.
const AMAZON_ROOTS: &[u8] = include_bytes!("amazon-roots.pem");
/// How long a connection may take to be made.
const CONNECT_WITHIN: Duration = Duration::from_millis(1000);
/// How long one attempt may take. DynamoDB answers within tens of milliseconds; what takes longer is not coming.
const ATTEMPT_WITHIN: Duration = Duration::from_millis(1400);
/// How long an operation may take with all its attempts. It is also why a number that was given 10 s ago is known to be
/// abandoned ([`GAP_OPEN_MS`](crate::protocol::GAP_OPEN_MS)).
pub(crate) const OPERATION_WITHIN: Duration = Duration::from_millis(3000);
/// How long a function waits for the table before it answers, when DynamoDB hangs or is slow. A receiver makes three calls at
/// most (number, reply, record), and none takes longer than an operation may; what of the API makes more is held to the same.
/// Where a request can have waited before, [`with_deadline`] says how much of that is left.
pub const ANSWERED_WITHIN: Duration = OPERATION_WITHIN.saturating_mul(3);
/// How long a start may wait for the table. A connection is there within some ten milliseconds, or it is not coming.
pub(crate) const CONNECT_AT_START_WITHIN: Duration = Duration::from_millis(300);
/// The contract has a 503 with its sender within 10 s, also where a function had to be started for it first; what is left is
/// for the start itself and the way.
const _: () = assert!(CONNECT_AT_START_WITHIN.as_millis() + ANSWERED_WITHIN.as_millis() <= 9_500);
/// Two attempts fit in there with a pause between them.
const ATTEMPTS: u32 = 2;

tokio::task_local! {
    /// When whoever asks must have an answer.
    static DEADLINE: Instant;
}

/// Does what may request the table, whose answers count only until `deadline`: for a caller who has waited before it came to
/// asking, and who is to be told in time that it did not work. What an operation may take by itself it may not exceed either.
///
/// The deadline is in the air and not in every signature because it belongs to the way a request came, of which a function
/// knows nothing: on AWS the front is what gives up. It does not reach into a task that is spawned meanwhile.
pub async fn with_deadline<T>(deadline: Instant, asking: impl Future<Output = T>) -> T {
    DEADLINE.scope(deadline, asking).await
}

/// The answer to one operation, if it comes before the deadline that there may be.
pub(crate) async fn answered<T, E, R>(
    operation: impl Future<Output = Result<T, SdkError<E, R>>>,
) -> Result<T, Error>
where
    E: ProvideErrorMetadata,
{
    let answered = match DEADLINE.try_with(|deadline| *deadline) {
        Ok(deadline) => timeout_at(deadline, operation).await.map_err(late)?,
        Err(_) => operation.await,
    };
    answered.map_err(Error::from_sdk)
}

/// Holds a call to a time of its own, be it of several operations. What it was writing may be written all the same.
///
/// # Errors
/// [`Error::Unavailable`] when the time is over, and the call's own.
pub async fn with_timeout<T, E: From<Error>>(
    time: Duration,
    call: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    timeout(time, call).await.map_err(late)?
}

fn late(_: Elapsed) -> Error {
    Error::Unavailable("no answer in time".into())
}

/// Where the table is, and who asks.
pub struct Connection {
    /// The table's name.
    pub table: String,
    /// The AWS region.
    pub region: String,
    /// Another address than the region's, such as an embedded engine's.
    pub endpoint_url: Option<String>,
    /// Credentials. Lambda does not change those of a running environment.
    pub access_key_id: String,
    /// A secret.
    pub secret_access_key: String,
    /// A secret; Lambda's credentials have one.
    pub session_token: Option<String>,
    /// Certificates, in PEM, that are trusted besides the roots of Amazon's own endpoints.
    pub also_trusted: Option<Vec<u8>>,
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

    /// The connection to an engine on this machine. Those check that there are credentials and a region, and not which.
    pub fn to_engine(url: &str, table: &str) -> Self {
        Connection {
            table: table.into(),
            region: "us-east-1".into(),
            endpoint_url: Some(url.into()),
            access_key_id: "local".into(),
            secret_access_key: "local".into(),
            session_token: None,
            also_trusted: None,
        }
    }

    /// A client. Nothing is connected before its first call.
    pub(crate) fn client(&self) -> Client {
        let mut roots = TrustStore::empty().with_pem_certificate(AMAZON_ROOTS);
        if let Some(pem) = &self.also_trusted {
            roots.add_pem_certificate(pem.as_slice());
        }
        let tls = TlsContext::builder().with_trust_store(roots).build();
        let http = aws_smithy_http_client::Builder::new()
            .tls_provider(Provider::Rustls(CryptoMode::AwsLc))
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
        // Said here so that the SDK need not read its list of all partitions and their regions, which it does at the first
        // call. Outside of the commercial partition the name ends otherwise, and `endpoint_url` must say it.
        let regional = || format!("https://dynamodb.{}.amazonaws.com", self.region);
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(self.region.clone()))
            .endpoint_url(self.endpoint_url.clone().unwrap_or_else(regional))
            .credentials_provider(credentials)
            // They are at hand, and a cache of them takes longer to request.
            .identity_cache(IdentityCache::no_cache())
            // For bodies that come bit by bit. These are small, and an attempt has its time.
            .stalled_stream_protection(StalledStreamProtectionConfig::disabled())
            .http_client(http)
            .timeout_config(timeouts.build())
            .retry_config(retries);
        Client::from_conf(config.build())
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    type Never = Result<(), SdkError<aws_sdk_dynamodb::Error, ()>>;

    #[tokio::test]
    async fn what_is_not_answered_by_the_deadline_is_given_up_then_and_no_earlier() {
        let late = Err(Error::Unavailable("no answer in time".into()));
        let deadline = Instant::now() + Duration::from_millis(50);
        // It would wait for ever.
        let never = with_deadline(deadline, answered(pending::<Never>())).await;
        assert!(Instant::now() >= deadline);
        let in_a_call = with_deadline(
            deadline,
            with_timeout(OPERATION_WITHIN, answered(pending::<Never>())),
        )
        .await;
        assert!(Instant::now() < deadline + OPERATION_WITHIN);
        assert_eq!([never, in_a_call], [late.clone(), late]);
        let answer = async { Ok::<_, SdkError<aws_sdk_dynamodb::Error, ()>>(7) };
        assert_eq!(
            with_deadline(Instant::now() + OPERATION_WITHIN, answered(answer)).await,
            Ok(7)
        );
    }
}

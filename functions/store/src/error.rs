//! What can go wrong, one variant for each way to handle it.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

use crate::protocol::Refusal;

/// Why the store did not do what was asked. Holds nothing that a sender wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is no such endpoint: never created, expired or forgotten.
    NotFound,
    /// The endpoint has used up its write units.
    UsedUp(Refusal),
    /// DynamoDB throttles; most likely the table's configured maximum is reached.
    Throttled,
    /// DynamoDB failed, or did not answer in time.
    Unavailable(String),
    /// DynamoDB refuses the call, and would again: the deployment or this program is at fault.
    Refused(String),
    /// A reader closed this number before its delivery was recorded.
    GapClosed,
    /// An item is there and can't be read.
    Unreadable {
        /// 0 is the head.
        seq: u64,
        /// The attribute's name.
        attribute: &'static str,
    },
    /// A write's condition did not hold. Handled inside the store; callers never see it.
    ConditionFailed,
}

impl Error {
    /// For a write that lost to a concurrent one at each attempt.
    pub(crate) fn too_many_conflicts() -> Self {
        Error::Unavailable("too many concurrent changes".into())
    }

    pub(crate) fn from_sdk<E>(error: SdkError<E>) -> Self
    where
        E: ProvideErrorMetadata,
    {
        let kind = match &error {
            SdkError::ConstructionFailure(_) => "the request could not be made",
            SdkError::TimeoutError(_) => "no answer in time",
            SdkError::DispatchFailure(_) => "no connection",
            SdkError::ResponseError(_) => "malformed response",
            _ => "refused",
        };
        let is_fault_of_ours = matches!(&error, SdkError::ServiceError(_))
            && error.raw_response().is_some_and(|response| response.status().is_client_error());
        match error.as_service_error().and_then(ProvideErrorMetadata::code) {
            Some("ConditionalCheckFailedException") => Error::ConditionFailed,
            Some(
                "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "ThrottlingException",
            ) => Error::Throttled,
            Some(code) if is_fault_of_ours => Error::Refused(code.to_owned()),
            Some(code) => Error::Unavailable(code.to_owned()),
            None => Error::Unavailable(kind.to_owned()),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::NotFound => f.write_str("no such endpoint"),
            Error::UsedUp(_) => f.write_str("the endpoint has used up its write units"),
            Error::Throttled => f.write_str("the table is throttled"),
            Error::Unavailable(why) => write!(f, "the table is not available: {why}"),
            Error::Refused(why) => write!(f, "the table refuses the call: {why}"),
            Error::GapClosed => {
                f.write_str("a reader closed the number before its delivery was recorded")
            }
            Error::Unreadable { seq, attribute } => {
                write!(f, "attribute {attribute} of item {seq} can't be read")
            }
            Error::ConditionFailed => f.write_str("a condition did not hold"),
        }
    }
}

impl std::error::Error for Error {}

//! What can go wrong, told apart by what is to be done about it.

use aws_sdk_dynamodb::error::{ProvideErrorMetadata, SdkError};

/// Why the store did not do what was asked. Holds nothing that a sender wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Error {
    /// There is no such endpoint: never created, expired or forgotten.
    NotFound,
    /// DynamoDB asks for less; the ceiling of the table, most likely.
    Throttled,
    /// DynamoDB did not answer, or not in time, or failed.
    Unavailable(String),
    /// A reader gave this number up before it was recorded.
    Sealed,
    /// An item is there and can't be read.
    Unreadable {
        /// Its number; 0 is the head.
        seq: u64,
        /// The attribute.
        attribute: &'static str,
    },
    /// A write's condition did not hold. Handled inside; a caller does not see it.
    ConditionFailed,
}

impl Error {
    /// Of a write that found each time that another one had come first.
    pub(crate) fn contended() -> Self {
        Error::Unavailable("too many concurrent changes".into())
    }

    pub(crate) fn from_sdk<E, R>(error: SdkError<E, R>) -> Self
    where
        E: ProvideErrorMetadata,
    {
        let kind = match &error {
            SdkError::ConstructionFailure(_) => "the request could not be made",
            SdkError::TimeoutError(_) => "no answer in time",
            SdkError::DispatchFailure(_) => "no connection",
            SdkError::ResponseError(_) => "an answer that is none",
            _ => "refused",
        };
        match error
            .as_service_error()
            .and_then(ProvideErrorMetadata::code)
        {
            Some("ConditionalCheckFailedException") => Error::ConditionFailed,
            Some(
                "ProvisionedThroughputExceededException"
                | "RequestLimitExceeded"
                | "ThrottlingException",
            ) => Error::Throttled,
            Some(code) => Error::Unavailable(code.to_owned()),
            None => Error::Unavailable(kind.to_owned()),
        }
    }
}

impl std::fmt::Display for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Error::NotFound => f.write_str("no such endpoint"),
            Error::Throttled => f.write_str("the table is throttled"),
            Error::Unavailable(why) => write!(f, "the table is not available: {why}"),
            Error::Sealed => {
                f.write_str("the number was given up before its delivery was recorded")
            }
            Error::Unreadable { seq, attribute } => {
                write!(f, "attribute {attribute} of item {seq} can't be read")
            }
            Error::ConditionFailed => f.write_str("a condition did not hold"),
        }
    }
}

impl std::error::Error for Error {}

//! What `PUT` and `GET /api/endpoint` answer.

use serde::{Deserialize, Serialize};

use crate::{
    key::Endpoint,
    limits::Limits,
    millis::{self, Millis},
    reply::Reply,
    settings::Settings,
};

/// An endpoint as its owner or a reader sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EndpointInfo {
    /// Its name.
    pub endpoint: Endpoint,
    /// The absolute URL to send webhooks to.
    pub hook_url: String,
    /// When it was created.
    #[serde(with = "millis::rfc3339")]
    pub created_at: Millis,
    /// Each delivery and each `PUT /api/endpoint` extends it.
    #[serde(with = "millis::rfc3339")]
    pub expires_at: Millis,
    /// The lowest number that the log may still hold.
    pub first_seq: u64,
    /// The highest number given; 0 before the first.
    pub last_seq: u64,
    /// Requests that were refused because the endpoint had used up its write units; at least so many, and absent for none.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub refused: u64,
    /// The limits of this deployment.
    pub limits: Limits,
    /// What the receiver is set to answer; `None` for the default reply, and always under a share key.
    pub reply: Option<SetReply>,
    /// Who may call; absent under a share key.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settings: Option<Settings>,
}

/// A reply that is set, and how often it will still be used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetReply {
    /// The setting, without its secret.
    #[serde(flatten)]
    pub reply: Reply,
    /// Whether there is one.
    #[serde(default, skip_serializing_if = "crate::is_default")]
    pub has_secret: bool,
    /// Uses left; `None` if it has no count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times_left: Option<u32>,
}

impl SetReply {
    /// A reply as it may be shown.
    pub fn new(mut reply: Reply, times_left: Option<u32>) -> Self {
        let has_secret = reply.secret.take().is_some();
        SetReply { reply, has_secret, times_left }
    }
}

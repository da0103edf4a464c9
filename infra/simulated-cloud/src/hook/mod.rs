//! From an event to the response of a webhook's server.
//!
//! In this order: a configuration (`config`) matches, the host may be asleep (`rating`), the templates are filled (`request`,
//! from `variables`), the request is sent (`send`), and the response is published (`response`). `run` is the sequence.

pub(crate) mod config;
pub(crate) mod rating;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod run;
pub(crate) mod send;
pub(crate) mod variables;

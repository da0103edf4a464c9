//! What happens between an event and the answer of somebody's server.
//!
//! In the order of events: a configuration (`config`) matches, the host may be asleep (`rating`), the templates are filled
//! (`request`, from `variables`), the request goes out (`send`), and what came back is published (`response`). `run` holds the sequence.

pub(crate) mod config;
pub(crate) mod rating;
pub(crate) mod request;
pub(crate) mod response;
pub(crate) mod run;
pub(crate) mod send;
pub(crate) mod variables;

//! The simulated cloud from outside: real sockets and a virtual clock.

#![allow(
    clippy::unwrap_used,
    reason = "all of this is test code; the lint knows test functions only, not their helpers"
)]

mod support;

mod device;

mod access;
mod api_js;
mod console;
mod controls;
mod devices;
mod flash;
mod integrations;
mod link;
mod responses;
mod restart;
mod retries;
mod secrets;
mod signin;
mod streams;
mod webhooks;

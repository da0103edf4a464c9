//! What the code needs of its AWS home, as JSON, for `infra/aws/check` to compare the template with.
//!
//! All values come from the code itself.
#![allow(clippy::print_stdout, reason = "a program that talks to a script")]

use delivery::limits::Limits;
use serde_json::json;

/// In place of the page's origin, which only a deployment knows.
const ORIGIN: &str = "https://page.example";
/// The one cloud that a page on AWS talks to.
const CLOUD: &str = "https://api.particle.io";
/// The hosts to which a page with a domain of its own sends webhooks.
const HOOK_HOSTS: &str = "https://*.hook.page.example";

fn main() {
    let keys = store::table::KEYS
        .map(|(name, kind, of_type)| [name.to_owned(), kind.to_string(), of_type.to_string()]);
    let shared = function_url::config::VARIABLES;
    let for_api = [&shared[..], &api::config::VARIABLES].concat();
    let files = site::files(&site::Options::default()).expect("the site's own templates render");
    let needs = json!({
        "variables": { "Receiver": shared, "Api": for_api },
        "origin_secret_header": function_url::event::ORIGIN_SECRET_HEADER,
        "viewer_address_header": function_url::event::VIEWER_ADDRESS_HEADER,
        "viewer_host_header": function_url::event::VIEWER_HOST_HEADER,
        "limits": Limits::default(),
        "answered_within_s": store::connection::ANSWERED_WITHIN.as_secs(),
        "table": { "keys": keys, "ttl": store::table::TTL_ATTRIBUTE },
        "site": {
            "origin": ORIGIN,
            "files": files.iter().map(|file| &file.path).collect::<Vec<_>>(),
            "headers": site::policy::headers(ORIGIN, &[CLOUD]),
            "headers_with_domain": site::policy::headers(ORIGIN, &[CLOUD, HOOK_HOSTS]),
        },
    });
    println!("{needs:#}");
}

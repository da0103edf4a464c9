//! What a share key may not see.
//!
//! Header values are shown by an allow-list, because every deny-list of secret header names has leaked sooner or later;
//! the others keep their length and nothing else. Bodies, paths and queries stay visible, and the page says so before a
//! link is copied.

use crate::{Delivery, headers::Headers};

/// Request headers whose values say how something was sent, not who by.
pub const SHOWN: [&str; 19] = [
    "accept",
    "accept-charset",
    "accept-encoding",
    "accept-language",
    "cache-control",
    "connection",
    "content-disposition",
    "content-encoding",
    "content-language",
    "content-length",
    "content-security-policy",
    "content-type",
    "date",
    "host",
    "retry-after",
    "user-agent",
    "x-content-type-options",
    "x-forwarded-port",
    "x-forwarded-proto",
];

/// A delivery as a reader with a share key sees it.
pub fn for_share_key(mut delivery: Delivery) -> Delivery {
    mask_headers(&mut delivery.request.headers);
    mask_headers(&mut delivery.response.headers);
    delivery.request.source = mask(&delivery.request.source);
    delivery
}

fn mask_headers(headers: &mut Headers) {
    for (name, value) in &mut headers.0 {
        if !SHOWN.contains(&name.to_ascii_lowercase().as_str()) {
            *value = mask(value);
        }
    }
}

/// As many dots as the text has characters.
fn mask(text: &str) -> String {
    "•".repeat(text.chars().count())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{Request, Response, body::Body, millis::Millis};

    proptest! {
        #[test]
        fn only_listed_headers_keep_their_value(name in "[A-Za-z-]{1,20}", value in "[a-z]{5,40}") {
            let secret = format!("secret-{value}");
            let headers = Headers(vec![(name.clone(), secret.clone()), ("Content-Type".into(), "text/plain".into())]);
            let delivery = Delivery {
                seq: 1,
                received_at: Millis(0),
                took_ms: 0,
                verified: None,
                request: Request {
                    method: "POST".into(),
                    path: "/".into(),
                    raw_path: "/".into(),
                    query: String::new(),
                    source: "203.0.113.7".into(),
                    headers: headers.clone(),
                    added: vec![],
                    body: Body::whole(vec![]),
                },
                response: Response { status: 200, headers, body: String::new(), delay_ms: 0, reply_use: None, unfilled: false },
            };
            let json = serde_json::to_string(&for_share_key(delivery)).unwrap();
            let listed = SHOWN.contains(&name.to_ascii_lowercase().as_str());
            prop_assert_eq!(json.contains(&secret), listed);
            prop_assert!(json.contains("text/plain"));
            prop_assert!(!json.contains("203.0.113.7"));
        }
    }
}

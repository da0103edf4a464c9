//! One event and how it looks on a stream.

use data_encoding::BASE64;
use device_link::{ContentType, is_device_id};
use serde::Serialize;

use crate::{clock::iso, guesses::Guess};

/// The `coreid` of events that came by REST.
pub(crate) const FROM_API: &str = "api";
/// The `coreid` of events that the cloud itself publishes.
pub(crate) const FROM_CLOUD: &str = "particle-internal";
/// The longest name; a device cuts longer ones itself, REST refuses them.
pub(crate) const MAX_NAME_BYTES: usize = 64;

/// What the data of an event is. Streams and webhooks see text in any case.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) enum Content {
    #[default]
    Text,
    /// A data URL; to a device, bytes of this type.
    DataUrl(ContentType),
    /// JSON, which took so many bytes on the air.
    Structured(usize),
}

#[derive(Clone, Debug)]
pub(crate) struct Event {
    /// Unique; templates know it as `PARTICLE_EVENT_ID`.
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) data: Option<String>,
    pub(crate) content: Content,
    /// When the cloud got it, milliseconds since 1970.
    pub(crate) published_at: i64,
    /// The device, [`FROM_API`] or [`FROM_CLOUD`].
    pub(crate) coreid: String,
    pub(crate) userid: String,
    /// The product whose streams and hooks see it; its platform id for a device of the sandbox.
    pub(crate) product_id: i64,
    /// Seen on product streams too.
    pub(crate) in_product: bool,
    /// The guesses that this event rests on.
    pub(crate) guesses: Vec<Guess>,
}

/// The keys in the order of the real stream; the name is on the `event:` line.
#[derive(Serialize)]
struct OnTheWire<'a> {
    data: Option<&'a str>,
    ttl: u32,
    published_at: String,
    coreid: &'a str,
    userid: &'a str,
    version: u32,
    public: bool,
    #[serde(rename = "productID")]
    product_id: i64,
    #[serde(skip_serializing_if = "<[Guess]>::is_empty")]
    simulated_guess: &'a [Guess],
}

impl Event {
    /// The two lines and the blank one that a stream carries.
    pub(crate) fn frame(&self) -> String {
        let body = OnTheWire {
            data: self.data.as_deref(),
            ttl: 60,
            published_at: iso(self.published_at),
            coreid: &self.coreid,
            userid: &self.userid,
            version: 0,
            public: false,
            product_id: self.product_id,
            simulated_guess: &self.guesses,
        };
        let body = serde_json::to_string(&body).expect("text and numbers always serialise");
        format!("event: {}\ndata: {body}\n\n", self.name)
    }

    /// The bytes in a data URL.
    pub(crate) fn decoded(&self) -> Option<Vec<u8>> {
        let (_, encoded) = self.data.as_deref()?.split_once(";base64,")?;
        BASE64.decode(encoded.as_bytes()).ok()
    }

    /// The bytes that the data takes on the air.
    pub(crate) fn size(&self) -> usize {
        match self.content {
            Content::Text => self.data.as_deref().map_or(0, str::len),
            Content::DataUrl(_) => self.decoded().map_or(0, |bytes| bytes.len()),
            Content::Structured(size) => size,
        }
    }

    /// Events about hooks trigger no hooks: two of them could otherwise call each other for ever.
    pub(crate) fn may_trigger_hooks(&self) -> bool {
        let is_about_hook = |name: &str| {
            ["hook-sent/", "hook-response/", "hook-error/"]
                .iter()
                .any(|start| name.starts_with(start))
        };
        let behind_source = self
            .name
            .split_once('/')
            .is_some_and(|(source, rest)| is_source(source) && is_about_hook(rest));
        // Guess: an event of the cloud itself triggers no hook, whatever its topic.
        self.coreid != FROM_CLOUD && !is_about_hook(&self.name) && !behind_source
    }
}

/// Why the cloud refuses a name.
pub(crate) const RESERVED_NAME: &str =
    "names that begin with particle or spark, in any case, are reserved for the cloud";

/// Whether the cloud keeps a name for its own events
/// (<https://docs.particle.io/reference/device-os/api/publish/>).
pub(crate) fn is_reserved(name: &str) -> bool {
    ["particle", "spark"]
        .iter()
        .any(|start| name.get(..start.len()).is_some_and(|name| name.eq_ignore_ascii_case(start)))
}

fn is_source(text: &str) -> bool {
    text == FROM_API || is_device_id(text)
}

/// A name for a stream, of at most `max` bytes. A line end inside would forge another event, so control characters become `?`.
pub(crate) fn sanitize_name(name: &str, max: usize) -> String {
    let name: String =
        name.chars().map(|sign| if sign.is_control() { '?' } else { sign }).collect();
    truncate(&name, max).to_owned()
}

/// The longest start of a text that fits into `max` bytes and ends with a whole character.
pub(crate) fn truncate(text: &str, max: usize) -> &str {
    &text[..text.floor_char_boundary(max)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(name: &str, coreid: &str) -> Event {
        Event {
            id: String::new(),
            name: name.to_owned(),
            data: Some("{\"t\":19}".to_owned()),
            content: Content::Text,
            published_at: 1_715_597_740_306,
            coreid: coreid.to_owned(),
            userid: "597771d1f92bae142dbb7559".to_owned(),
            product_id: 30301,
            in_product: true,
            guesses: Vec::new(),
        }
    }

    #[test]
    fn a_stream_carries_the_keys_in_the_order_of_the_real_one() {
        assert_eq!(
            event("tempmon", "e00fce68ece1d3d21a73dcc9").frame(),
            "event: tempmon\ndata: {\"data\":\"{\\\"t\\\":19}\",\"ttl\":60,\"published_at\":\"2024-05-13T10:55:40.306Z\",\
             \"coreid\":\"e00fce68ece1d3d21a73dcc9\",\"userid\":\"597771d1f92bae142dbb7559\",\"version\":0,\"public\":false,\
             \"productID\":30301}\n\n"
        );
    }

    #[test]
    fn events_about_hooks_trigger_nothing() {
        let device = "e00fce68ece1d3d21a73dcc9";
        assert!(event("tempmon", device).may_trigger_hooks());
        assert!(event("kitchen/hook-response/x", device).may_trigger_hooks());
        for name in ["hook-sent/x", "hook-response/x/0", "hook-error/x/0", "api/hook-response/x/0"]
        {
            assert!(!event(name, device).may_trigger_hooks(), "{name}");
        }
        assert!(!event(&format!("{device}/hook-error/x/0"), device).may_trigger_hooks());
        assert!(!event("custom-topic/0", FROM_CLOUD).may_trigger_hooks());
    }

    #[test]
    fn names_of_the_cloud_are_reserved_in_any_case() {
        for name in ["spark", "Spark/x", "particleWebhook", "PARTICLE/x"] {
            assert!(is_reserved(name), "{name}");
        }
        for name in ["", "spar", "my/spark", "part-icle", "späark"] {
            assert!(!is_reserved(name), "{name}");
        }
    }

    #[test]
    fn a_line_end_in_a_name_cannot_forge_an_event() {
        assert_eq!(sanitize_name("a\r\ndata: b", 64), "a??data: b");
        assert_eq!(sanitize_name("ääää", 5), "ää");
    }
}

//! What the cloud would send for an event, and what is probably wrong with it, without a cloud: to check an integration.

use serde_json::{Value, json};

use crate::{
    event::{Content, Event, FROM_API},
    hints::{Hint, examine},
    hook::{config::HookConfig, request::build},
    secrets::{hide_credentials, reveal_nothing},
};

/// An event that is not published.
#[derive(Clone, Debug)]
pub struct Planned {
    /// Its name; none = the integration's `event`.
    pub name: Option<String>,
    /// Its data.
    pub data: String,
    /// The id of the device that publishes it; none = the API.
    pub device: Option<String>,
    /// When, in milliseconds since 1970.
    pub at_ms: i64,
}

/// A request as it would be sent, with `[[SENSITIVE]]` in place of secrets.
#[derive(Clone, Debug)]
pub struct Request {
    /// Such as `POST`.
    pub method: String,
    /// The whole URL.
    pub url: String,
    /// In the order on the wire.
    pub headers: Vec<(String, String)>,
    /// None if it has no body.
    pub body: Option<String>,
}

/// What an integration would make of an event.
#[derive(Clone, Debug)]
pub struct Preview {
    /// None if nothing would be sent; a hint says why.
    pub request: Option<Request>,
    /// What there is to say about it.
    pub hints: Vec<Hint>,
}

/// What an integration, given as JSON, makes of an event. `url` takes the place of the integration's.
///
/// # Errors
/// A sentence for a person if the integration or the event is not one that the cloud would accept.
pub fn preview(integration: &str, url: Option<&str>, planned: Planned) -> Result<Preview, String> {
    let given: Value = serde_json::from_str(integration)
        .map_err(|error| format!("the integration is not JSON: {error}"))?;
    let Value::Object(mut given) = given else {
        return Err("the integration must be a JSON object".to_owned());
    };
    if let Some(url) = url {
        given.insert("url".to_owned(), json!(url));
    }
    let config = HookConfig::read(&given)?;
    let name = planned.name.unwrap_or_else(|| config.event.clone());
    let event = Event {
        id: "00000000-0000-0000-0000-000000000000".to_owned(),
        name,
        data: Some(planned.data),
        content: Content::Text,
        published_at: planned.at_ms,
        coreid: planned.device.unwrap_or_else(|| FROM_API.to_owned()),
        userid: String::new(),
        product_id: 13,
        in_product: false,
        guesses: Vec::new(),
    };
    let (mut hints, secrets) = examine(&config, &event);
    if !config.matches(&event) {
        hints.push(Hint {
            id: "not-triggered",
            is_error: true,
            text: format!("This event does not trigger the integration: it is disabled, or for names that begin with {:?} or for another device.", config.event),
        });
    }
    let request = match build(&config, &event, &secrets) {
        Ok(request) => Some(Request {
            method: request.method,
            url: reveal_nothing(&request.uri.to_string()),
            headers: request
                .headers
                .into_iter()
                .map(|(name, value)| (name, hide_credentials(&value)))
                .collect(),
            body: request.body.map(|body| reveal_nothing(&body)),
        }),
        Err(reason) => {
            if hints.iter().all(|hint| hint.id != "unfillable") {
                let text = format!("The cloud can't send it: {reason}.");
                hints.push(Hint { id: "not-sent", is_error: true, text });
            }
            None
        }
    };
    Ok(Preview { request, hints })
}

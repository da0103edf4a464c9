//! What the cloud would send for an event, and what is probably wrong with it, without a cloud: to check an integration.

use serde_json::{Value, json};

use crate::{
    event::{Content, Event, FROM_API},
    guesses::{
        CUSTOM_FIELD_WINS_GUESS, DELETE_BODY_GUESS, Guess, STRING_JSON_GUESS, VARIABLES_GUESS,
    },
    hints::{Hint, examine},
    hook::{
        config::HookConfig,
        request::{Outgoing, build},
    },
    json::Object,
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

/// The settings that mean something to a webhook, and what the API adds to them.
const SETTINGS: [&str; 29] = [
    "event",
    "eventName",
    "name",
    "integration_type",
    "url",
    "requestType",
    "json",
    "form",
    "body",
    "query",
    "headers",
    "auth",
    "deviceID",
    "deviceId",
    "deviceid",
    "noDefaults",
    "rejectUnauthorized",
    "responseTopic",
    "errorResponseTopic",
    "responseTemplate",
    "unchunked",
    "dataUrlResponseEvent",
    "disabled",
    "template",
    "mydevices",
    "id",
    "created_at",
    "logs",
    "counters",
];
/// What the cloud takes from the product of the device that publishes.
const OF_PRODUCT: [&str; 3] = ["PRODUCT_ID", "PRODUCT_USER_ID", "PRODUCT_VERSION"];
/// What a request may rest on that is not documented for certain.
const GUESSES: [(Guess, &str); 4] = [
    (CUSTOM_FIELD_WINS_GUESS, "a field of the integration takes the place of a default field"),
    (DELETE_BODY_GUESS, "a DELETE request has a body"),
    (STRING_JSON_GUESS, "a json given as text gets the default fields"),
    (VARIABLES_GUESS, "the cloud's names come before the same names in the data"),
];

/// What an integration, given as JSON, makes of an event. `url` takes the place of the integration's.
///
/// # Errors
/// A sentence for a person if the integration or the event is not one that the cloud would accept.
pub fn preview(integration: &str, url: Option<&str>, planned: Planned) -> Result<Preview, String> {
    let given: Value = serde_json::from_str(integration.trim_start_matches('\u{feff}'))
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
        product_id: 0,
        in_product: false,
        guesses: Vec::new(),
    };
    let (mut hints, mut values) = examine(&config, &event);
    hints.extend(unused_settings(&given, &config));
    hints.extend(of_product(&config, &mut values));
    if let Some(why) = not_triggered(&config, &event) {
        let text = format!("This event does not trigger the integration: {why}.");
        hints.push(Hint { id: "not-triggered", is_error: true, text });
        return Ok(Preview { request: None, hints });
    }
    let request = match build(&config, &event, &values) {
        Ok(request) => {
            let guesses = GUESSES.iter().filter(|(guess, _)| request.guesses.contains(guess));
            hints.extend(guesses.map(|(_, what)| Hint {
                id: "undocumented",
                is_error: false,
                text: format!("The real cloud may differ: {what} here."),
            }));
            Some(shown(request))
        }
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

fn unused_settings(given: &Object, config: &HookConfig) -> Vec<Hint> {
    let unknown = given.keys().filter(|name| !SETTINGS.contains(&name.as_str()));
    let unknown = unknown.map(|name| {
        let start = name.get(..name.len().saturating_sub(2)).filter(|start| start.len() >= 4);
        let is_near = |known: &&&str| {
            known.eq_ignore_ascii_case(name) || start.is_some_and(|start| known.starts_with(start))
        };
        let near = SETTINGS.iter().find(is_near);
        let near = near.map(|near| format!(" Did you mean {near}?")).unwrap_or_default();
        let text =
            format!("{name:?} is no setting of a webhook that is known here; it is ignored.{near}");
        Hint { id: "unknown-setting", is_error: false, text }
    });
    let mut hints: Vec<Hint> = unknown.take(20).collect();
    if config.request_type == "GET" && (config.json.is_some() || config.body.is_some()) {
        let text = "A GET request has no body: json and body are not sent. Use query.".to_owned();
        hints.push(Hint { id: "get-body", is_error: true, text });
    }
    hints
}

/// Says which names only a device of a product has, and gives them a value.
fn of_product(config: &HookConfig, values: &mut Object) -> Option<Hint> {
    let text = json!(config).to_string();
    let used = OF_PRODUCT.into_iter().filter(|name| text.contains(name));
    let used: Vec<&str> = used.collect();
    for name in &used {
        values.insert((*name).to_owned(), json!(name));
    }
    let names = used.join(", ");
    let text = format!(
        "{names}: what the cloud writes there depends on the device's product, which is not known here."
    );
    (!used.is_empty()).then_some(Hint { id: "product", is_error: false, text })
}

fn not_triggered(config: &HookConfig, event: &Event) -> Option<String> {
    if config.matches(event) {
        return None;
    }
    Some(match &config.device_id {
        _ if config.disabled => "it is disabled".to_owned(),
        Some(id) if event.name.starts_with(&config.event) => {
            format!("it is for events of the device {id} only; --device sets the publisher")
        }
        _ => format!("it is for names that begin with {:?}", config.event),
    })
}

fn shown(request: Outgoing) -> Request {
    let headers = request.headers.into_iter();
    Request {
        method: request.method,
        url: reveal_nothing(&request.uri.to_string()),
        headers: headers
            .map(|(name, value)| (reveal_nothing(&name), hide_credentials(&value)))
            .collect(),
        body: request.body.map(|body| reveal_nothing(&body)),
    }
}

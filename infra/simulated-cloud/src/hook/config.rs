//! An integration as its owner configured it.

use serde::{Deserialize, Serialize};

use crate::{
    event::{Event, is_device_id},
    json::Json,
};

/// The settings that mean something for a webhook, under the names the API gives them; the rest is ignored, as the real
/// cloud does.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HookConfig {
    /// Case-sensitive start of the names that trigger it.
    pub(crate) event: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "integration_type")]
    pub(crate) integration_type: String,
    pub(crate) url: String,
    pub(crate) request_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) json: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) form: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) query: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) headers: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) auth: Option<Auth>,
    #[serde(rename = "deviceID", skip_serializing_if = "Option::is_none")]
    pub(crate) device_id: Option<String>,
    pub(crate) no_defaults: bool,
    pub(crate) reject_unauthorized: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) error_response_topic: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) response_template: Option<Json>,
    pub(crate) unchunked: bool,
    pub(crate) data_url_response_event: bool,
    pub(crate) disabled: bool,
}

/// Deepest nesting of what is kept. The file has some levels of its own around it, and is read with a limit of 128.
const MAX_DEPTH: usize = 64;

/// HTTP basic authentication; both parts are templates.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Auth {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl HookConfig {
    /// Reads what a client sent. The error is for the person who sent it.
    pub(crate) fn read(given: &Json) -> Result<Self, String> {
        let event = event_prefix(given)?;
        let integration_type = integration_type(given)?;
        let url = text(given, "url")?
            .filter(|url| !url.is_empty())
            .ok_or("url is required")?;
        let request_type = request_type(given)?;
        let json = template(given, "json");
        let form = entries(given, "form")?;
        let body = text(given, "body")?;
        let bodies = [json.is_some(), form.is_some(), body.is_some()];
        if bodies.into_iter().filter(|set| *set).count() > 1 {
            return Err("json, form and body exclude each other".to_owned());
        }
        let config = Self {
            event,
            integration_type,
            url,
            request_type,
            json,
            form,
            body,
            device_id: device_id(given)?,
            auth: auth(given)?,
            name: text(given, "name")?,
            query: entries(given, "query")?,
            headers: entries(given, "headers")?,
            no_defaults: flag(given, "noDefaults")?.unwrap_or(false),
            reject_unauthorized: flag(given, "rejectUnauthorized")?.unwrap_or(true),
            response_topic: text(given, "responseTopic")?.filter(|topic| !topic.is_empty()),
            error_response_topic: text(given, "errorResponseTopic")?
                .filter(|topic| !topic.is_empty()),
            response_template: template(given, "responseTemplate")
                .filter(|template| template.as_str() != Some("")),
            unchunked: flag(given, "unchunked")?.unwrap_or(false),
            data_url_response_event: flag(given, "dataUrlResponseEvent")?.unwrap_or(false),
            disabled: flag(given, "disabled")?.unwrap_or(false),
        };
        let nested = [
            &config.json,
            &config.form,
            &config.query,
            &config.headers,
            &config.response_template,
        ];
        let is_deep = |value: &Json| value.depth() > MAX_DEPTH;
        if nested.into_iter().flatten().any(is_deep) {
            return Err(format!("settings are nested more than {MAX_DEPTH} deep"));
        }
        Ok(config)
    }

    /// Whether an event triggers this hook, as far as the configuration decides it.
    pub(crate) fn matches(&self, event: &Event) -> bool {
        !self.disabled
            && event.name.starts_with(&self.event)
            && self.device_id.as_ref().is_none_or(|id| event.coreid == *id)
    }
}

fn event_prefix(given: &Json) -> Result<String, String> {
    text(given, "event")?
        .or(text(given, "eventName")?)
        .filter(|event| !event.is_empty())
        .ok_or_else(|| {
            "event is required: the start of the event names that trigger the webhook".to_owned()
        })
}

fn integration_type(given: &Json) -> Result<String, String> {
    match text(given, "integration_type")? {
        Some(other) if other != "Webhook" => {
            Err("the simulated cloud runs integrations of the type Webhook only".to_owned())
        }
        _ => Ok("Webhook".to_owned()),
    }
}

fn request_type(given: &Json) -> Result<String, String> {
    let method = text(given, "requestType")?
        .unwrap_or_else(|| "POST".to_owned())
        .to_ascii_uppercase();
    if ["GET", "POST", "PUT", "DELETE"].contains(&method.as_str()) {
        Ok(method)
    } else {
        Err(format!(
            "requestType must be GET, POST, PUT or DELETE, not {method}"
        ))
    }
}

/// The one device whose events trigger the hook; none = every device of the account.
fn device_id(given: &Json) -> Result<Option<String>, String> {
    let mut id = None;
    for key in ["deviceID", "deviceid", "deviceId"] {
        id = id.or(text(given, key)?.filter(|id| !id.is_empty()));
    }
    match id.map(|id| id.to_ascii_lowercase()) {
        Some(mine) if mine == "mine" => Ok(None),
        Some(id) if !is_device_id(&id) => {
            Err("deviceID must be the 24 hex digits of a device's id, not its name".to_owned())
        }
        id => Ok(id),
    }
}

fn auth(given: &Json) -> Result<Option<Auth>, String> {
    let Some(auth) = object(given, "auth")? else {
        return Ok(None);
    };
    Ok(Some(Auth {
        username: text(&auth, "username")?.unwrap_or_default(),
        password: text(&auth, "password")?.unwrap_or_default(),
    }))
}

/// A template of any shape.
fn template(given: &Json, key: &str) -> Option<Json> {
    given
        .get(key)
        .filter(|template| !matches!(template, Json::Null))
        .cloned()
}

fn text(given: &Json, key: &str) -> Result<Option<String>, String> {
    match given.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{key} must be text")),
    }
}

/// Flags come as JSON from one client and as text of a form from another.
fn flag(given: &Json, key: &str) -> Result<Option<bool>, String> {
    match given.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(Json::Bool(yes)) => Ok(Some(*yes)),
        Some(Json::String(text)) if text == "true" => Ok(Some(true)),
        Some(Json::String(text)) if text == "false" => Ok(Some(false)),
        Some(_) => Err(format!("{key} must be true or false")),
    }
}

/// An object; a form can carry it only as JSON text.
fn object(given: &Json, key: &str) -> Result<Option<Json>, String> {
    let must = || format!("{key} must be an object");
    match given.get(key) {
        None | Some(Json::Null) => Ok(None),
        Some(object @ Json::Object(_)) => Ok(Some(object.clone())),
        Some(Json::String(text)) if text.is_empty() => Ok(None),
        Some(Json::String(text)) => Json::parse(text)
            .ok()
            .filter(|value| matches!(value, Json::Object(_)))
            .map(Some)
            .ok_or_else(must),
        Some(_) => Err(must()),
    }
}

/// An object that counts as absent when it is empty.
fn entries(given: &Json, key: &str) -> Result<Option<Json>, String> {
    Ok(object(given, key)?
        .filter(|object| !matches!(object, Json::Object(entries) if entries.is_empty())))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<HookConfig, String> {
        HookConfig::read(&Json::parse(text).unwrap())
    }

    #[test]
    fn the_three_spellings_of_the_device_mean_the_same() {
        for key in ["deviceID", "deviceId", "deviceid"] {
            let config = read(&format!(
                r#"{{"event":"e","url":"http://x","{key}":"E00FCE68ECE1D3D21A73DCC9"}}"#
            ))
            .unwrap();
            assert_eq!(
                config.device_id.as_deref(),
                Some("e00fce68ece1d3d21a73dcc9")
            );
        }
    }

    #[test]
    fn what_is_missing_or_contradicts_itself_is_named() {
        let cases = [
            (r#"{"url":"http://x"}"#, "event is required"),
            (r#"{"event":"e"}"#, "url is required"),
            (
                r#"{"event":"e","url":"http://x","requestType":"PATCH"}"#,
                "requestType",
            ),
            (
                r#"{"event":"e","url":"http://x","json":{},"body":"b"}"#,
                "exclude each other",
            ),
            (
                r#"{"event":"e","url":"http://x","deviceID":"my-boron"}"#,
                "deviceID",
            ),
            (
                r#"{"event":"e","url":"http://x","integration_type":"GoogleMaps"}"#,
                "Webhook only",
            ),
            (
                r#"{"event":"e","url":"http://x","headers":[1]}"#,
                "headers must be an object",
            ),
            (r#"{"event":["e"],"url":"http://x"}"#, "event must be text"),
        ];
        for (given, expected) in cases {
            let error = read(given).unwrap_err();
            assert!(error.contains(expected), "{given}: {error}");
        }
    }

    #[test]
    fn unknown_settings_are_ignored_and_defaults_are_filled_in() {
        let config = read(r#"{"eventName":"e","url":"http://x","method":"GET","mydevices":true,"noDefaults":"true"}"#).unwrap();
        assert_eq!(
            (
                config.request_type.as_str(),
                config.no_defaults,
                config.reject_unauthorized
            ),
            ("POST", true, true)
        );
    }
}

//! An integration as its owner configured it.

use device_link::is_device_id;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::{
    event::Event,
    json::{Object, depth},
};

/// The settings that a webhook uses, under the names of the API. Others are ignored, as in the real cloud.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct HookConfig {
    /// Events whose names begin with this trigger it; case-sensitive.
    pub(crate) event: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) name: Option<String>,
    #[serde(rename = "integration_type")]
    pub(crate) integration_type: String,
    pub(crate) url: String,
    pub(crate) request_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) json: Option<Value>,
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub(crate) form: Object,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) body: Option<String>,
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub(crate) query: Object,
    #[serde(default, skip_serializing_if = "Object::is_empty")]
    pub(crate) headers: Object,
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
    pub(crate) response_template: Option<Value>,
    pub(crate) unchunked: bool,
    pub(crate) data_url_response_event: bool,
    pub(crate) disabled: bool,
}

/// The deepest nesting that is stored. The file adds some levels of its own, and is read with a limit of 128.
const MAX_DEPTH: usize = 64;

/// HTTP basic authentication; both parts are templates.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Auth {
    pub(crate) username: String,
    pub(crate) password: String,
}

impl HookConfig {
    /// Reads a client's request body. The error is for the person who sent it.
    pub(crate) fn read(given: &Object) -> Result<Self, String> {
        let event = event_prefix(given)?;
        let integration_type = integration_type(given)?;
        let url = text(given, "url")?.filter(|url| !url.is_empty()).ok_or("url is required")?;
        let request_type = request_type(given)?;
        let json = template(given, "json");
        let form = object(given, "form")?;
        let body = text(given, "body")?;
        let bodies = [json.is_some(), !form.is_empty(), body.is_some()];
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
            query: object(given, "query")?,
            headers: object(given, "headers")?,
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
        // The configuration itself is one level.
        if depth(&json!(config)) > MAX_DEPTH + 1 {
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

fn event_prefix(given: &Object) -> Result<String, String> {
    text(given, "event")?
        .or(text(given, "eventName")?)
        .filter(|event| !event.is_empty())
        .ok_or_else(|| {
            "event is required: the start of the event names that trigger the webhook".to_owned()
        })
}

fn integration_type(given: &Object) -> Result<String, String> {
    match text(given, "integration_type")? {
        Some(other) if other != "Webhook" => {
            Err("the simulated cloud runs integrations of the type Webhook only".to_owned())
        }
        _ => Ok("Webhook".to_owned()),
    }
}

fn request_type(given: &Object) -> Result<String, String> {
    let method =
        text(given, "requestType")?.unwrap_or_else(|| "POST".to_owned()).to_ascii_uppercase();
    if ["GET", "POST", "PUT", "DELETE"].contains(&method.as_str()) {
        Ok(method)
    } else {
        Err(format!("requestType must be GET, POST, PUT or DELETE, not {method}"))
    }
}

/// The one device whose events trigger the hook; none = every device of the account.
pub(crate) fn device_id(given: &Object) -> Result<Option<String>, String> {
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

fn auth(given: &Object) -> Result<Option<Auth>, String> {
    let auth = object(given, "auth")?;
    if auth.is_empty() {
        return Ok(None);
    }
    Ok(Some(Auth {
        username: text(&auth, "username")?.unwrap_or_default(),
        password: text(&auth, "password")?.unwrap_or_default(),
    }))
}

/// A template of any shape.
fn template(given: &Object, key: &str) -> Option<Value> {
    given.get(key).filter(|value| !value.is_null()).cloned()
}

fn text(given: &Object, key: &str) -> Result<Option<String>, String> {
    match given.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(format!("{key} must be text")),
    }
}

/// One client sends flags as JSON, another as text of a form.
fn flag(given: &Object, key: &str) -> Result<Option<bool>, String> {
    match given.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Bool(yes)) => Ok(Some(*yes)),
        Some(Value::String(text)) if text == "true" => Ok(Some(true)),
        Some(Value::String(text)) if text == "false" => Ok(Some(false)),
        Some(_) => Err(format!("{key} must be true or false")),
    }
}

/// An object, empty if absent. A form can carry it only as JSON text.
fn object(given: &Object, key: &str) -> Result<Object, String> {
    let parsed = match given.get(key) {
        None | Some(Value::Null) => return Ok(Object::new()),
        Some(Value::String(text)) if text.is_empty() => return Ok(Object::new()),
        Some(Value::String(text)) => serde_json::from_str(text).unwrap_or_default(),
        Some(value) => value.clone(),
    };
    match parsed {
        Value::Object(fields) => Ok(fields),
        _ => Err(format!("{key} must be an object")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<HookConfig, String> {
        HookConfig::read(&serde_json::from_str(text).unwrap())
    }

    #[test]
    fn the_three_spellings_of_the_device_mean_the_same() {
        for key in ["deviceID", "deviceId", "deviceid"] {
            let id = "E00FCE68ECE1D3D21A73DCC9";
            let config = read(&format!(r#"{{"event":"e","url":"http://x","{key}":"{id}"}}"#));
            let read = config.unwrap().device_id.unwrap();
            assert_eq!(read, "e00fce68ece1d3d21a73dcc9");
        }
    }

    #[test]
    fn a_missing_or_contradictory_setting_is_named() {
        for (given, expected) in [
            (r#""event":"""#, "event is required"),
            (r#""event":["e"]"#, "event must be text"),
            (r#""url":"""#, "url is required"),
            (r#""requestType":"PATCH""#, "requestType"),
            (r#""json":{},"body":"b""#, "exclude each other"),
            (r#""deviceID":"my-boron""#, "deviceID"),
            (r#""integration_type":"GoogleMaps""#, "Webhook only"),
            (r#""headers":[1]"#, "headers must be an object"),
        ] {
            let error = read(&format!(r#"{{"event":"e","url":"http://x",{given}}}"#)).unwrap_err();
            assert!(error.contains(expected), "{given}: {error}");
        }
    }

    #[test]
    fn unknown_settings_are_ignored_and_defaults_filled_in() {
        let config =
            read(r#"{"eventName":"e","url":"http://x","method":"GET","noDefaults":"true"}"#);
        let config = config.unwrap();
        assert_eq!(config.request_type, "POST");
        assert!(config.no_defaults && config.reject_unauthorized);
    }
}

//! What the templates of one event are filled from: its data, and the names that the cloud provides.

use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::{
    clock::iso,
    event::Event,
    json::Object,
    render::{Budget, render, render_object, render_value},
};

/// The contexts of one event, and what filling templates from them may still cost.
pub(crate) struct Variables {
    data: Value,
    secrets: Value,
    /// The names that the cloud provides.
    pub(crate) provided: Value,
    budget: Budget,
}

impl Variables {
    pub(crate) fn of(event: &Event) -> Self {
        let value = event.data.as_deref().unwrap_or_default();
        let published_at = iso(event.published_at);
        let whole = json!({
            "name": event.name, "data": value, "coreid": event.coreid, "published_at": published_at,
        })
        .to_string();
        let mut provided = json!({
            "PARTICLE_DEVICE_ID": event.coreid,
            "PARTICLE_EVENT_NAME": event.name,
            "PARTICLE_EVENT_VALUE": value,
            "PARTICLE_PUBLISHED_AT": published_at,
            "PARTICLE_EVENT_ID": event.id,
            "PRODUCT_ID": event.product_id.to_string(),
            "PARTICLE_EVENT_BASE64": BASE64.encode(whole.as_bytes()),
            "PARTICLE_EVENT_JSON": whole,
            "SPARK_CORE_ID": event.coreid,
            "SPARK_EVENT_NAME": event.name,
            "SPARK_EVENT_VALUE": value,
            "SPARK_PUBLISHED_AT": published_at,
        });
        if event.in_product {
            provided["PRODUCT_USER_ID"] = json!(event.userid);
            provided["PRODUCT_VERSION"] = json!("0");
        }
        Self {
            data: serde_json::from_str(value).unwrap_or_default(),
            secrets: Value::Null,
            provided,
            budget: Budget::default(),
        }
    }

    /// Adds secrets. Names of events are filled without them: everybody on the stream would see their values.
    pub(crate) fn with_secrets(mut self, secrets: &Object) -> Self {
        self.secrets = json!(secrets);
        self
    }

    /// Whether the data has a key of the cloud's own, so that it matters which wins.
    pub(crate) fn overlap(&self) -> bool {
        let provided = self.provided.as_object();
        provided.is_some_and(|names| names.keys().any(|name| self.data.get(name).is_some()))
    }

    // The last context is searched first, so the cloud's names win over the secrets, and both over the data.

    /// Fills one text.
    pub(crate) fn fill(&mut self, template: &str) -> Result<String, String> {
        render(template, &[&self.data, &self.secrets, &self.provided], &mut self.budget)
    }

    /// Fills each text inside a value.
    pub(crate) fn fill_value(&mut self, value: &Value) -> Result<Value, String> {
        render_value(value, &[&self.data, &self.secrets, &self.provided], &mut self.budget)
    }

    /// Fills each key and text of an object.
    pub(crate) fn fill_object(&mut self, fields: &Object) -> Result<Object, String> {
        render_object(fields, &[&self.data, &self.secrets, &self.provided], &mut self.budget)
    }

    /// Fills the name of an event.
    pub(crate) fn fill_topic(&self, template: &str) -> Result<String, String> {
        let contexts = [&self.data, &self.provided];
        render(template, &contexts, &mut Budget::of_topic())
    }
}

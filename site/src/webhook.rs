//! `infra/particle/webhook.json` as the prose shows it.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::highlight::{Language, code_block};

/// The webhook, field by field as it is written in the file.
#[derive(Clone, Debug)]
pub struct Webhook {
    /// The event name that triggers it.
    pub event: String,
    text: String,
    fields: BTreeMap<String, Box<RawValue>>,
}

impl Webhook {
    /// # Errors
    /// If the file is not a JSON object with an event name.
    pub fn parse(file: &[u8]) -> Result<Self> {
        #[derive(Deserialize)]
        struct Named {
            event: String,
        }
        let text = std::str::from_utf8(file).context("webhook.json is not UTF-8")?;
        let Named { event } = serde_json::from_str(text).context("webhook.json has no event")?;
        Ok(Webhook {
            event,
            fields: serde_json::from_str(text).context("webhook.json is not a JSON object")?,
            text: text.trim_end().to_owned(),
        })
    }

    /// The whole file as HTML.
    pub fn json(&self) -> String {
        code_block(Language::Json, &self.text)
    }

    /// One field as HTML.
    ///
    /// # Errors
    /// If the file has no such field.
    pub fn field(&self, name: &str) -> Result<String> {
        let value = self.fields.get(name);
        let value = value.with_context(|| format!("webhook.json has no field {name}"))?;
        // The object around it has indented what is inside once.
        let value = value.get().replace("\n  ", "\n");
        Ok(code_block(Language::Json, &format!("\"{name}\": {value}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_shown_as_it_is_written() {
        let file = b"{\n  \"event\": \"E\",\n  \"headers\": {\n    \"A-B\": \"c\"\n  }\n}\n";
        let webhook = Webhook::parse(file).unwrap();
        assert_eq!(webhook.event, "E");
        let html = webhook.field("headers").unwrap();
        assert!(html.contains("&quot;</span>: {\n  <span"), "{html}");
        assert!(webhook.field("evnt").is_err());
    }
}

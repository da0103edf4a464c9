//! What the templates of one event are filled from: its data, and the names that the cloud gives.

use data_encoding::BASE64;

use crate::{
    clock::iso,
    event::Event,
    guesses::VARIABLES_WIN,
    json::Json,
    render::Budget,
    template::{render, render_within},
};

/// The contexts of one event.
pub(crate) struct Variables {
    data: Json,
    fixed: Json,
    both: bool,
}

impl Variables {
    pub(crate) fn of(event: &Event) -> Self {
        let value = event.data.clone().unwrap_or_default();
        let published_at = iso(event.published_at);
        let whole = Json::Object(
            [
                ("name", &event.name),
                ("data", &value),
                ("coreid", &event.coreid),
                ("published_at", &published_at),
            ]
            .into_iter()
            .map(|(key, value)| (key.to_owned(), Json::String(value.clone())))
            .collect(),
        )
        .to_string();
        let mut fixed = vec![
            ("PARTICLE_DEVICE_ID", event.coreid.clone()),
            ("PARTICLE_EVENT_NAME", event.name.clone()),
            ("PARTICLE_EVENT_VALUE", value.clone()),
            ("PARTICLE_PUBLISHED_AT", published_at.clone()),
            ("PARTICLE_EVENT_ID", event.id.clone()),
            ("PRODUCT_ID", event.product_id.to_string()),
            ("PARTICLE_EVENT_BASE64", BASE64.encode(whole.as_bytes())),
            ("PARTICLE_EVENT_JSON", whole),
            ("SPARK_CORE_ID", event.coreid.clone()),
            ("SPARK_EVENT_NAME", event.name.clone()),
            ("SPARK_EVENT_VALUE", value.clone()),
            ("SPARK_PUBLISHED_AT", published_at),
        ];
        if event.in_product {
            fixed.push(("PRODUCT_USER_ID", event.userid.clone()));
            fixed.push(("PRODUCT_VERSION", "0".to_owned()));
        }
        let data = Json::parse(&value).unwrap_or(Json::Null);
        let both = fixed.iter().any(|(key, _)| data.get(key).is_some());
        let fixed = Json::Object(
            fixed
                .into_iter()
                .map(|(key, value)| (key.to_owned(), Json::String(value)))
                .collect(),
        );
        Self { data, fixed, both }
    }

    /// The context that is asked first stands last.
    fn contexts(&self) -> [&Json; 2] {
        if VARIABLES_WIN {
            [&self.data, &self.fixed]
        } else {
            [&self.fixed, &self.data]
        }
    }

    /// Whether the data has a key of the cloud's own, so that it matters who wins.
    pub(crate) fn both(&self) -> bool {
        self.both
    }

    /// The names that the cloud gives, alone.
    pub(crate) fn fixed(&self) -> &Json {
        &self.fixed
    }

    /// Fills one text.
    pub(crate) fn fill(&self, template: &str) -> Result<String, String> {
        render(template, &self.contexts())
    }

    /// Fills every key and every text inside a value on its own, so that quotes in the data cannot break the JSON around
    /// them. It is also why a number in such a template always arrives as text.
    pub(crate) fn fill_leaves(&self, value: &Json) -> Result<Json, String> {
        leaves(value, &self.contexts())
    }
}

/// Fills the texts of a value, keys included, and leaves the rest as it is. All of them together may cost what one may.
pub(crate) fn leaves(value: &Json, contexts: &[&Json]) -> Result<Json, String> {
    leaves_within(value, contexts, &mut Budget::default())
}

fn leaves_within(value: &Json, contexts: &[&Json], budget: &mut Budget) -> Result<Json, String> {
    Ok(match value {
        Json::String(text) => Json::String(render_within(text, contexts, budget)?),
        Json::Array(items) => Json::Array(
            items
                .iter()
                .map(|item| leaves_within(item, contexts, budget))
                .collect::<Result<_, _>>()?,
        ),
        Json::Object(entries) => Json::Object(
            entries
                .iter()
                .map(|(key, value)| {
                    let key = render_within(key, contexts, budget)?;
                    Ok((key, leaves_within(value, contexts, budget)?))
                })
                .collect::<Result<_, String>>()?,
        ),
        other => other.clone(),
    })
}

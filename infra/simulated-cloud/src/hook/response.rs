//! From the response of a server to the events that carry it.

use data_encoding::BASE64;
use device_link::ContentType;
use serde_json::Value;

use crate::{
    event::{Content, Event},
    guesses::{
        CUT_CHARACTER_GUESS, DATA_URL_PARTS_GUESS, Guess, RESPONSE_LIMIT_BYTES,
        RESPONSE_LIMIT_GUESS, RESPONSE_TEMPLATE_EVENT_GUESS, RESPONSE_TEMPLATE_FALLBACK_GUESS,
        RESPONSE_TEMPLATE_OBJECT_GUESS, UNCHUNKED_GUESS,
    },
    hook::{config::HookConfig, send::HookResponse, variables::Variables},
    render::{Budget, render, render_value},
};

/// Every part but the last is this long.
pub(crate) const PART_BYTES: usize = 512;

/// One event to be published.
#[derive(Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) data: String,
    pub(crate) content: Content,
    pub(crate) guesses: Vec<Guess>,
}

/// The events of a successful response, in the order of their numbers; none for an empty body.
pub(crate) fn parts(
    config: &HookConfig,
    product: bool,
    event: &Event,
    response: &HookResponse,
) -> Result<Vec<Part>, String> {
    if response.body.is_empty() {
        return Ok(Vec::new());
    }
    let variables = Variables::of(event);
    let mut guesses = Vec::new();
    let mut content = match &config.response_template {
        Some(template) => templated(template, &variables, &response.body, &mut guesses)?,
        None => response.body.clone(),
    };
    let mut whole = Content::Text;
    if config.data_url_response_event {
        let kind = response.content_type.as_deref().unwrap_or("application/octet-stream");
        content = format!("data:{kind};base64,{}", BASE64.encode(&content)).into_bytes();
        whole = Content::DataUrl(ContentType::of(kind));
    }
    if content.len() > RESPONSE_LIMIT_BYTES {
        content.truncate(RESPONSE_LIMIT_BYTES);
        guesses.push(RESPONSE_LIMIT_GUESS);
    }
    let topic = match &config.response_topic {
        Some(topic) => variables.fill_topic(topic)?,
        None if product => format!("{}/hook-response/{}", event.coreid, event.name),
        None => format!("hook-response/{}", event.name),
    };
    if config.unchunked {
        guesses.push(UNCHUNKED_GUESS);
        let data = String::from_utf8_lossy(&content).into_owned();
        return Ok(vec![Part { name: format!("{topic}/0"), data, content: whole, guesses }]);
    }
    if content.len() > PART_BYTES && whole != Content::Text {
        // Nothing but the first part begins as a data URL.
        whole = Content::Text;
        guesses.push(DATA_URL_PARTS_GUESS);
    }
    let valid = std::str::from_utf8(&content).is_ok();
    Ok(content
        .chunks(PART_BYTES)
        .enumerate()
        .map(|(index, bytes)| {
            let mut guesses = guesses.clone();
            if valid && std::str::from_utf8(bytes).is_err() {
                guesses.push(CUT_CHARACTER_GUESS);
            }
            Part {
                name: format!("{topic}/{index}"),
                data: String::from_utf8_lossy(bytes).into_owned(),
                content: whole,
                guesses,
            }
        })
        .collect())
}

fn templated(
    template: &Value,
    variables: &Variables,
    body: &[u8],
    guesses: &mut Vec<Guess>,
) -> Result<Vec<u8>, String> {
    let parsed = serde_json::from_slice(body);
    let Ok(response @ (Value::Object(_) | Value::Array(_))) = parsed else {
        guesses.push(RESPONSE_TEMPLATE_FALLBACK_GUESS);
        return Ok(body.to_vec());
    };
    let source = template.to_string();
    let event_names = ["PARTICLE_", "SPARK_", "PRODUCT_"];
    if event_names.iter().any(|name| source.contains(name)) {
        guesses.push(RESPONSE_TEMPLATE_EVENT_GUESS);
    }
    let contexts = [&variables.provided, &response];
    let mut budget = Budget::default();
    let text = match template {
        Value::String(text) => render(text, &contexts, &mut budget)?,
        object => {
            guesses.push(RESPONSE_TEMPLATE_OBJECT_GUESS);
            render_value(object, &contexts, &mut budget)?.to_string()
        }
    };
    if text.is_empty() {
        guesses.push(RESPONSE_TEMPLATE_FALLBACK_GUESS);
        return Ok(body.to_vec());
    }
    Ok(text.into_bytes())
}

/// The name of an error's event.
pub(crate) fn error_name(config: &HookConfig, event: &Event) -> String {
    let topic = config
        .error_response_topic
        .as_deref()
        .and_then(|topic| Variables::of(event).fill_topic(topic).ok());
    format!("{}/0", topic.unwrap_or_else(|| format!("hook-error/{}", event.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event {
            id: String::new(),
            name: "demo".to_owned(),
            data: Some(r#"{"id":7}"#.to_owned()),
            content: Content::Text,
            published_at: 0,
            coreid: "3f002b000000000000000000".to_owned(),
            userid: String::new(),
            product_id: 13,
            in_product: false,
            guesses: Vec::new(),
        }
    }

    fn parts_of(settings: &str, body: &[u8]) -> Vec<Part> {
        let config = format!(r#"{{"event":"demo","url":"http://h"{settings}}}"#);
        let config = HookConfig::read(&serde_json::from_str(&config).unwrap()).unwrap();
        let response = HookResponse {
            status: 200,
            content_type: Some("image/png".to_owned()),
            body: body.to_vec(),
        };
        parts(&config, false, &event(), &response).unwrap()
    }

    fn first(settings: &str, body: &[u8]) -> Part {
        parts_of(settings, body).swap_remove(0)
    }

    #[test]
    fn a_response_is_cut_into_parts_of_512_bytes() {
        assert_eq!(parts_of("", b""), []);
        let body: Vec<u8> = (b'a'..=b'z').cycle().take(1025).collect();
        let parts = parts_of("", &body);
        let lengths: Vec<_> = parts.iter().map(|part| part.data.len()).collect();
        assert_eq!(lengths, [512, 512, 1]);
        assert_eq!(parts[2].name, "hook-response/demo/2");
        let joined: String = parts.iter().map(|part| part.data.as_str()).collect();
        assert_eq!(joined.as_bytes(), body);
        assert_eq!(parts_of("", &body[..1024]).len(), 2);
    }

    #[test]
    fn only_the_first_100_kb_are_published() {
        let parts = parts_of("", &vec![b'x'; 200_000]);
        assert_eq!(parts.len(), 200);
        assert!(parts[0].guesses.contains(&RESPONSE_LIMIT_GUESS));
    }

    #[test]
    fn a_character_cut_in_two_is_marked() {
        let parts = parts_of("", format!("{}ä", "x".repeat(511)).as_bytes());
        assert_eq!(parts[1].data, "\u{fffd}");
        assert_eq!(parts[1].guesses, [CUT_CHARACTER_GUESS]);
    }

    #[test]
    fn the_topic_is_a_template_of_the_event() {
        let topic =
            r#","responseTopic":"{{{PARTICLE_DEVICE_ID}}}/{{{PARTICLE_EVENT_NAME}}}/{{{id}}}""#;
        assert_eq!(first(topic, b"x").name, "3f002b000000000000000000/demo/7/0");
    }

    #[test]
    fn a_response_template_picks_from_a_json_response() {
        let body = br#"{"list":[{"day":3},{"day":4}],"q":"\"x\""}"#;
        let whole = std::str::from_utf8(body).unwrap();
        for (template, body, data) in [
            (r#""{{#list}}{{day}}~{{/list}}""#, &body[..], "3~4~"),
            (r#"{"first":"{{{list.0.day}}}","q":"{{{q}}}"}"#, body, r#"{"first":"3","q":"\"x\""}"#),
            (r#""{{x}}""#, b"no json", "no json"),
            (r#""{{missing}}""#, body, whole),
        ] {
            let part = first(&format!(r#","responseTemplate":{template}"#), body);
            assert_eq!(part.data, data);
            let is_fallback = part.guesses.contains(&RESPONSE_TEMPLATE_FALLBACK_GUESS);
            assert_eq!(is_fallback, template.len() < 16, "{template}");
        }
    }

    #[test]
    fn a_response_can_be_a_data_url_or_one_event() {
        let url = first(r#","dataUrlResponseEvent":true"#, &[0xff, 0x00]);
        assert_eq!(url.data, "data:image/png;base64,/wA=");
        assert_eq!(url.content, Content::DataUrl(ContentType::Png));
        let parts = parts_of(r#","dataUrlResponseEvent":true"#, &[0xff; 600]);
        assert_eq!((parts.len(), parts[0].content), (2, Content::Text));
        assert!(parts[0].guesses.contains(&DATA_URL_PARTS_GUESS));
        let parts = parts_of(r#","unchunked":true"#, &[b'x'; 2000]);
        assert_eq!((parts.len(), parts[0].data.len()), (1, 2000));
        assert_eq!(parts[0].name, "hook-response/demo/0");
    }
}

//! From the response of a server to the events that carry it.

use data_encoding::BASE64;
use serde_json::Value;

use crate::{
    event::Event,
    guesses::{
        CUT_CHARACTER_GUESS, Guess, RESPONSE_LIMIT_BYTES, RESPONSE_LIMIT_GUESS,
        RESPONSE_TEMPLATE_EVENT_GUESS, RESPONSE_TEMPLATE_FALLBACK_GUESS,
        RESPONSE_TEMPLATE_OBJECT_GUESS, UNCHUNKED_GUESS,
    },
    hook::{config::HookConfig, send::HookResponse, variables::Variables},
    render::{render, render_value},
};

/// Every part but the last is this long.
pub(crate) const PART_BYTES: usize = 512;

/// One event to be published.
#[derive(Debug, PartialEq)]
pub(crate) struct Part {
    pub(crate) name: String,
    pub(crate) data: String,
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
    if config.data_url_response_event {
        let kind = response
            .content_type
            .as_deref()
            .unwrap_or("application/octet-stream");
        content = format!("data:{kind};base64,{}", BASE64.encode(&content)).into_bytes();
    }
    if content.len() > RESPONSE_LIMIT_BYTES {
        content.truncate(RESPONSE_LIMIT_BYTES);
        guesses.push(RESPONSE_LIMIT_GUESS);
    }
    let topic = match &config.response_topic {
        Some(topic) => variables.fill(topic)?,
        None if product => format!("{}/hook-response/{}", event.coreid, event.name),
        None => format!("hook-response/{}", event.name),
    };
    if config.unchunked {
        guesses.push(UNCHUNKED_GUESS);
        let data = String::from_utf8_lossy(&content).into_owned();
        return Ok(vec![Part {
            name: format!("{topic}/0"),
            data,
            guesses,
        }]);
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
    let text = match template {
        Value::String(text) => render(text, &contexts)?,
        object => {
            guesses.push(RESPONSE_TEMPLATE_OBJECT_GUESS);
            render_value(object, &contexts)?.to_string()
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
        .and_then(|topic| Variables::of(event).fill(topic).ok());
    format!(
        "{}/0",
        topic.unwrap_or_else(|| format!("hook-error/{}", event.name))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event() -> Event {
        Event {
            id: String::new(),
            name: "demo".to_owned(),
            data: Some(r#"{"id":7}"#.to_owned()),
            published_at: 0,
            coreid: "3f002b000000000000000000".to_owned(),
            userid: String::new(),
            product_id: 13,
            in_product: false,
            guesses: Vec::new(),
        }
    }

    fn of(config: &str, body: &[u8]) -> Vec<Part> {
        let config = HookConfig::read(
            &serde_json::from_str(&format!(r#"{{"event":"demo","url":"http://h"{config}}}"#))
                .unwrap(),
        )
        .unwrap();
        let response = HookResponse {
            status: 200,
            content_type: Some("image/png".to_owned()),
            body: body.to_vec(),
        };
        parts(&config, false, &event(), &response).unwrap()
    }

    #[test]
    fn an_empty_body_publishes_nothing() {
        assert_eq!(of("", b""), []);
    }

    #[test]
    fn a_response_is_cut_into_parts_of_512_bytes() {
        let body: Vec<u8> = (0..1025_u32)
            .map(|index| b'a' + u8::try_from(index % 26).unwrap())
            .collect();
        let parts = of("", &body);
        assert_eq!(
            parts.iter().map(|part| part.data.len()).collect::<Vec<_>>(),
            [512, 512, 1]
        );
        assert_eq!(
            parts
                .iter()
                .map(|part| part.name.as_str())
                .collect::<Vec<_>>(),
            [
                "hook-response/demo/0",
                "hook-response/demo/1",
                "hook-response/demo/2"
            ]
        );
        assert_eq!(
            parts
                .iter()
                .map(|part| part.data.as_str())
                .collect::<String>()
                .as_bytes(),
            body
        );
        assert_eq!(of("", &body[..1024]).len(), 2);
    }

    #[test]
    fn only_the_first_100_kb_are_published() {
        let parts = of("", &vec![b'x'; 200_000]);
        assert_eq!(parts.len(), 200);
        assert!(parts[0].guesses.contains(&RESPONSE_LIMIT_GUESS));
    }

    #[test]
    fn a_character_cut_in_two_is_marked() {
        let parts = of("", format!("{}ä", "x".repeat(511)).as_bytes());
        assert_eq!(parts[1].data, "\u{fffd}");
        assert_eq!(parts[1].guesses, [CUT_CHARACTER_GUESS]);
    }

    #[test]
    fn the_topic_is_a_template_of_the_event() {
        let parts = of(
            r#","responseTopic":"{{{PARTICLE_DEVICE_ID}}}/hook-response/{{{PARTICLE_EVENT_NAME}}}/{{{id}}}""#,
            b"x",
        );
        assert_eq!(
            parts[0].name,
            "3f002b000000000000000000/hook-response/demo/7/0"
        );
    }

    #[test]
    fn a_response_template_picks_from_a_json_response() {
        let body = br#"{"list":[{"day":3},{"day":4}],"q":"\"x\""}"#;
        assert_eq!(
            of(r#","responseTemplate":"{{#list}}{{day}}~{{/list}}""#, body)[0].data,
            "3~4~"
        );
        assert_eq!(
            of(
                r#","responseTemplate":{"first":"{{{list.0.day}}}","q":"{{{q}}}"}"#,
                body
            )[0]
            .data,
            r#"{"first":"3","q":"\"x\""}"#
        );
        let fallback = of(r#","responseTemplate":"{{x}}""#, b"no json");
        assert_eq!(
            (fallback[0].data.as_str(), &fallback[0].guesses[..]),
            ("no json", &[RESPONSE_TEMPLATE_FALLBACK_GUESS][..])
        );
        let empty = of(r#","responseTemplate":"{{missing}}""#, body);
        assert_eq!(empty[0].data.as_bytes(), body);
    }

    #[test]
    fn a_binary_response_can_travel_as_a_data_url() {
        assert_eq!(
            of(r#","dataUrlResponseEvent":true"#, &[0xff, 0x00])[0].data,
            "data:image/png;base64,/wA="
        );
    }

    #[test]
    fn an_unchunked_response_is_one_event() {
        let parts = of(r#","unchunked":true"#, &[b'x'; 2000]);
        assert_eq!(
            (parts.len(), parts[0].data.len(), parts[0].name.as_str()),
            (1, 2000, "hook-response/demo/0")
        );
    }
}

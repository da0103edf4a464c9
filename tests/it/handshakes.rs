//! Each sender that verifies a hook URL gets the answer that its documentation asks for, and its later webhooks the usual one.

use bytes::Bytes;
use http::{Method, Request, StatusCode};
use serde_json::{Value, json};
use site::reply_presets::REPLY_PRESETS;
use tests::{
    browser::LIGHT,
    home::{Home, Person},
    visit::Visit,
};

/// A request of a sender's documentation, and the answer that it wants.
struct Handshake {
    /// As its preset is named.
    sender: &'static str,
    method: Method,
    query: &'static str,
    headers: &'static [(&'static str, &'static str)],
    body: &'static str,
    answer_headers: &'static [(&'static str, &'static str)],
    answer: &'static str,
}

/// What is signed with it, and the code, are from RFC 4231, 4.3.
const SECRET: &str = "Jefe";

const NONE: &[(&str, &str)] = &[];
const TEXT: &[(&str, &str)] = &[("content-type", "text/plain")];
const JSON: &[(&str, &str)] = &[("content-type", "application/json")];

const HANDSHAKES: [Handshake; 16] = [
    // https://developers.asana.com/docs/webhooks-guide
    Handshake {
        sender: "Asana",
        method: Method::POST,
        query: "",
        headers: &[(
            "x-hook-secret",
            "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81",
        )],
        body: "",
        answer_headers: &[(
            "x-hook-secret",
            "b537207f20cbfa02357cf448134da559e8bd39d61597dcd5631b8012eae53e81",
        )],
        answer: "",
    },
    // https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema
    Handshake {
        sender: "Azure Event Grid",
        method: Method::POST,
        query: "",
        headers: &[("aeg-event-type", "SubscriptionValidation")],
        body: r#"[{"id":"2d1781af-3a4c-4d7c-bd0c-e34b19da4e66","topic":"/subscriptions/x","subject":"","data":{"validationCode":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6","validationUrl":"https://rp-eastus2.eventgrid.azure.net/x"},"eventType":"Microsoft.EventGrid.SubscriptionValidationEvent","eventTime":"2018-01-25T22:12:19.4556811Z","metadataVersion":"1","dataVersion":"1"}]"#,
        answer_headers: JSON,
        answer: r#"{"validationResponse":"512d38b6-c7b8-40c8-89fe-f46f9e9622b6"}"#,
    },
    // https://github.com/cloudevents/spec/blob/v1.0/http-webhook.md
    Handshake {
        sender: "CloudEvents",
        method: Method::OPTIONS,
        query: "",
        headers: &[
            ("webhook-request-origin", "eventemitter.example.com"),
            ("webhook-request-rate", "120"),
        ],
        body: "",
        answer_headers: &[
            ("webhook-allowed-origin", "eventemitter.example.com"),
            ("webhook-allowed-rate", "*"),
        ],
        answer: "",
    },
    // https://www.dropbox.com/developers/reference/webhooks
    Handshake {
        sender: "Dropbox",
        method: Method::GET,
        query: "challenge=abc123",
        headers: NONE,
        body: "",
        answer_headers: &[("content-type", "text/plain"), ("x-content-type-options", "nosniff")],
        answer: "abc123",
    },
    // https://developers.facebook.com/docs/graph-api/webhooks/getting-started
    Handshake {
        sender: "Meta (Facebook, Instagram, WhatsApp)",
        method: Method::GET,
        query: "hub.mode=subscribe&hub.challenge=1158201444&hub.verify_token=meatyhamhock",
        headers: NONE,
        body: "",
        answer_headers: TEXT,
        answer: "1158201444",
    },
    // https://learn.microsoft.com/graph/change-notifications-delivery-webhooks
    Handshake {
        sender: "Microsoft Graph",
        method: Method::POST,
        query: "validationToken=Validation%3A%20Testing%20client%20application%20%3Cb%3E%22",
        headers: &[("content-type", "text/plain; charset=utf-8")],
        body: "",
        answer_headers: TEXT,
        answer: "Validation: Testing client application <b>\"",
    },
    // https://developer.monday.com/apps/docs/webhooks-1
    Handshake {
        sender: "Monday",
        method: Method::POST,
        query: "",
        headers: JSON,
        body: r#"{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}"#,
        answer_headers: JSON,
        answer: r#"{"challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P"}"#,
    },
    // https://developer.okta.com/docs/concepts/event-hooks
    Handshake {
        sender: "Okta",
        method: Method::GET,
        query: "",
        headers: &[("x-okta-verification-challenge", "my verification challenge")],
        body: "",
        answer_headers: JSON,
        answer: r#"{"verification":"my verification challenge"}"#,
    },
    // https://docs.slack.dev/reference/events/url_verification
    Handshake {
        sender: "Slack",
        method: Method::POST,
        query: "",
        headers: JSON,
        body: r#"{"token":"Jhj5dZrVaK7ZwHHjRyZWjbDl","challenge":"3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P","type":"url_verification"}"#,
        answer_headers: TEXT,
        answer: "3eZbrw1aBm2rZgRNFdxV2595E9CY3gmdALWMmHkvFXO7tYXAYM8P",
    },
    // https://developers.smartsheet.com/api/smartsheet/guides/webhooks/webhook-verification
    Handshake {
        sender: "Smartsheet",
        method: Method::POST,
        query: "",
        headers: &[("smartsheet-hook-challenge", "2b3b8a1c-1a8d-4bd1-9e1e-1b8e3d8c6a41")],
        body: r#"{"challenge":"2b3b8a1c-1a8d-4bd1-9e1e-1b8e3d8c6a41","webhookId":4509506114742148}"#,
        answer_headers: &[("smartsheet-hook-response", "2b3b8a1c-1a8d-4bd1-9e1e-1b8e3d8c6a41")],
        answer: r#"{"smartsheetHookResponse":"2b3b8a1c-1a8d-4bd1-9e1e-1b8e3d8c6a41"}"#,
    },
    // https://developers.strava.com/docs/webhooks
    Handshake {
        sender: "Strava",
        method: Method::GET,
        query: "hub.verify_token=STRAVA&hub.challenge=15f7d1a91c1f40f8a748fd134752feb3&hub.mode=subscribe",
        headers: NONE,
        body: "",
        answer_headers: JSON,
        answer: r#"{"hub.challenge":"15f7d1a91c1f40f8a748fd134752feb3"}"#,
    },
    // https://www.twilio.com/docs/messaging/twiml
    Handshake {
        sender: "Twilio",
        method: Method::POST,
        query: "",
        headers: &[("content-type", "application/x-www-form-urlencoded")],
        body: "MessageSid=SM1&Body=Hi&From=%2B15551234567",
        answer_headers: &[("content-type", "text/xml")],
        answer: r#"<?xml version="1.0" encoding="UTF-8"?><Response/>"#,
    },
    // https://dev.twitch.tv/docs/eventsub/handling-webhook-events
    Handshake {
        sender: "Twitch EventSub",
        method: Method::POST,
        query: "",
        headers: &[("twitch-eventsub-message-type", "webhook_callback_verification")],
        body: r#"{"challenge":"pogchamp-kappa-360noscope-vohiyo","subscription":{"id":"f1c2a387-161a-49f9-a165-0f21d7a4e1c4","status":"webhook_callback_verification_pending"}}"#,
        answer_headers: TEXT,
        answer: "pogchamp-kappa-360noscope-vohiyo",
    },
    // https://www.w3.org/TR/websub
    Handshake {
        sender: "WebSub (YouTube)",
        method: Method::GET,
        query: "hub.topic=https%3A%2F%2Fexample.com%2F&hub.challenge=a%2Bb%20c&hub.mode=subscribe&hub.lease_seconds=432000",
        headers: NONE,
        body: "",
        answer_headers: TEXT,
        answer: "a+b c",
    },
    // https://docs.x.com/x-api/webhooks
    Handshake {
        sender: "X (Twitter)",
        method: Method::GET,
        query: "crc_token=what+do+ya+want+for+nothing%3F",
        headers: NONE,
        body: "",
        answer_headers: JSON,
        answer: r#"{"response_token":"sha256=W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM="}"#,
    },
    // https://developers.zoom.us/docs/api/webhooks
    Handshake {
        sender: "Zoom",
        method: Method::POST,
        query: "",
        headers: JSON,
        body: r#"{"payload":{"plainToken":"what do ya want for nothing?"},"event_ts":1654503849680,"event":"endpoint.url_validation"}"#,
        answer_headers: JSON,
        answer: r#"{"plainToken":"what do ya want for nothing?","encryptedToken":"5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"}"#,
    },
];

async fn send(person: &Person, handshake: &Handshake) -> http::Response<Bytes> {
    let uri = format!("{}?{}", person.hook_url(), handshake.query);
    let mut request = Request::builder().method(&handshake.method).uri(uri);
    for (name, value) in handshake.headers {
        request = request.header(*name, *value);
    }
    let request = request.body(handshake.body.into()).unwrap();
    person.client.send(request).await.unwrap()
}

#[tokio::test]
async fn sixteen_senders_get_the_answer_that_they_ask_for() {
    let home = Home::start().await;
    let person = home.person().await;
    for (preset, handshake) in REPLY_PRESETS.iter().zip(&HANDSHAKES) {
        assert_eq!(preset.sender, handshake.sender);
        let mut reply: Value = serde_json::from_str(preset.reply).unwrap();
        if !preset.secret.is_empty() {
            reply["secret"] = json!(SECRET);
        }
        let set = person.reply_with(&reply.to_string()).await;
        assert_eq!(
            set["has_secret"],
            if preset.secret.is_empty() { Value::Null } else { json!(true) }
        );
        let shown = serde_json::to_string(&person.create().await).unwrap() + &set.to_string();
        assert!(!shown.contains(SECRET), "{shown}");

        let answer = send(&person, handshake).await;
        assert_eq!(answer.status(), StatusCode::OK, "{}", preset.sender);
        assert_eq!(answer.body(), handshake.answer, "{}", preset.sender);
        for (name, value) in handshake.answer_headers {
            assert_eq!(answer.headers()[*name], value, "{}", preset.sender);
        }
        // What follows is no challenge, except for Twilio, whose answer is always the same.
        let later = person.post("application/json", r#"{"id":7}"#).await;
        let usual =
            if preset.sender == "Twilio" { handshake.answer } else { r#"{"ok":true,"id":7}"# };
        assert_eq!(later.body(), usual, "{}", preset.sender);
    }
    home.stack.stop().await.unwrap();
}

#[tokio::test]
async fn a_handshake_is_set_on_the_page_until_it_is_changed() {
    let (home, visit, person) = Visit::started(LIGHT).await;
    visit.fill("[data-component$=reply] form [name=preset]", "Zoom").await;
    visit.fill("[data-component$=reply] form [name=secret]", SECRET).await;
    visit.press("[data-component$=reply] form [type=submit]").await;
    visit.slot_says("reply", "now", "until you change it").await;
    let zoom = HANDSHAKES.last().unwrap();
    let answer = send(&person, zoom).await;
    assert_eq!(answer.body(), zoom.answer);
    visit.blocks("response", 1).await;
    let page =
        visit.run("return document.documentElement.outerHTML + JSON.stringify(localStorage)").await;
    assert!(!page.as_str().unwrap().contains(SECRET), "the secret stays on the page");
    visit.end(home).await;
}

//! Replies with which senders verify a hook URL before they use it, as `PUT /api/reply` takes them.

/// What one sender wants to be answered.
#[derive(Clone, Copy, Debug)]
pub struct ReplyPreset {
    /// The sender's name, or its standard's.
    pub sender: &'static str,
    /// The reply, but for its secret.
    pub reply: &'static str,
    /// What the sender calls the secret; empty if the reply needs no secret.
    pub secret: &'static str,
    /// What else to know.
    pub note: &'static str,
}

/// In the order of the alphabet. A reply to a challenge answers whatever brings none as usual, so each can stay set.
pub const REPLY_PRESETS: [ReplyPreset; 16] = [
    ReplyPreset {
        sender: "Asana",
        reply: r#"{"status":200,"headers":[["x-hook-secret","{{header.x-hook-secret}}"]],"body":""}"#,
        secret: "",
        note: "The secret in that header signs all later webhooks; the log has it.",
    },
    ReplyPreset {
        sender: "Azure Event Grid",
        reply: r#"{"status":200,"body":"{\"validationResponse\":\"{{json.0.data.validationCode}}\"}"}"#,
        secret: "",
        note: "For its own schema. You can open the validationUrl in the log instead, within ten minutes.",
    },
    ReplyPreset {
        sender: "CloudEvents",
        reply: r#"{"status":200,"headers":[["webhook-allowed-origin","{{header.webhook-request-origin}}"],["webhook-allowed-rate","*"]],"body":""}"#,
        secret: "",
        note: "Azure Event Grid in its CloudEvents schema asks in this way too.",
    },
    ReplyPreset {
        sender: "Dropbox",
        reply: r#"{"status":200,"content_type":"text/plain","headers":[["x-content-type-options","nosniff"]],"body":"{{query.challenge}}"}"#,
        secret: "",
        note: "",
    },
    ReplyPreset {
        sender: "Meta (Facebook, Instagram, WhatsApp)",
        reply: r#"{"status":200,"content_type":"text/plain","body":"{{query.hub.challenge}}"}"#,
        secret: "",
        note: "The verify token is not checked here: compare it in the log.",
    },
    ReplyPreset {
        sender: "Microsoft Graph",
        reply: r#"{"status":200,"content_type":"text/plain","body":"{{query.validationToken}}"}"#,
        secret: "",
        note: "",
    },
    ReplyPreset {
        sender: "Monday",
        reply: r#"{"status":200,"body":"{\"challenge\":\"{{json.challenge}}\"}"}"#,
        secret: "",
        note: "",
    },
    ReplyPreset {
        sender: "Okta",
        reply: r#"{"status":200,"body":"{\"verification\":\"{{header.x-okta-verification-challenge}}\"}"}"#,
        secret: "",
        note: "",
    },
    ReplyPreset {
        sender: "Slack",
        reply: r#"{"status":200,"content_type":"text/plain","body":"{{json.challenge}}"}"#,
        secret: "",
        note: "",
    },
    ReplyPreset {
        sender: "Smartsheet",
        reply: r#"{"status":200,"headers":[["smartsheet-hook-response","{{header.smartsheet-hook-challenge}}"]],"body":"{\"smartsheetHookResponse\":\"{{header.smartsheet-hook-challenge}}\"}"}"#,
        secret: "",
        note: "",
    },
    ReplyPreset {
        sender: "Strava",
        reply: r#"{"status":200,"body":"{\"hub.challenge\":\"{{query.hub.challenge}}\"}"}"#,
        secret: "",
        note: "The verify token is not checked here: compare it in the log.",
    },
    ReplyPreset {
        sender: "Twilio",
        reply: r#"{"status":200,"content_type":"text/xml","body":"<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response/>"}"#,
        secret: "",
        note: "An empty TwiML document: nothing is said or sent back.",
    },
    ReplyPreset {
        sender: "Twitch EventSub",
        reply: r#"{"status":200,"content_type":"text/plain","body":"{{json.challenge}}"}"#,
        secret: "",
        note: "",
    },
    ReplyPreset {
        sender: "WebSub (YouTube)",
        reply: r#"{"status":200,"content_type":"text/plain","body":"{{query.hub.challenge}}"}"#,
        secret: "",
        note: "",
    },
    ReplyPreset {
        sender: "X (Twitter)",
        reply: r#"{"status":200,"body":"{\"response_token\":\"sha256={{query.crc_token | hmac_sha256_base64}}\"}"}"#,
        secret: "API key secret",
        note: "",
    },
    ReplyPreset {
        sender: "Zoom",
        reply: r#"{"status":200,"body":"{\"plainToken\":\"{{json.payload.plainToken}}\",\"encryptedToken\":\"{{json.payload.plainToken | hmac_sha256_hex}}\"}"}"#,
        secret: "Secret token",
        note: "",
    },
];

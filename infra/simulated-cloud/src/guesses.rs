//! What is not documented for certain outside Particle, as named constants.
//!
//! The documentation is silent or contradicts itself on these points, so the simulated cloud had to choose. An event whose
//! content or existence rests on such a choice names it under `simulated_guess`, and a program that shows the event says that
//! the real cloud may differ.
//!
//! Some guesses have no constant: that templates mean what hogan.js makes of them, that one request is one connection
//! without headers beyond the captured ones, that `expires_in=0` asks for a token that never expires (`signin.rs`), and that
//! no event of the cloud itself triggers a hook (`event.rs`).

use std::time::Duration;

/// The name of a guess, as events carry it.
pub(crate) type Guess = &'static str;

/// `hook-sent` carries no data. Old samples show the text `undefined`.
pub(crate) const HOOK_SENT_DATA_GUESS: Guess = "hook_sent_data";
/// `hook-sent` is published when the request is sent, so also when it then fails.
pub(crate) const HOOK_SENT_BEFORE_ANSWER_GUESS: Guess = "hook_sent_before_answer";
/// A failed request's event holds the status line only, not the body of the response.
pub(crate) const HOOK_ERROR_BODY_GUESS: Guess = "hook_error_without_body";

/// No answer within the limit: the words of the Node library that the headers point to.
pub(crate) const TIMEOUT_TEXT: &str = "ESOCKETTIMEDOUT";
/// The connection broke before the response was complete.
pub(crate) const RESET_TEXT: &str = "read ECONNRESET";
/// Marks every text about a request that got no response.
pub(crate) const NETWORK_ERROR_TEXT_GUESS: Guess = "network_error_text";

/// A redirect is not followed, and its own body is the response. Whether it counts as an error is not documented;
/// Particle's guide to Google Sheets relies on one that does not.
pub(crate) const REDIRECT_GUESS: Guess = "redirect_is_response";

/// The period over which a host's responses are rated.
pub(crate) const RATING_PERIOD: Duration = Duration::from_secs(60);
/// With fewer failures in the period a host is never put to sleep.
pub(crate) const RATING_MIN_FAILURES: usize = 5;
/// How long after its last failure a sleeping host is tried again ("a few error-free seconds").
pub(crate) const RATING_COOLDOWN: Duration = Duration::from_secs(5);
/// A skipped event is retried at these times after the event, then dropped. One page of the documentation says so, another
/// says that skipped events are not retried.
pub(crate) const SKIPPED_RETRIES: [Duration; 2] =
    [Duration::from_secs(30), Duration::from_secs(60)];
/// Marks the numbers of the rating and the retries.
pub(crate) const SLEEPING_GUESS: Guess = "sleeping_and_retries";

/// The 100 KB of a response that are published, in bytes: 200 full parts.
pub(crate) const RESPONSE_LIMIT_BYTES: usize = 100 * 1024;
/// Marks a response that was cut at [`RESPONSE_LIMIT_BYTES`].
pub(crate) const RESPONSE_LIMIT_GUESS: Guess = "response_limit";
/// Parts are cut by bytes; a character cut in two arrives as two replacement characters. Marks parts where that happened.
pub(crate) const CUT_CHARACTER_GUESS: Guess = "cut_character";
/// The topic of an unchunked response ends with `/0` too.
pub(crate) const UNCHUNKED_GUESS: Guess = "unchunked_suffix";

/// A data URL that is longer than one part is cut as any other text, and a device gets its text, not its bytes.
pub(crate) const DATA_URL_PARTS_GUESS: Guess = "data_url_parts";

/// A name like `PARTICLE_DEVICE_ID` means the cloud's variable even if the event's data has such a key. Marks events where
/// both exist.
pub(crate) const VARIABLES_GUESS: Guess = "variables_win_over_data";

/// A response template given as an object is filled text by text and published as JSON.
pub(crate) const RESPONSE_TEMPLATE_OBJECT_GUESS: Guess = "response_template_object";
/// If a response template renders empty, or the response is not JSON, the body is published as it came.
pub(crate) const RESPONSE_TEMPLATE_FALLBACK_GUESS: Guess = "response_template_fallback";
/// A response template may use the variables of the event too. Marks those that do.
pub(crate) const RESPONSE_TEMPLATE_EVENT_GUESS: Guess = "response_template_sees_event";

/// A custom field replaces the default field of the same name.
pub(crate) const CUSTOM_FIELD_WINS_GUESS: Guess = "custom_field_wins";
/// DELETE carries a body as POST does. One page of the documentation says so, another says the opposite.
pub(crate) const DELETE_BODY_GUESS: Guess = "delete_has_body";
/// The default fields join a `json` given as text if that text is an object.
pub(crate) const STRING_JSON_GUESS: Guess = "string_json_gets_defaults";

/// A template that cannot be read is reported as a hook-error with these words before the reason.
pub(crate) const TEMPLATE_ERROR_TEXT: &str = "template error: ";
/// Marks [`TEMPLATE_ERROR_TEXT`].
pub(crate) const TEMPLATE_ERROR_GUESS: Guess = "template_error_text";

/// The data that `POST /v1/integrations/:id/test` publishes.
pub(crate) const TEST_EVENT_DATA: &str = "test-event";
/// Marks the event that the test call publishes: the console's dialog has a field for a device, what it sends is unknown.
pub(crate) const TEST_EVENT_GUESS: Guess = "integration_test_event";

/// The status of a refused sign-in.
pub(crate) const WRONG_PASSWORD_STATUS: u16 = 400;
/// The status when there are too many streams or calls; the documentation has 429 in one place and 529 in another.
pub(crate) const OVER_LIMIT_STATUS: u16 = 429;
/// The largest data of an event published by REST, in bytes.
pub(crate) const REST_EVENT_DATA_BYTES: usize = 16 * 1024;
/// The most integrations of one account; an old version of the documentation had 20, the present one names none.
pub(crate) const MAX_INTEGRATIONS: usize = 100;

/// The status of a refused configuration of an integration.
pub(crate) const WRONG_CONFIGURATION_STATUS: u16 = 400;
/// Marks the `logs` and `counters` of an integration: the real cloud shows them, in a form of its own.
pub(crate) const INTEGRATION_DETAIL_GUESS: Guess = "integration_detail";

/// How often a silent stream sends a line end. Clients give up after 13 to 15 s; one page speaks of 60 s.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(9);

/// The status of a compilation that failed, with `ok: false` in the body; Particle's own page expects it so.
pub(crate) const COMPILE_ERROR_STATUS: u16 = 200;
/// The `output` of a failed compilation; the command line looks for this text.
pub(crate) const COMPILE_ERROR_OUTPUT: &str = "Compiler timed out or encountered an error";
/// How long a compiler may take. Particle's is on faster machines, which do nothing else.
pub(crate) const COMPILE_LIMIT: Duration = Duration::from_secs(65);

/// How long a device may take to run a function or to send a variable.
pub(crate) const CALL_LIMIT: Duration = Duration::from_secs(20);

/// The methods that a preflight allows to any page.
pub(crate) const CORS_METHODS: &str = "GET, POST, PUT, DELETE, OPTIONS";
/// The headers that a page may send: those that today's clients send.
pub(crate) const CORS_HEADERS: &str = "Authorization, Content-Type, Accept, User-Agent, X-Particle-Tool, X-Particle-Project, X-Requested-With";
/// For how many seconds a browser may remember a preflight.
pub(crate) const CORS_MAX_AGE: &str = "300";

/// Not a guess: only the simulated cloud does this. It reaches this computer alone, and takes only so much at once.
pub(crate) const SIMULATED_ONLY: Guess = "simulated_cloud_only";

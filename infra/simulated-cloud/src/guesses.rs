//! What nobody outside Particle knows for certain, each as one named constant.
//!
//! The documentation is silent or contradicts itself on these points, so the simulated cloud had to choose. An event whose content
//! or existence rests on such a choice names it under `simulated_guess`, and whoever shows the event says that the real
//! cloud may differ. Change a constant here and the simulated cloud behaves the other way; nothing else holds the choice.
//!
//! Two guesses have no constant, because there is no other way to switch to: that templates mean what hogan.js makes of
//! them, and that one request is one connection without headers beyond the captured ones.

use std::time::Duration;

/// The name a guess goes by on the wire.
pub(crate) type Guess = &'static str;

/// `hook-sent` carries no data. Old samples show the text `undefined`.
pub(crate) const HOOK_SENT_DATA: Option<&str> = None;
/// Marks [`HOOK_SENT_DATA`].
pub(crate) const HOOK_SENT_DATA_GUESS: Guess = "hook_sent_data";

/// `hook-sent` is published when the request goes out, so also when it then fails.
pub(crate) const HOOK_SENT_BEFORE_ANSWER_GUESS: Guess = "hook_sent_before_answer";

/// A failed request's event holds the status line only, not the body that came with it.
pub(crate) const HOOK_ERROR_HOLDS_BODY: bool = false;
/// Marks [`HOOK_ERROR_HOLDS_BODY`].
pub(crate) const HOOK_ERROR_BODY_GUESS: Guess = "hook_error_without_body";

/// No answer within the limit: the words of the Node library that the headers point to.
pub(crate) const TIMEOUT_TEXT: &str = "ESOCKETTIMEDOUT";
/// The connection broke before the answer was whole.
pub(crate) const RESET_TEXT: &str = "read ECONNRESET";
/// Marks every text about a request that got no answer.
pub(crate) const NETWORK_ERROR_TEXT_GUESS: Guess = "network_error_text";

/// A redirect is not followed and counts as a failure.
pub(crate) const REDIRECT_IS_FAILURE: bool = true;
/// Marks [`REDIRECT_IS_FAILURE`].
pub(crate) const REDIRECT_GUESS: Guess = "redirect_is_failure";

/// Over which span a host's answers are rated.
pub(crate) const RATING_SPAN: Duration = Duration::from_secs(60);
/// Below this many failures within the span a host is never put to sleep.
pub(crate) const RATING_LEAST_FAILURES: usize = 5;
/// How long after its last failure a sleeping host is tried again ("a few error-free seconds").
pub(crate) const RATING_COOLDOWN: Duration = Duration::from_secs(5);
/// A skipped event is tried again after these spans, counted from the event, then dropped. One page of the documentation
/// says so, another says that skipped events are not retried.
pub(crate) const SKIPPED_RETRIES: [Duration; 2] =
    [Duration::from_secs(30), Duration::from_secs(60)];
/// Marks the numbers of the rating and the retries.
pub(crate) const SLEEPING_GUESS: Guess = "sleeping_and_retries";

/// The 100 KB of a response that are published, in bytes: 200 whole parts.
pub(crate) const RESPONSE_LIMIT_BYTES: usize = 100 * 1024;
/// Marks a response that was cut at [`RESPONSE_LIMIT_BYTES`].
pub(crate) const RESPONSE_LIMIT_GUESS: Guess = "response_limit";
/// Parts are cut by bytes; a character cut in two arrives as two replacement characters. Marks parts where that happened.
pub(crate) const CUT_CHARACTER_GUESS: Guess = "cut_character";

/// What stands behind the topic of an unchunked response.
pub(crate) const UNCHUNKED_SUFFIX: &str = "/0";
/// Marks [`UNCHUNKED_SUFFIX`].
pub(crate) const UNCHUNKED_GUESS: Guess = "unchunked_suffix";

/// A name like `PARTICLE_DEVICE_ID` means the cloud's variable even if the event's data has such a key.
pub(crate) const VARIABLES_WIN: bool = true;
/// Marks [`VARIABLES_WIN`] where both exist.
pub(crate) const VARIABLES_GUESS: Guess = "variables_win_over_data";

/// A response template may use the variables of the event too.
pub(crate) const RESPONSE_TEMPLATE_SEES_EVENT: bool = true;
/// A response template given as an object is filled leaf by leaf and published as JSON.
pub(crate) const RESPONSE_TEMPLATE_OBJECT_GUESS: Guess = "response_template_object";
/// A response template that renders empty, or a response that is not JSON, publishes the body as it came.
pub(crate) const RESPONSE_TEMPLATE_FALLBACK_GUESS: Guess = "response_template_fallback";
/// Marks [`RESPONSE_TEMPLATE_SEES_EVENT`] where the template uses a variable.
pub(crate) const RESPONSE_TEMPLATE_EVENT_GUESS: Guess = "response_template_sees_event";

/// A field of one's own replaces the default field of the same name.
pub(crate) const CUSTOM_FIELD_WINS_GUESS: Guess = "custom_field_wins";
/// DELETE carries a body as POST does. One page of the documentation says so, another says the opposite.
pub(crate) const DELETE_HAS_BODY: bool = true;
/// Marks [`DELETE_HAS_BODY`] where there is a body.
pub(crate) const DELETE_BODY_GUESS: Guess = "delete_has_body";
/// The default fields join a `json` given as text if that text is an object.
pub(crate) const STRING_JSON_GETS_DEFAULTS: bool = true;
/// Marks [`STRING_JSON_GETS_DEFAULTS`] where it happened.
pub(crate) const STRING_JSON_GUESS: Guess = "string_json_gets_defaults";

/// A template that cannot be read is reported as a hook-error with these words before the reason.
pub(crate) const TEMPLATE_ERROR_TEXT: &str = "template error: ";
/// Marks [`TEMPLATE_ERROR_TEXT`].
pub(crate) const TEMPLATE_ERROR_GUESS: Guess = "template_error_text";

/// What `POST /v1/integrations/:id/test` publishes as data.
pub(crate) const TEST_EVENT_DATA: &str = "test-event";
/// Marks the event that the test call publishes.
pub(crate) const TEST_EVENT_GUESS: Guess = "integration_test_event";

/// The status of a refused sign-in.
pub(crate) const WRONG_PASSWORD_STATUS: u16 = 400;
/// The status when there are too many streams or calls; the documentation has 429 in one place and 529 in another.
pub(crate) const OVER_LIMIT_STATUS: u16 = 429;
/// The largest data of an event published by REST, in bytes.
pub(crate) const REST_EVENT_DATA_BYTES: usize = 16 * 1024;
/// The most integrations of one account; an old version of the documentation had 20, the present one names none.
pub(crate) const MAX_INTEGRATIONS: usize = 100;
/// `expires_in=0` asks for a token that never expires.
pub(crate) const ZERO_MEANS_NEVER: bool = true;

/// The status of a refused configuration of an integration.
pub(crate) const WRONG_CONFIGURATION_STATUS: u16 = 400;
/// Marks the `logs` and `counters` of an integration: the real cloud shows them, in a form of its own.
pub(crate) const INTEGRATION_DETAIL_GUESS: Guess = "integration_detail";

/// Whether events that the cloud itself makes trigger hooks when their topic is not one of the documented three.
pub(crate) const OWN_TOPICS_TRIGGER_HOOKS: bool = false;

/// A silent stream says so often that it is still there. Clients give up after 13 to 15 s; one page speaks of 60 s.
pub(crate) const KEEP_ALIVE: Duration = Duration::from_secs(9);

/// The status of a compilation that failed, with `ok: false` in the body; Particle's own page expects it so.
pub(crate) const COMPILE_ERROR_STATUS: u16 = 200;
/// What `output` says then; the command line looks for this text.
pub(crate) const COMPILE_ERROR_OUTPUT: &str = "Compiler timed out or encountered an error";
/// How long a compiler may take.
pub(crate) const COMPILE_LIMIT: Duration = Duration::from_secs(30);

/// What a preflight is told, for any page.
pub(crate) const CORS_METHODS: &str = "GET, POST, PUT, DELETE, OPTIONS";
/// The headers a page may send: those that the clients of today do send.
pub(crate) const CORS_HEADERS: &str = "Authorization, Content-Type, Accept, User-Agent, X-Particle-Tool, X-Particle-Project, X-Requested-With";
/// For how many seconds a browser may remember it.
pub(crate) const CORS_MAX_AGE: &str = "300";

/// Only this simulated cloud has it: it reaches this computer alone, and it takes only so much at once.
pub(crate) const SIMULATED_ONLY: Guess = "simulated_cloud_only";

//! The sequence of one triggered hook: hook-sent, the request, then hook-response or hook-error.

use std::{sync::Arc, time::Duration};

use device_link::is_device_id;
use tokio::sync::Semaphore;

use crate::{
    app_state::AppState,
    clock::{iso, millis},
    event::{Content, Event, truncate},
    guesses::{
        Guess, HOOK_ERROR_BODY_GUESS, HOOK_SENT_BEFORE_ANSWER_GUESS, HOOK_SENT_DATA_GUESS,
        NETWORK_ERROR_TEXT_GUESS, REDIRECT_GUESS, SIMULATED_ONLY, SKIPPED_RETRIES, SLEEPING_GUESS,
        TEMPLATE_ERROR_GUESS, TEMPLATE_ERROR_TEXT, TIMEOUT_TEXT,
    },
    hook::{
        config::HookConfig,
        rating::Ratings,
        request::{Outgoing, build},
        response::{Part, error_name, parts},
        send::{HookResponse, SendError, addresses, send},
    },
    secrets::{MAX_ENCODED, MAX_VALUE_BYTES, Secrets, hide_credentials, reveal_nothing},
    state::{AttemptRequest, AttemptResponse, Hook, HookAttempt},
};

/// How long a server may take.
const RESPONSE_LIMIT: Duration = Duration::from_secs(20);
/// Runs under way or waiting for a retry. Beyond this the cloud reports that it is busy instead of using more memory.
const MAX_RUNNING: usize = 1000;
/// Requests that wait for a response at the same time; the others wait for a permit. The real cloud's many machines are one
/// computer here, which the receiving server has to share.
const MAX_SENDING: usize = 32;
/// Requests and responses whose templates are filled at the same time.
const MAX_RENDERING: usize = 2;
/// How much of a body the console keeps.
const KEPT_BODY_BYTES: usize = 4096;
/// How many headers of a request it keeps, and how much of each.
const KEPT_HEADERS: usize = 32;
const KEPT_HEADER_BYTES: usize = 256;
/// The text of a skipped event's hook-error.
const SLEEPING: &str = "Sleeping, too many errors, please wait and try again";

/// Runs the hooks that events trigger.
pub(crate) struct Hooks {
    ratings: Ratings,
    running: Arc<Semaphore>,
    sending: Semaphore,
    rendering: Semaphore,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            ratings: Ratings::default(),
            running: Arc::new(Semaphore::new(MAX_RUNNING)),
            sending: Semaphore::new(MAX_SENDING),
            rendering: Semaphore::new(MAX_RENDERING),
        }
    }
}

impl Hooks {
    /// Fills templates on a thread of its own: a costly one must not hold up what else the runtime does.
    async fn render<T: Send + 'static>(&self, fill: impl FnOnce() -> T + Send + 'static) -> T {
        let _permit = self.rendering.acquire().await;
        let filled = tokio::task::spawn_blocking(fill).await;
        filled.expect("filling a template does not panic")
    }

    /// Starts every hook that an event triggers.
    pub(crate) fn trigger(self: &Arc<Self>, app: &Arc<AppState>, event: &Arc<Event>) {
        if !event.may_trigger_hooks() {
            return;
        }
        let triggered: Vec<Run> = app
            .state()
            .hooks
            .iter()
            .filter(|hook| hook.config.matches(event) && in_scope(hook, event))
            .map(|hook| Run {
                hooks: Arc::clone(self),
                app: Arc::clone(app),
                id: hook.id.clone(),
                product: hook.product,
                config: Arc::new(hook.config.clone()),
                event: Arc::clone(event),
            })
            .collect();
        for run in triggered {
            let Ok(permit) = Arc::clone(&self.running).try_acquire_owned() else {
                let text =
                    format!("the simulated cloud has {MAX_RUNNING} webhook requests under way");
                run.failed(text, vec![SIMULATED_ONLY], None, None);
                continue;
            };
            tokio::spawn(async move {
                let _permit = permit;
                let mut stopping = run.app.stopping.subscribe();
                tokio::select! {
                    () = run.run() => {}
                    _ = stopping.wait_for(|stop| *stop) => {}
                }
            });
        }
    }
}

/// A hook of a product gets the product's events; a hook of the account those of its own devices and of the API.
fn in_scope(hook: &Hook, event: &Event) -> bool {
    match hook.product {
        Some(product) => event.in_product && event.product_id == product,
        // A product's device that is also claimed triggers both kinds; what the API published into a product only its own.
        None => !event.in_product || is_device_id(&event.coreid),
    }
}

struct Run {
    hooks: Arc<Hooks>,
    app: Arc<AppState>,
    id: String,
    product: Option<i64>,
    config: Arc<HookConfig>,
    event: Arc<Event>,
}

enum Outcome {
    Done,
    /// The host is asleep.
    Skipped,
}

impl Run {
    async fn run(&self) {
        let start = self.app.now();
        for wait in [Duration::ZERO].into_iter().chain(SKIPPED_RETRIES) {
            let clock = &self.app.config.clock;
            clock.sleep_until(start + millis(wait)).await;
            if wait > Duration::ZERO && !self.is_still_enabled() {
                return;
            }
            if let Outcome::Done = self.attempt().await {
                return;
            }
        }
    }

    fn is_still_enabled(&self) -> bool {
        let state = self.app.state();
        let mut hooks = state.hooks.iter();
        hooks.any(|hook| hook.id == self.id && !hook.config.disabled)
    }

    async fn attempt(&self) -> Outcome {
        let (config, event) = (Arc::clone(&self.config), Arc::clone(&self.event));
        let secrets = Arc::new(Secrets::of(&self.config, &self.app.state()));
        secrets.mark_used(&self.app);
        let values = Arc::clone(&secrets);
        let (request, sent) = match self.hooks.render(move || fill(&config, &event, &values)).await
        {
            Ok(filled) => filled,
            Err(reason) => {
                self.template_failed(&reason, None, None);
                return Outcome::Done;
            }
        };
        let host = request.host();
        if self.hooks.ratings.asleep(&host, self.app.now()) {
            let day = iso(self.app.now());
            self.app.change(|state| {
                if let Some(hook) = state.hook_mut(&self.id) {
                    hook.day(&day).sleep += 1;
                }
            });
            self.publish_error(SLEEPING.to_owned(), vec![SLEEPING_GUESS]);
            return Outcome::Skipped;
        }
        match self.exchange(request).await {
            Ok(response) => self.responded(&host, sent, response, &secrets).await,
            Err(error) => {
                if error.is_server_fault {
                    self.hooks.ratings.count(&host, false, self.app.now());
                }
                self.failed(error.text, vec![error.guess], Some(sent), None);
            }
        }
        Outcome::Done
    }

    /// Publishes hook-sent, sends the request and waits for the response.
    async fn exchange(&self, request: Outgoing) -> Result<HookResponse, SendError> {
        let addresses = addresses(&request, self.app.addr, self.app.config.only_port)?;
        let _permit = self.hooks.sending.acquire().await;
        let deadline = self.app.now() + millis(RESPONSE_LIMIT);
        let mut guesses = request.guesses.clone();
        guesses.extend([HOOK_SENT_DATA_GUESS, HOOK_SENT_BEFORE_ANSWER_GUESS]);
        let name = format!("hook-sent/{}", self.event.name);
        self.app.publish_from_cloud(&name, None, Content::Text, self.product, guesses);
        tokio::select! {
            result = send(request, addresses) => result,
            () = self.app.config.clock.sleep_until(deadline) => Err(SendError {
                text: TIMEOUT_TEXT.to_owned(),
                guess: NETWORK_ERROR_TEXT_GUESS,
                is_server_fault: true,
            }),
        }
    }

    async fn responded(
        &self,
        host: &str,
        sent: AttemptRequest,
        response: HookResponse,
        secrets: &Secrets,
    ) {
        let is_redirect = (300..400).contains(&response.status);
        let is_success = is_redirect || (200..300).contains(&response.status);
        if !is_redirect {
            self.hooks.ratings.count(host, is_success, self.app.now());
        }
        // A value that the end of what is kept would cut is not kept in part.
        let start = response.body.len().min(KEPT_BODY_BYTES + MAX_ENCODED * MAX_VALUE_BYTES);
        let start = secrets.mask(&String::from_utf8_lossy(&response.body[..start]));
        let got = AttemptResponse { status: response.status, body: kept(&start) };
        if !is_success {
            let text = secrets.mask(&format!("error status {} from {host}", response.status));
            return self.failed(text, vec![HOOK_ERROR_BODY_GUESS], Some(sent), Some(got));
        }
        let is_product = self.product.is_some();
        let (config, event) = (Arc::clone(&self.config), Arc::clone(&self.event));
        let fill = move || parts(&config, is_product, &event, &response);
        let mut parts = match self.hooks.render(fill).await {
            Ok(parts) => parts,
            Err(reason) => return self.template_failed(&reason, Some(sent), Some(got)),
        };
        if self.app.config.reorder_parts {
            // Neighbours change places: wrong for every reader that relies on the order, and the same every time.
            parts.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
        }
        self.log(Some(sent), Some(got), None);
        for mut part in parts {
            part.guesses.extend(is_redirect.then_some(REDIRECT_GUESS));
            let Part { name, data, content, guesses } = part;
            self.app.publish_from_cloud(&name, Some(data), content, self.product, guesses);
        }
    }

    fn template_failed(
        &self,
        reason: &str,
        sent: Option<AttemptRequest>,
        got: Option<AttemptResponse>,
    ) {
        let text = format!("{TEMPLATE_ERROR_TEXT}{reason}");
        self.failed(text, vec![TEMPLATE_ERROR_GUESS], sent, got);
    }

    fn failed(
        &self,
        text: String,
        guesses: Vec<Guess>,
        sent: Option<AttemptRequest>,
        got: Option<AttemptResponse>,
    ) {
        self.log(sent, got, Some(text.clone()));
        self.publish_error(text, guesses);
    }

    fn publish_error(&self, text: String, guesses: Vec<Guess>) {
        let name = error_name(&self.config, &self.event);
        self.app.publish_from_cloud(&name, Some(text), Content::Text, self.product, guesses);
    }

    /// Counts a finished attempt and keeps it for the console.
    fn log(
        &self,
        request: Option<AttemptRequest>,
        response: Option<AttemptResponse>,
        error: Option<String>,
    ) {
        let attempt = HookAttempt {
            at: self.app.now(),
            event: self.event.name.clone(),
            coreid: self.event.coreid.clone(),
            request,
            response,
            error,
        };
        self.app.change(|state| {
            if let Some(hook) = state.hook_mut(&self.id) {
                hook.record(attempt);
            }
        });
    }
}

/// The request, and what the log shows of it.
fn fill(
    config: &HookConfig,
    event: &Event,
    secrets: &Secrets,
) -> Result<(Outgoing, AttemptRequest), String> {
    // First without the values: no error names one.
    let masked = build(config, event, &secrets.placeholders())?;
    if secrets.is_empty() {
        let shown = to_attempt(&masked, &masked);
        return Ok((masked, shown));
    }
    let request = build(config, event, secrets.values())
        .map_err(|_| "the value of a secret does not fit where it is used".to_owned())?;
    let shown = to_attempt(&request, &masked);
    Ok((request, shown))
}

/// What is kept of a request, from the same request without the values of secrets.
fn to_attempt(request: &Outgoing, masked: &Outgoing) -> AttemptRequest {
    let length = request.body.as_ref().map(|body| body.len().to_string());
    let header = |(name, value): &(String, String)| {
        let value = match (name.as_str(), &length) {
            ("content-length", Some(length)) => length.clone(),
            ("authorization", _) => hide_credentials(value),
            _ => reveal_nothing(value),
        };
        (reveal_nothing(name), truncate(&value, KEPT_HEADER_BYTES).to_owned())
    };
    AttemptRequest {
        method: masked.method.clone(),
        url: kept(&reveal_nothing(&masked.uri.to_string())),
        headers: masked.headers.iter().take(KEPT_HEADERS).map(header).collect(),
        body: kept(&reveal_nothing(masked.body.as_deref().unwrap_or_default())),
    }
}

fn kept(text: &str) -> String {
    truncate(text, KEPT_BODY_BYTES).to_owned()
}

//! The sequence of one triggered hook: hook-sent, the request, then hook-response or hook-error.

use std::{sync::Arc, time::Duration};

use crate::{
    clock::{iso, millis},
    core::Core,
    event::{Event, truncate},
    guesses::{
        Guess, HOOK_ERROR_BODY_GUESS, HOOK_ERROR_HOLDS_BODY, HOOK_SENT_BEFORE_ANSWER_GUESS,
        HOOK_SENT_DATA, HOOK_SENT_DATA_GUESS, NETWORK_ERROR_TEXT_GUESS, REDIRECT_GUESS,
        REDIRECT_IS_FAILURE, SIMULATED_ONLY, SKIPPED_RETRIES, SLEEPING_GUESS, TEMPLATE_ERROR_GUESS,
        TEMPLATE_ERROR_TEXT, TIMEOUT_TEXT,
    },
    hook::{
        config::HookConfig,
        request::{Outgoing, build},
        response::{error_name, parts},
        send::{HookResponse, SendError, addresses, send},
    },
    state::{AttemptRequest, AttemptResponse, Hook, HookAttempt},
};

/// How long a server may take.
const ANSWER_LIMIT: Duration = Duration::from_secs(20);
/// Requests under way or waiting for another try; beyond this the cloud says that it is busy instead of growing.
pub(crate) const MAX_RUNNING: usize = 1000;
/// Requests that wait for an answer at the same time; the next ones are sent when one has come. The real cloud's many
/// machines are one computer here, which the server that answers has to share.
pub(crate) const MAX_SENDING: usize = 32;
/// How much of a body the console keeps.
const KEPT_BODY_BYTES: usize = 4096;
/// How many headers of a request it keeps, and how much of each.
const KEPT_HEADERS: usize = 32;
const KEPT_HEADER_BYTES: usize = 256;
/// What a skipped event is answered with.
const SLEEPING: &str = "Sleeping, too many errors, please wait and try again";

/// Starts every hook that an event triggers.
pub(crate) fn trigger(core: &Arc<Core>, event: &Arc<Event>) {
    let due: Vec<(String, Option<i64>, HookConfig)> = core
        .state()
        .hooks
        .iter()
        .filter(|hook| hook.config.matches(event) && in_scope(hook, event))
        .map(|hook| (hook.id.clone(), hook.product, hook.config.clone()))
        .collect();
    for (id, product, config) in due {
        let run = Run {
            core: Arc::clone(core),
            id,
            product,
            config,
            event: Arc::clone(event),
        };
        let Ok(place) = Arc::clone(&core.running_hooks).try_acquire_owned() else {
            let text = format!("the simulated cloud has {MAX_RUNNING} webhook requests under way");
            run.failed(text, vec![SIMULATED_ONLY], None, None);
            continue;
        };
        tokio::spawn(async move {
            let _place = place;
            let mut stopping = run.core.stopping.subscribe();
            tokio::select! {
                () = run.to_the_end() => {}
                _ = stopping.wait_for(|stop| *stop) => {}
            }
        });
    }
}

/// A hook of a product hears the product, one of the account its own devices and the API.
fn in_scope(hook: &Hook, event: &Event) -> bool {
    match hook.product {
        Some(product) => event.in_product && event.product_id == product,
        // A device of a product that is also claimed triggers both kinds; what the API published into a product only its own.
        None => !event.in_product || crate::event::is_device_id(&event.coreid),
    }
}

struct Run {
    core: Arc<Core>,
    id: String,
    product: Option<i64>,
    config: HookConfig,
    event: Arc<Event>,
}

/// What became of one try.
enum Outcome {
    Done,
    Skipped,
}

impl Run {
    async fn to_the_end(&self) {
        let start = self.core.now();
        for wait in [Duration::ZERO].into_iter().chain(SKIPPED_RETRIES) {
            self.core.clock.sleep_until(start + millis(wait)).await;
            if wait > Duration::ZERO && !self.still_wanted() {
                return;
            }
            if let Outcome::Done = self.once().await {
                return;
            }
        }
    }

    fn still_wanted(&self) -> bool {
        self.core
            .state()
            .hooks
            .iter()
            .any(|hook| hook.id == self.id && !hook.config.disabled)
    }

    async fn once(&self) -> Outcome {
        let request = match build(&self.config, &self.event) {
            Ok(request) => request,
            Err(reason) => {
                self.failed(
                    format!("{TEMPLATE_ERROR_TEXT}{reason}"),
                    vec![TEMPLATE_ERROR_GUESS],
                    None,
                    None,
                );
                return Outcome::Done;
            }
        };
        let host = request.host();
        if self.core.ratings.asleep(&host, self.core.now()) {
            self.core.change(|state| {
                if let Some(hook) = state.hook_mut(&self.id) {
                    hook.day(&iso(self.core.now())).sleep += 1;
                }
            });
            self.announce_error(SLEEPING.to_owned(), vec![SLEEPING_GUESS]);
            return Outcome::Skipped;
        }
        let sent = sent(&request);
        let mut guesses = request.guesses.clone();
        let addresses = match addresses(&request, self.core.addr) {
            Ok(addresses) => addresses,
            Err(refused) => {
                self.failed(refused.text, vec![refused.guess], Some(sent), None);
                return Outcome::Done;
            }
        };
        let _turn = self.core.sending.acquire().await;
        let deadline = self.core.now() + millis(ANSWER_LIMIT);
        guesses.extend([HOOK_SENT_DATA_GUESS, HOOK_SENT_BEFORE_ANSWER_GUESS]);
        let name = format!("hook-sent/{}", self.event.name);
        self.core.announce(
            &name,
            HOOK_SENT_DATA.map(str::to_owned),
            self.product,
            guesses,
        );
        let result = tokio::select! {
            result = send(request, addresses) => result,
            () = self.core.clock.sleep_until(deadline) => {
                Err(SendError { text: TIMEOUT_TEXT.to_owned(), guess: NETWORK_ERROR_TEXT_GUESS, is_server_fault: true })
            }
        };
        match result {
            Ok(answer) => self.answered(&host, sent, &answer),
            Err(none) => {
                if none.is_server_fault {
                    self.core.ratings.count(&host, false, self.core.now());
                }
                self.failed(none.text, vec![none.guess], Some(sent), None);
            }
        }
        Outcome::Done
    }

    fn answered(&self, host: &str, sent: AttemptRequest, answer: &HookResponse) {
        let redirect = (300..400).contains(&answer.status);
        let success = (200..300).contains(&answer.status) || (redirect && !REDIRECT_IS_FAILURE);
        self.core.ratings.count(host, success, self.core.now());
        let got = AttemptResponse {
            status: answer.status,
            body: kept(&String::from_utf8_lossy(
                &answer.body[..answer.body.len().min(KEPT_BODY_BYTES)],
            )),
        };
        if !success {
            let mut text = format!("error status {} from {host}", answer.status);
            if HOOK_ERROR_HOLDS_BODY {
                text = format!("{text}: {}", String::from_utf8_lossy(&answer.body));
            }
            let mut guesses = vec![HOOK_ERROR_BODY_GUESS];
            if redirect {
                guesses.push(REDIRECT_GUESS);
            }
            return self.failed(text, guesses, Some(sent), Some(got));
        }
        let mut parts = match parts(&self.config, self.product.is_some(), &self.event, answer) {
            Ok(parts) => parts,
            Err(reason) => {
                let text = format!("{TEMPLATE_ERROR_TEXT}{reason}");
                return self.failed(text, vec![TEMPLATE_ERROR_GUESS], Some(sent), Some(got));
            }
        };
        if self.core.reorder_parts {
            // Neighbours change places: wrong for every reader that counts on the order, and the same every time.
            parts.chunks_exact_mut(2).for_each(|pair| pair.swap(0, 1));
        }
        self.log(Some(sent), Some(got), None);
        for part in parts {
            self.core
                .announce(&part.name, Some(part.data), self.product, part.guesses);
        }
    }

    fn failed(
        &self,
        text: String,
        guesses: Vec<Guess>,
        sent: Option<AttemptRequest>,
        got: Option<AttemptResponse>,
    ) {
        self.log(sent, got, Some(text.clone()));
        self.announce_error(text, guesses);
    }

    fn announce_error(&self, text: String, guesses: Vec<Guess>) {
        self.core.announce(
            &error_name(&self.config, &self.event),
            Some(text),
            self.product,
            guesses,
        );
    }

    /// Counts and keeps one finished try for the console.
    fn log(
        &self,
        request: Option<AttemptRequest>,
        response: Option<AttemptResponse>,
        error: Option<String>,
    ) {
        let at = self.core.now();
        let entry = HookAttempt {
            at,
            event: self.event.name.clone(),
            coreid: self.event.coreid.clone(),
            request,
            response,
            error,
        };
        self.core.change(|state| {
            let Some(hook) = state.hook_mut(&self.id) else {
                return;
            };
            let day = hook.day(&iso(at));
            if entry.error.is_some() {
                day.error += 1;
                Hook::keep(&mut hook.errors, entry);
            } else {
                day.success += 1;
                Hook::keep(&mut hook.successes, entry);
            }
        });
    }
}

fn sent(request: &Outgoing) -> AttemptRequest {
    AttemptRequest {
        method: request.method.clone(),
        url: kept(&request.uri.to_string()),
        headers: request
            .headers
            .iter()
            .take(KEPT_HEADERS)
            .map(|(name, value)| (name.clone(), truncate(value, KEPT_HEADER_BYTES).to_owned()))
            .collect(),
        body: kept(request.body.as_deref().unwrap_or_default()),
    }
}

fn kept(text: &str) -> String {
    truncate(text, KEPT_BODY_BYTES).to_owned()
}

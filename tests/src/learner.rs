//! A learner on the page who has a cloud: what they press, and what the log shows them.

use serde::Deserialize;
use serde_json::json;

use crate::{browser::View, eventually_or, home::Home, visit::Visit};

/// One round as the log shows it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Round {
    /// Its number with the `#`; empty if it has none.
    pub seq: String,
    /// Which device, or what kind of request.
    pub who: String,
    /// How it went.
    pub status: String,
    /// Its blocks in their order.
    pub blocks: Vec<Block>,
}

/// One block as the log shows it.
#[derive(Clone, Debug, Deserialize, PartialEq)]
pub struct Block {
    /// What its colour goes by.
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Its fields, names and values.
    pub rows: Vec<(String, String)>,
    /// What there is to learn.
    pub note: String,
}

impl Block {
    /// A field's value; empty if there is none.
    pub fn row(&self, name: &str) -> &str {
        let found = self.rows.iter().find(|(row, _)| row == name);
        found.map_or("", |(_, value)| value)
    }
}

const ROUNDS: &str = "
    const text = (node, slot) => node.querySelector(`[data-slot=${slot}]`)?.textContent ?? '';
    return [...document.querySelectorAll('.log-rounds > .log-round')].map((round) => {
        const head = round.querySelector('.round-head');
        return {
            seq: text(head, 'seq'), who: text(head, 'who'), status: text(head, 'status'),
            blocks: [...round.querySelectorAll('.log-block')].map((block) => ({
                kind: block.dataset.kind, title: text(block, 'title'), note: text(block, 'note'),
                rows: [...block.querySelectorAll('.block-row')].map((row) => [text(row, 'name'), text(row, 'value')]),
            })),
        };
    });";

/// The kinds of the six blocks of a whole round, in the order of cause.
pub const WHOLE: [&str; 6] = ["api", "internal", "received", "parsed", "response", "internal"];

impl Visit {
    /// What the log shows.
    ///
    /// # Panics
    /// If the browser is gone.
    pub async fn rounds(&self) -> Vec<Round> {
        serde_json::from_value(self.run(ROUNDS).await).expect("rounds")
    }

    /// Waits until the log shows what is asked for, and gives that back.
    ///
    /// # Panics
    /// If it does not come; says what the log shows instead.
    pub async fn log_shows(&self, what: &str, wish: impl Fn(&[Round]) -> bool) -> Vec<Round> {
        let shows = || async {
            let rounds = self.rounds().await;
            if wish(&rounds) { Ok(rounds) } else { Err(rounds) }
        };
        eventually_or(&format!("the log shows {what}"), shows).await
    }

    /// Waits until there are so many rounds, each with all six blocks of a test press, and gives them back. Remarks between
    /// them, such as that nobody listened while the page was reloaded, are passed over.
    pub async fn whole_rounds(&self, count: usize) -> Vec<Round> {
        let rounds = self
            .log_shows(&format!("{count} whole rounds"), |rounds| {
                let drawn = rounds.iter().filter(|round| !round.blocks.is_empty());
                rounds.iter().filter(|round| is_whole(round)).count() == count
                    && drawn.count() == count
            })
            .await;
        rounds.into_iter().filter(is_whole).collect()
    }

    /// Opens the page of a stack and starts, which connects the simulated cloud.
    pub async fn connected_at(home: &Home, view: View) -> Self {
        let visit = Visit::to(home, view).await;
        visit.start().await;
        visit.connect().await;
        visit
    }

    /// Connects the simulated cloud, unless Start did; the webhook is made and events are heard when this returns.
    pub async fn connect(&self) {
        let is_there = "return document.querySelector('[data-component$=connection] [data-slot=done]').hidden === false";
        if self.run(is_there).await != json!(true) {
            self.act("connect", "simulated").await;
        }
        self.connected().await;
    }

    /// Fills in one of the forms to sign in with, and submits it.
    pub async fn sign_in(&self, form: &str, fields: &[(&str, &str)]) {
        let form = format!("[data-component$=connect] [data-form={form}]");
        let is_open = "return document.querySelector('[data-component$=connect] details').open";
        if self.run(is_open).await == json!(false) {
            self.press("[data-component$=connect] summary").await;
        }
        for (name, text) in fields {
            self.fill(&format!("{form} [name={name}]"), text).await;
        }
        self.press(&format!("{form} [type=submit]")).await;
    }

    /// Waits until the webhook leads here and events are heard.
    pub async fn connected(&self) {
        self.slot_says("webhook-card", "state", "is in your account").await;
        self.listening().await;
    }

    /// Waits until events are heard.
    pub async fn listening(&self) {
        self.slot_says("connection", "stream", "Listening to events.").await;
    }

    /// Waits until the device in the panel runs; before that it takes no tap.
    pub async fn device_is_online(&self) {
        self.scroll_to("[data-component='device/panel']").await;
        let script = "return document.querySelector('.device-light').dataset.state === 'on'";
        self.shows("the device is online", script).await;
    }

    /// Removes the webhook from the account, and says so in the dialog; it is gone when this returns.
    pub async fn remove_webhook(&self) {
        self.act("webhook-card", "remove").await;
        self.confirm("remove-webhook").await;
        self.slot_says("webhook-card", "state", "There is no webhook").await;
    }

    /// Waits until what a selector finds shows a text.
    ///
    /// # Panics
    /// If it does not; says what it shows.
    pub async fn says(&self, selector: &str, text: &str) {
        let script = "return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility()).map((e) => e.textContent).join('\\n')";
        let says = || async {
            let found = self.run_with(script, vec![json!(selector)]).await;
            let is_said = found.as_str().is_some_and(|found| found.contains(text));
            if is_said { Ok(()) } else { Err(found) }
        };
        eventually_or(&format!("{selector} says {text:?}"), says).await;
    }

    /// Waits until a part of a component shows a text; both by their names.
    pub async fn slot_says(&self, component: &str, slot: &str, text: &str) {
        let selector = format!("[data-component$={component}] [data-slot={slot}]");
        self.says(&selector, text).await;
    }

    /// Types into a field, in place of what is there.
    ///
    /// # Panics
    /// If the browser is gone.
    pub async fn fill(&self, selector: &str, text: &str) {
        // What is loaded when it comes near the view is waited for, as a reader does without knowing it.
        let near = format!(
            "const field = document.querySelector({}); field?.scrollIntoView({{ block: 'center', behavior: 'instant' }}); return field !== null && field.closest('[data-late]') === null",
            json!(selector)
        );
        self.shows(&format!("{selector} can be filled in"), &near).await;
        let script = "const field = document.querySelector(arguments[0]); field.value = arguments[1]; for (const kind of ['input', 'change']) field.dispatchEvent(new Event(kind, { bubbles: true }))";
        self.run_with(script, vec![json!(selector), json!(text)]).await;
    }

    /// The token that this tab keeps.
    pub async fn token(&self) -> String {
        let found = self.shows("a token is kept in this tab", "return JSON.parse(sessionStorage.getItem('webhook-tutorial/login') ?? 'null')?.ticket.token ?? ''").await;
        found.as_str().unwrap_or_default().to_owned()
    }
}

/// Whether a round is one of a test press, whole and in order.
pub fn is_whole(round: &Round) -> bool {
    round.blocks.iter().map(|block| &block.kind).eq(WHOLE.iter())
}

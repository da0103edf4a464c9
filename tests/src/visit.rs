//! A visit to the page: a browser on it, and what a person does there and sees.

use delivery::key::Key;
use fantoccini::{Locator, key::Key as Pressed};
use serde_json::{Value, json};

use crate::{
    browser::{Browser, LIGHT, VIEWS, View},
    client::Client,
    eventually, eventually_or,
    home::{Home, Person},
};

/// The page with a browser on it.
pub struct Visit {
    /// The browser.
    pub browser: Browser,
    /// Where the page is.
    pub page_url: String,
}

impl Visit {
    /// Opens the page of a stack in a browser of its own, and waits until it has started.
    ///
    /// # Panics
    /// If there is no browser, or the page does not start.
    pub async fn to(home: &Home, view: View) -> Self {
        let browser = Browser::start(view).await.expect("the browser answers");
        Visit::with(browser, home).await
    }

    /// A stack with the page open and Start pressed, and the person who did.
    pub async fn started(view: View) -> (Home, Self, Person) {
        let home = Home::start().await;
        let visit = Visit::to(&home, view).await;
        let person = visit.start().await;
        (home, visit, person)
    }

    /// The same in a browser that was started otherwise.
    ///
    /// # Panics
    /// If the page does not start.
    pub async fn with(browser: Browser, home: &Home) -> Self {
        let visit = Visit { browser, page_url: home.stack.page_url.clone() };
        visit.goto(&visit.page_url).await;
        visit.ready().await;
        visit
    }

    /// Reads somebody's log by the link that they would share, and waits until it shows what they received.
    ///
    /// # Panics
    /// If the browser is gone.
    pub async fn read_by_link(&self, of: &Person) {
        let link = format!("{}/#{}", self.page_url, of.share.reveal());
        self.goto(&link).await;
        // Another fragment alone does not open the page anew.
        self.reload().await;
        self.blocks("received", 1).await;
    }

    /// Waits until the page has started.
    pub async fn ready(&self) {
        self.shows("the page has started", "return document.querySelector('[data-component$=start] [data-action=start]').checkVisibility() || document.querySelector('[data-component$=hook] [data-slot=url]').checkVisibility()").await;
    }

    /// Runs a script in the page and gives back what it returns.
    ///
    /// # Panics
    /// If the script throws.
    pub async fn run(&self, script: &str) -> Value {
        self.run_with(script, vec![]).await
    }

    /// The same with arguments for it.
    ///
    /// # Panics
    /// As [`Visit::run`].
    pub async fn run_with(&self, script: &str, args: Vec<Value>) -> Value {
        let found = self.browser.run(script, args).await;
        found.expect("the script runs")
    }

    /// Runs a script that hands its result to its last argument, whenever it has it, and gives that back.
    ///
    /// # Panics
    /// If the script throws or takes too long for the browser.
    pub async fn run_async(&self, script: &str, args: Vec<Value>) -> Value {
        let found = self.browser.client.execute_async(script, args).await;
        found.expect("the script ends")
    }

    /// Goes to another address in the same window.
    ///
    /// # Panics
    /// If the browser can't.
    pub async fn goto(&self, url: &str) {
        let there = self.browser.client.goto(url).await;
        there.expect("the browser answers");
    }

    /// Loads the page again, as it is addressed now.
    ///
    /// # Panics
    /// If the browser can't.
    pub async fn reload(&self) {
        let reloaded = self.browser.client.refresh().await;
        reloaded.expect("the browser answers");
    }

    /// Ends the visit and its browser.
    ///
    /// # Panics
    /// If the browser is gone already.
    pub async fn close(self) {
        let closed = self.browser.client.clone().close().await;
        closed.expect("the browser answers");
    }

    /// The same, and the stack that was visited.
    ///
    /// # Panics
    /// As [`Visit::close`], and if the stack does not stop.
    pub async fn end(self, home: Home) {
        self.close().await;
        home.stack.stop().await.expect("the stack stops");
    }

    /// Brings what a selector finds to the top of the window.
    pub async fn scroll_to(&self, selector: &str) {
        let script = "document.querySelector(arguments[0]).scrollIntoView({ block: 'start', behavior: 'instant' })";
        self.run_with(script, vec![json!(selector)]).await;
    }

    /// Leaves a picture of what is on screen under `target/screens/`.
    ///
    /// # Panics
    /// If it can't be taken or written.
    pub async fn picture(&self, name: &str) {
        let taken = self.browser.screenshot(name).await;
        taken.expect("the picture is taken");
    }

    /// Leaves a picture of what is on screen, and has it judged: axe finds nothing in the part that this is about, and nothing is
    /// too wide.
    ///
    /// # Panics
    /// As [`Visit::axe`] and [`Visit::fits`].
    pub async fn look(&self, part: &str, name: &str) {
        self.picture(name).await;
        self.axe_in(part, name).await;
        self.fits().await;
    }

    /// The same by day, by night and on a phone, and then by day again.
    ///
    /// # Panics
    /// As [`Visit::look`].
    pub async fn look_everywhere(&self, part: &str, name: &str) {
        for (view_name, view) in VIEWS {
            self.view_as(view).await;
            self.look(part, &format!("{name}-{view_name}")).await;
        }
        self.view_as(LIGHT).await;
    }

    /// Goes on looking in another way, without loading the page again.
    ///
    /// # Panics
    /// If the browser refuses.
    pub async fn view_as(&self, view: View) {
        let set = self.browser.look_as(view).await;
        set.expect("the browser answers");
    }

    /// Waits until a script gives a certain value.
    ///
    /// # Panics
    /// If it does not; says what it gives.
    pub async fn gives(&self, script: &str, expected: impl Into<Value>) {
        let expected = expected.into();
        let gives = || async {
            let found = self.browser.run(script, vec![]).await;
            if found.as_ref().is_ok_and(|found| *found == expected) { Ok(()) } else { Err(found) }
        };
        eventually_or(&format!("{script} gives {expected}"), gives).await;
    }

    /// Waits until a script gives something truthy, and gives that back.
    pub async fn shows(&self, what: &str, script: &str) -> Value {
        eventually(what, || async {
            let found = self.browser.run(script, vec![]).await.ok()?;
            (found.as_bool() != Some(false)
                && !found.is_null()
                && found != json!(0)
                && found != json!(""))
            .then_some(found)
        })
        .await
    }

    /// Presses what a selector finds, once it can be pressed.
    pub async fn press(&self, selector: &str) {
        // What is loaded when it comes near the view may have nothing to show before.
        let script = "const button = document.querySelector(arguments[0]); (button?.closest('[data-late]') ?? button)?.scrollIntoView({ block: 'center', behavior: 'instant' }); return button?.checkVisibility() ?? false";
        eventually(&format!("{selector} can be pressed"), || async {
            let visible = self.browser.run(script, vec![json!(selector)]).await.ok()?;
            if visible != json!(true) {
                return None;
            }
            self.browser.client.find(Locator::Css(selector)).await.ok()?.click().await.ok()
        })
        .await;
    }

    /// Presses a control of a component, both by their names.
    pub async fn act(&self, component: &str, action: &str) {
        self.press(&format!("[data-component$={component}] [data-action={action}]")).await;
    }

    /// Says yes to a dialog.
    pub async fn confirm(&self, dialog: &str) {
        self.press(&format!("dialog[data-name={dialog}] [data-action=confirm]")).await;
    }

    /// Presses a key on whatever has the focus.
    ///
    /// # Panics
    /// If the browser is gone.
    pub async fn key(&self, key: Pressed) {
        let focused = self.browser.client.active_element();
        let focused = focused.await.expect("the browser answers");
        let sent = focused.send_keys(&key.to_string()).await;
        sent.expect("the browser answers");
    }

    /// Presses Start and gives back the person whose keys the page made.
    pub async fn start(&self) -> Person {
        self.act("start", "start").await;
        self.has_started().await
    }

    /// Waits until Start has done what it does, and gives back the person whose keys the page made.
    ///
    /// # Panics
    /// If the hook URL does not end in the endpoint that the kept key leads to.
    pub async fn has_started(&self) -> Person {
        let url = self
            .shows(
                "a hook URL is shown",
                "return document.querySelector('[data-component$=hook] [data-slot=url]').textContent",
            )
            .await;
        let over = "return document.querySelector('.start-steps').ariaBusy === 'false'";
        self.shows("Start has done what it does", over).await;
        // It opens by itself for what is sent from the page. What these readers send mostly comes from elsewhere.
        let open = "const strip = document.querySelector('[data-collapsed] [data-action=collapse]'); if (innerWidth >= 860) strip?.click()";
        self.run(open).await;
        // The page keeps the owner key; it is taken from there, as the page's own calls do.
        let kept = "return Object.values(localStorage).join(' ').match(/own_[A-Za-z0-9_-]{43}/)[0]";
        let kept = self.shows("the owner key is kept", kept).await;
        let Ok(Key::Owner(owner)) = Key::parse(kept.as_str().unwrap_or_default()) else {
            panic!("the page keeps an owner key");
        };
        let person = Person::of(owner, &self.page_url, &Client::default());
        assert_eq!(
            url.as_str().and_then(|url| url.rsplit('/').next()),
            Some(person.endpoint.as_str())
        );
        person
    }

    /// Clears the log on its own page, comes back, and waits until it is empty.
    pub async fn clear_log(&self) {
        self.goto(&format!("{}/log", self.page_url)).await;
        self.act("more", "clear").await;
        self.confirm("clear").await;
        self.shows(
            "the log is empty",
            "return document.querySelector('[data-component$=list] [data-slot=empty]').checkVisibility()",
        )
        .await;
        self.goto(&self.page_url).await;
        self.blocks("received", 0).await;
    }

    /// Waits until there are exactly so many blocks of a kind in the log.
    pub async fn blocks(&self, kind: &str, count: usize) {
        let script = format!(
            "return document.querySelectorAll('.log-rounds .log-block[data-kind={kind}]').length === {count}"
        );
        self.shows(&format!("there are {count} blocks of {kind}"), &script).await;
    }

    /// The text of a part of a component, both by their names.
    pub async fn slot_text(&self, component: &str, slot: &str) -> String {
        self.text(&format!("[data-component$={component}] [data-slot={slot}]")).await
    }

    /// The text of everything that a selector finds, a line each.
    ///
    /// # Panics
    /// If the browser is gone.
    pub async fn text(&self, selector: &str) -> String {
        let script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent).join('\\n')";
        let found = self.run_with(script, vec![json!(selector)]).await;
        found.as_str().unwrap_or_default().to_owned()
    }

    /// Waits until everything that a selector finds has exactly this text.
    ///
    /// # Panics
    /// If it does not; says what it has.
    pub async fn text_is(&self, selector: &str, expected: &str) {
        let is = || async {
            let found = self.text(selector).await;
            if found == expected { Ok(()) } else { Err(found) }
        };
        eventually_or(&format!("the text of {selector} is {expected:?}"), is).await;
    }

    /// What axe finds wrong with the page.
    ///
    /// # Panics
    /// If axe is not installed, or finds anything.
    pub async fn axe(&self, state: &str) {
        self.axe_in("html", state).await;
    }

    /// What axe finds wrong with a part of the page.
    ///
    /// # Panics
    /// As [`Visit::axe`].
    pub async fn axe_in(&self, selector: &str, state: &str) {
        let axe = std::fs::read_to_string(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/browser/node_modules/axe-core/axe.min.js"
        ))
        .expect("axe-core is installed: npm ci --prefix tests/browser");
        self.run(&axe).await;
        // The rail is one tab stop on purpose: Enter opens a block at full size, and there its fields take focus.
        // A round that is off the screen is not laid out, and where its blocks are is what was true at some earlier time:
        // axe would see one over another. It also first notes where everything is and looks then, so nothing may move.
        let script = "const done = arguments[arguments.length - 1];
            const judged = [...document.querySelectorAll(arguments[0])];
            const places = () => JSON.stringify(judged.flatMap((part) => [...part.querySelectorAll('.log-block')]).map((block) => { const { x, y, height } = block.getBoundingClientRect(); return [x, y, height]; }));
            const before = places();
            const undrawn = [...document.querySelectorAll('.log-round')].filter((round) => !round.firstElementChild.checkVisibility({ contentVisibilityAuto: true }));
            axe.run({ include: [arguments[0]], exclude: undrawn }, { resultTypes: ['violations'], rules: { 'scrollable-region-focusable': { enabled: false }, 'target-size': { enabled: true } } }).then((result) =>
                done(places() === before ? result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => n.target + ' ' + n.failureSummary).join('; ')}`) : null))";
        let found = eventually("the log stands still while axe looks", || async {
            let found = self.run_async(script, vec![json!(selector)]).await;
            (!found.is_null()).then_some(found)
        })
        .await;
        assert_eq!(found, json!([]), "{state}");
    }

    /// Nothing may be wider than the window but what scrolls on its own.
    ///
    /// # Panics
    /// If something is.
    pub async fn fits(&self) {
        let over =
            self.run("return document.documentElement.scrollWidth - window.innerWidth").await;
        assert!(
            over.as_i64().is_some_and(|over| over <= 0),
            "the page is {over} px wider than the window"
        );
    }
}

//! A real browser by WebDriver: Chromium, and for the main journey Firefox and WebKit too.

use std::{
    net::{SocketAddr, TcpListener},
    os::unix::process::CommandExt,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::{Arc, Mutex, PoisonError},
};

use anyhow::Context;
use data_encoding::BASE64;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};

use crate::eventually_or;

/// A window of a browser, with nothing in it from before; the next test gets the browser when the value is dropped.
///
/// A test that fails leaves a screenshot under `target/screens/` and prints its path, what the page wrote to the console,
/// and the command that runs this test alone.
#[derive(Debug)]
pub struct Browser {
    /// The session.
    pub client: Client,
    /// The session's path at the driver.
    session: String,
    driver: Arc<Driver>,
}

/// Chromiums without a test, for the next one: to start one costs seconds.
static IDLE: Mutex<Vec<Arc<Driver>>> = Mutex::new(Vec::new());

/// Which browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Chromium,
    Firefox,
    WebKit,
}

/// A driver and the browser that it starts. They end when the driver's input does: on drop, and however this process ends.
#[derive(Debug)]
struct Driver {
    process: Child,
    addr: SocketAddr,
    /// Where a session joins a Chromium that runs already: its driver's `debuggerAddress`.
    debugger: Option<String>,
}

/// Becomes the driver. A process of another session waits for the end of the input, kills the driver's group and removes what it
/// and its browser wrote.
const UNTIL_INPUT_ENDS: &str = r#"
    export TMPDIR=$(mktemp -d)
    exec 3<&0 </dev/null
    setsid sh -c 'read -r _; kill -KILL "-$1"; rm -rf "$2"' sh $$ "$TMPDIR" <&3 3<&- &
    exec "$@" 3<&-"#;

impl Driver {
    async fn start(engine: Engine) -> anyhow::Result<Self> {
        // The port is free until the driver takes it, unless another program is quicker: then the driver ends.
        let addr = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let port = format!("--port={}", addr.port());
        let mut command = Command::new("sh");
        command.args(["-c", UNTIL_INPUT_ENDS, "sh"]);
        match engine {
            Engine::Chromium => command.arg("chromedriver"),
            Engine::Firefox => command.arg(geckodriver()),
            Engine::WebKit => command
                .args(["xvfb-run", "-a", "WebKitWebDriver"])
                // Needed as root, and without a graphics processor.
                .env("WEBKIT_DISABLE_SANDBOX_THIS_IS_DANGEROUS", "1")
                .env("LIBGL_ALWAYS_SOFTWARE", "1"),
        };
        let process = command
            .arg(port)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .process_group(0)
            .spawn()?;
        let mut driver = Driver { process, addr, debugger: None };
        let listens = eventually_or("the driver listens", || {
            let ended = driver.process.try_wait();
            async move {
                match tokio::net::TcpStream::connect(addr).await {
                    Ok(_) => Ok(true),
                    Err(_) if matches!(ended, Ok(Some(_))) => Ok(false),
                    Err(error) => Err(error),
                }
            }
        })
        .await;
        anyhow::ensure!(listens, "the driver of {engine:?} ended; tests/run installs it");
        Ok(driver)
    }

    /// One that waits in [`IDLE`], or another.
    async fn chromium() -> anyhow::Result<Arc<Self>> {
        let idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner).pop();
        if let Some(driver) = idle {
            return Ok(driver);
        }
        let mut driver = Driver::start(Engine::Chromium).await?;
        let args = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            "--no-first-run",
            "--host-resolver-rules=MAP evil.example 127.0.0.1",
        ];
        // This session is not used further: Chromium ends with it.
        let client = driver.session(json!({ "goog:chromeOptions": { "args": args } })).await?;
        client.persist().await?;
        let options = client.capabilities().and_then(|found| found.get("goog:chromeOptions"));
        let debugger = options.and_then(|options| options["debuggerAddress"].as_str());
        driver.debugger = Some(debugger.context("no debuggerAddress")?.to_owned());
        Ok(Arc::new(driver))
    }

    async fn session(&self, capabilities: Value) -> anyhow::Result<Client> {
        let Value::Object(capabilities) = capabilities else {
            anyhow::bail!("capabilities are an object");
        };
        Ok(ClientBuilder::new(HttpConnector::new())
            .capabilities(capabilities)
            .connect(&format!("http://{}", self.addr))
            .await?)
    }

    /// A call that works when nothing can be awaited: while a test panics, and on drop.
    fn call_blocking(&self, how: &[&str], path: &str) -> anyhow::Result<Value> {
        let mut curl = std::process::Command::new("curl");
        curl.args(["--silent", "--show-error", "--max-time", "10"]).args(how);
        let output = curl.arg(format!("http://{}{path}", self.addr)).output()?;
        let mut response: Value = serde_json::from_slice(&output.stdout)
            .with_context(|| String::from_utf8_lossy(&output.stderr).into_owned())?;
        Ok(response["value"].take())
    }
}

/// The one that `tests/run` builds, or the one on the PATH.
fn geckodriver() -> PathBuf {
    let built = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/tools/bin/geckodriver");
    if built.is_file() { built } else { "geckodriver".into() }
}

fn screens() -> std::io::Result<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../target/screens");
    std::fs::create_dir_all(&folder)?;
    folder.canonicalize()
}

impl Drop for Browser {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.explain_failure();
            return;
        }
        let ended = self.driver.call_blocking(&["--request", "DELETE"], &self.session);
        if ended.is_ok() && self.driver.debugger.is_some() {
            let mut idle = IDLE.lock().unwrap_or_else(PoisonError::into_inner);
            idle.push(Arc::clone(&self.driver));
        }
    }
}

/// How the page is looked at.
#[derive(Clone, Copy, Debug)]
pub struct View {
    /// Width in CSS pixels.
    pub width: u32,
    /// Height in CSS pixels.
    pub height: u32,
    /// Whether the reader prefers dark.
    pub dark: bool,
    /// Whether it is a phone: two pixels of the screen for each of CSS, and fingers. A window can't be made that narrow.
    pub phone: bool,
}

/// A laptop in daylight.
pub const LIGHT: View = View { width: 1280, height: 900, dark: false, phone: false };
/// A laptop at night.
pub const DARK: View = View { width: 1280, height: 900, dark: true, phone: false };
/// The smallest phone that is supported.
pub const PHONE: View = View { width: 360, height: 780, dark: false, phone: true };

/// The ways that whatever is new on the page is looked at, with the names that their pictures get.
pub const VIEWS: [(&str, View); 3] = [("light", LIGHT), ("dark", DARK), ("phone", PHONE)];

impl Browser {
    /// A window of Chromium.
    ///
    /// # Errors
    /// If Chromium or its driver does not start.
    pub async fn start(view: View) -> anyhow::Result<Self> {
        let driver = Driver::chromium().await?;
        let capabilities = json!({
            "goog:chromeOptions": { "debuggerAddress": driver.debugger },
            "goog:loggingPrefs": { "browser": "ALL" },
        });
        let browser = Browser::connect(driver, capabilities).await?;
        let client = &browser.client;
        let before = client.windows().await?;
        let window = client.new_window(false).await?.handle;
        for other in before {
            client.switch_to_window(other).await?;
            client.close_window().await?;
        }
        client.switch_to_window(window).await?;
        let everything = json!({ "origin": "*", "storageTypes": "all" });
        browser.devtools("Storage.clearDataForOrigin", everything).await?;
        browser.look_as(view).await?;
        Ok(browser)
    }

    /// Starts any of the browsers, in a window of the size that it has by default.
    ///
    /// # Errors
    /// If the browser or its driver does not start.
    pub async fn start_in(engine: Engine) -> anyhow::Result<Self> {
        let capabilities = match engine {
            Engine::Chromium => return Browser::start(LIGHT).await,
            Engine::Firefox => json!({
                "browserName": "firefox",
                "moz:firefoxOptions": { "args": ["-headless"], "binary": "/usr/bin/firefox-esr" },
            }),
            Engine::WebKit => {
                let binary = format!(
                    "/usr/lib/{}-linux-gnu/webkit2gtk-4.1/MiniBrowser",
                    std::env::consts::ARCH
                );
                json!({ "webkitgtk:browserOptions": { "binary": binary, "args": ["--automation"] } })
            }
        };
        let driver = match Driver::start(engine).await {
            Ok(driver) => driver,
            Err(_) => Driver::start(engine).await?,
        };
        Browser::connect(Arc::new(driver), capabilities).await
    }

    async fn connect(driver: Arc<Driver>, capabilities: Value) -> anyhow::Result<Self> {
        let client = driver.session(capabilities).await?;
        let session = client.session_id().await?.context("no session")?;
        Ok(Browser { client, session: format!("/session/{session}"), driver })
    }

    #[allow(clippy::print_stderr, reason = "whoever runs the tests reads why one failed")]
    fn explain_failure(&self) {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or_default().to_owned();
        let shown = || -> anyhow::Result<PathBuf> {
            let path = format!("{}/screenshot", self.session);
            let picture = self.driver.call_blocking(&[], &path)?;
            let picture = BASE64.decode(picture.as_str().context("no picture")?.as_bytes())?;
            let file = screens()?.join(format!("failed-{}.png", test.replace("::", "-")));
            std::fs::write(&file, picture)?;
            Ok(file)
        };
        match shown() {
            Ok(file) => eprintln!("the page when the test failed: {}", file.display()),
            Err(error) => eprintln!("no screenshot of the failure: {error}"),
        }
        let path = format!("{}/se/log", self.session);
        let lines = self.driver.call_blocking(&["--json", r#"{"type":"browser"}"#], &path);
        for line in lines.iter().flat_map(|lines| lines.as_array()).flatten() {
            eprintln!("console: {}", line["message"]);
        }
        eprintln!("this test alone: tests/run {test}");
    }

    /// Sends a command of the DevTools protocol (<https://chromedevtools.github.io/devtools-protocol/>), and gives back its
    /// result.
    ///
    /// # Errors
    /// If the browser refuses it.
    pub async fn devtools(&self, command: &str, params: Value) -> anyhow::Result<Value> {
        let body = json!({ "cmd": command, "params": params }).to_string();
        let request = http::Request::post(format!(
            "http://{}{}/goog/cdp/execute",
            self.driver.addr, self.session
        ))
        .header("content-type", "application/json")
        .body(body.into())?;
        let answer = crate::client::Client::default().send(request).await?;
        let mut answer: Value = serde_json::from_slice(answer.body())?;
        anyhow::ensure!(answer["value"]["error"].is_null(), "{command}: {answer}");
        Ok(answer["value"].take())
    }

    /// Goes on looking in another way, without loading the page again.
    ///
    /// # Errors
    /// If the browser refuses.
    pub async fn look_as(&self, view: View) -> anyhow::Result<()> {
        let View { width, height, dark, phone } = view;
        let scale = if phone { 2 } else { 1 };
        let metrics = json!({ "width": width, "height": height, "deviceScaleFactor": scale, "mobile": phone });
        self.devtools("Emulation.setDeviceMetricsOverride", metrics).await?;
        let touch = json!({ "enabled": phone });
        self.devtools("Emulation.setTouchEmulationEnabled", touch).await?;
        let scheme = if dark { "dark" } else { "light" };
        let media = json!({ "features": [{ "name": "prefers-color-scheme", "value": scheme }] });
        self.devtools("Emulation.setEmulatedMedia", media).await?;
        Ok(())
    }

    /// Leaves a picture of what is on screen under `target/screens/`.
    ///
    /// # Errors
    /// If the picture can't be taken or written.
    pub async fn screenshot(&self, name: &str) -> anyhow::Result<()> {
        let picture = self.client.screenshot().await?;
        std::fs::write(screens()?.join(format!("{name}.png")), picture)?;
        Ok(())
    }

    /// The same of a part of the page, as long as it is.
    ///
    /// # Errors
    /// If there is no such part, or as above.
    pub async fn picture_of(&self, selector: &str, name: &str) -> anyhow::Result<()> {
        let script = "const box = document.querySelector(arguments[0]).getBoundingClientRect();
            return { x: 0, y: Math.max(0, box.top + scrollY - 24), width: document.documentElement.clientWidth, height: box.height + 48, scale: 1 };";
        let clip = self.run(script, vec![json!(selector)]).await?;
        let params = json!({ "clip": clip, "captureBeyondViewport": true });
        let picture = self.devtools("Page.captureScreenshot", params).await?;
        let picture = picture["data"].as_str().context("a picture")?;
        let picture = BASE64.decode(picture.as_bytes())?;
        std::fs::write(screens()?.join(format!("{name}.png")), picture)?;
        Ok(())
    }

    /// Runs a script in the page and gives back what it returns.
    ///
    /// # Errors
    /// If the script throws.
    pub async fn run(&self, script: &str, args: Vec<Value>) -> anyhow::Result<Value> {
        Ok(self.client.execute(script, args).await?)
    }
}

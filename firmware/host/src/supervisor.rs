//! The one task that owns a device: it listens to the cloud, to the firmware, to the clock and to people, one at a time.

use std::{
    collections::VecDeque,
    future::pending,
    io,
    path::PathBuf,
    time::{Duration, SystemTime},
};

use tokio::{
    sync::{broadcast, mpsc, watch},
    task::{JoinError, JoinSet},
    time::{Instant, MissedTickBehavior, interval, sleep_until},
};

use crate::{
    compiler::{Failure, INSTALL_A_COMPILER, Source, main_file},
    device::{Config, ToDevice, tutorial_firmware},
    link::{FromCloud, Link, State, ToCloud},
    platform::Platform,
    process::End,
    running::{Now, Running},
    shelf::Shelf,
    wire::{Order, Report},
};

/// How often the firmware is driven.
const TICK: Duration = Duration::from_millis(10);

/// From boot to the cloud, in device time. Cellular hardware needs half a minute, which teaches nothing.
const CONNECTING_MS: u64 = 1500;

/// After a crash the device boots again, later each time, and not for ever.
const RESTARTS: [u64; 6] = [1, 2, 4, 8, 16, 30];

/// A firmware that ran this long has recovered.
const RECOVERED: Duration = Duration::from_secs(60);

/// Lines a second on the serial port; a firmware that writes more loses the rest.
const SERIAL_LINES: u32 = 200;

/// Compilations at the same time.
const JOBS: usize = 2;

/// Programs that were compiled and may yet be flashed.
const COMPILED: usize = 4;

/// A compilation's end: for which request (none for the boot), of what, and what came of it.
type Job = (Option<u64>, Vec<Source>, Result<(PathBuf, String), Failure>);

pub(crate) struct Supervisor {
    config: Config,
    shelf: Shelf,
    alone: bool,
    link: Option<Link>,
    from_here: mpsc::Receiver<ToDevice>,
    serial: broadcast::Sender<String>,
    serial_second: (Instant, u32),
    state: watch::Sender<State>,
    said: Option<State>,

    sources: Vec<Source>,
    program: Option<PathBuf>,
    jobs: JoinSet<Job>,
    /// For which requests, the newest last: whoever asked for one of them may want it flashed.
    compiled: VecDeque<(u64, Vec<Source>, PathBuf)>,

    running: Option<Running>,
    set_up: bool,
    flashing: Option<u64>,
    crashes: usize,
    restart_at: Option<Instant>,

    plugged: bool,
    power_source: u8,
    battery: Option<f64>,
    wants_cloud: bool,
    online: bool,
    subscriptions: Vec<String>,
    message: Option<String>,
}

impl Supervisor {
    pub(crate) fn new(
        config: Config,
        link: Option<Link>,
        from_here: mpsc::Receiver<ToDevice>,
        serial: broadcast::Sender<String>,
        state: watch::Sender<State>,
    ) -> io::Result<Self> {
        let shelf = Shelf::open(&config.work_dir)?;
        if let Some(sources) = &config.firmware {
            shelf.keep(sources)?;
        }
        let sources = shelf.flashed().unwrap_or_else(|| vec![tutorial_firmware()]);
        Ok(Self {
            alone: link.is_none(),
            link,
            from_here,
            serial,
            serial_second: (Instant::now(), 0),
            state,
            said: None,
            sources,
            program: None,
            jobs: JoinSet::new(),
            compiled: VecDeque::new(),
            running: None,
            set_up: false,
            flashing: None,
            crashes: 0,
            restart_at: None,
            plugged: true,
            power_source: config.power.source(),
            battery: config.power.battery(),
            wants_cloud: true,
            online: false,
            subscriptions: Vec::new(),
            message: None,
            shelf,
            config,
        })
    }

    pub(crate) async fn run(mut self) {
        self.hello();
        self.compile(None, self.sources.clone());
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.say_state();
            let restart_at = self.restart_at;
            tokio::select! {
                order = self.from_here.recv() => match order {
                    Some(ToDevice::Do(order)) => self.obey(order),
                    Some(ToDevice::Attach(link)) => self.attach(link),
                    Some(ToDevice::Stop) | None => return,
                },
                message = hear(&mut self.link) => match message {
                    Some(message) => self.obey(message),
                    None => self.lose_link(),
                },
                report = report(&mut self.running) => match report {
                    Some(report) => self.note(report),
                    None => self.ended().await,
                },
                Some(job) = self.jobs.join_next() => self.built(job),
                () = async { match restart_at { Some(at) => sleep_until(at).await, None => pending().await } } => self.boot(),
                _ = tick.tick() => self.drive(),
            }
        }
    }

    // ---- The cloud ----

    fn hello(&mut self) {
        let hello = ToCloud::Hello {
            id: self.config.id.clone(),
            name: self.config.name.clone(),
            platform_id: self.config.power.platform().id(),
            system_version: "6.2.1".into(),
            firmware: main_file(&self.sources).unwrap_or_default().to_owned(),
            compiler: self
                .config
                .compiler
                .as_ref()
                .map(|compiler| compiler.version.clone()),
        };
        self.say(&hello);
    }

    fn say(&mut self, message: &ToCloud) {
        if self.link.as_ref().is_some_and(|link| !link.say(message)) {
            self.lose_link();
        }
    }

    fn lose_link(&mut self) {
        self.link = None;
        self.go_offline();
    }

    fn attach(&mut self, link: Link) {
        self.go_offline();
        self.link = Some(link);
        self.alone = false;
        self.said = None;
        self.hello();
        self.connect_soon();
    }

    fn connect_soon(&mut self) {
        if let Some(running) = &mut self.running {
            running.connect_after(CONNECTING_MS);
        }
    }

    fn go_online(&mut self) {
        if self.online || !self.wants_cloud || !self.set_up || !(self.alone || self.link.is_some())
        {
            return;
        }
        let Some(running) = &self.running else { return };
        running.order(&Order::Connected(true));
        self.online = true;
        self.say(&ToCloud::Online);
        for prefix in self.subscriptions.clone() {
            self.say(&ToCloud::Subscribe { prefix });
        }
    }

    fn go_offline(&mut self) {
        if !self.online {
            return;
        }
        self.online = false;
        if let Some(running) = &self.running {
            running.order(&Order::Connected(false));
        }
        self.say(&ToCloud::Offline);
    }

    fn obey(&mut self, order: FromCloud) {
        match order {
            FromCloud::Event { name, data } => {
                if let (true, Some(running)) = (self.online, &self.running) {
                    running.order(&Order::Event { name, data });
                }
            }
            FromCloud::Press { clicks } => {
                if let Some(running) = &mut self.running {
                    running.press(clicks);
                }
            }
            FromCloud::Power { source, battery } => self.set_power(source, battery),
            FromCloud::Plug { plugged } => self.plug(plugged),
            FromCloud::Rename { name } => self.config.name = name,
            FromCloud::Compile { request, files } => self.compile(Some(request), files),
            FromCloud::Flash { request } => self.flash(request),
            FromCloud::Unknown => {}
        }
    }

    fn set_power(&mut self, source: u8, battery: Option<f64>) {
        let possible =
            source <= 5 && battery.is_none_or(|percent| (0.0..=100.0).contains(&percent));
        if !possible || self.config.power.platform() == Platform::Argon {
            return;
        }
        (self.power_source, self.battery) = (source, battery);
        if let Some(running) = &self.running {
            running.order(&Order::Power { source, battery });
        }
    }

    fn plug(&mut self, plugged: bool) {
        if plugged == self.plugged {
            return;
        }
        self.plugged = plugged;
        self.crashes = 0;
        self.restart_at = None;
        if plugged {
            self.boot();
        } else {
            self.stop();
            if let Some(request) = self.flashing.take() {
                self.say(&ToCloud::Flashed { request, ok: false });
            }
        }
    }

    /// What the bench shows; said when it changed.
    fn say_state(&mut self) {
        let managed = self.config.power.platform() == Platform::Boron;
        let state = State {
            running: self.running.is_some() && self.set_up,
            plugged: self.plugged,
            power_source: managed.then_some(self.power_source),
            battery: self.battery.filter(|_| managed),
            message: self.message.clone(),
        };
        if self.said.as_ref() != Some(&state) {
            self.state.send_replace(state.clone());
            self.said = Some(state.clone());
            self.say(&ToCloud::State(state));
        }
    }

    // ---- The firmware ----

    fn compile(&mut self, request: Option<u64>, files: Vec<Source>) {
        let refusal = match &self.config.compiler {
            None => Some(INSTALL_A_COMPILER),
            Some(_) if self.jobs.len() >= JOBS => {
                Some("This device is compiling something else; try again.")
            }
            Some(_) => None,
        };
        if let (Some(compiler), None) = (self.config.compiler.clone(), refusal) {
            let (shelf, platform) = (self.shelf.clone(), self.config.power.platform());
            if request.is_none() {
                self.message = Some("Compiling the firmware.".into());
            }
            self.jobs.spawn(async move {
                let result = shelf.program(&compiler, &files, platform).await;
                (request, files, result)
            });
        } else if let (Some(request), Some(refusal)) = (request, refusal) {
            self.say(&ToCloud::Compiled {
                request,
                ok: false,
                size: None,
                errors: Some(refusal.into()),
            });
        } else {
            self.message = refusal.map(str::to_owned);
        }
    }

    fn built(&mut self, job: Result<Job, JoinError>) {
        let Ok((request, sources, result)) = job else {
            return;
        };
        let Some(request) = request else {
            return match result {
                // Something was flashed in the meantime.
                Ok(_) if self.program.is_some() => {}
                Ok((program, _)) => {
                    self.program = Some(program);
                    self.message = None;
                    self.tidy();
                    self.boot();
                }
                Err(Failure::Source(said)) => {
                    let first = said
                        .lines()
                        .find(|line| line.contains("error"))
                        .or(said.lines().next())
                        .unwrap_or_default();
                    self.message = Some(format!(
                        "The firmware does not compile; flash another one. {first}"
                    ));
                }
                Err(Failure::Machine(error)) => {
                    self.message = Some(format!("The compiler could not be run: {error}."))
                }
            };
        };
        let answer = match result {
            Ok((program, size)) => {
                if self.compiled.len() >= COMPILED {
                    self.compiled.pop_front();
                }
                self.compiled.push_back((request, sources, program));
                self.tidy();
                ToCloud::Compiled {
                    request,
                    ok: true,
                    size: Some(size),
                    errors: None,
                }
            }
            Err(Failure::Source(said)) => ToCloud::Compiled {
                request,
                ok: false,
                size: None,
                errors: Some(said),
            },
            Err(Failure::Machine(error)) => {
                let errors = Some(format!("The compiler could not be run: {error}."));
                ToCloud::Compiled {
                    request,
                    ok: false,
                    size: None,
                    errors,
                }
            }
        };
        self.say(&answer);
    }

    fn tidy(&self) {
        let compiled = self.compiled.iter().map(|(_, _, program)| program);
        let keep: Vec<_> = self
            .program
            .iter()
            .chain(compiled)
            .map(PathBuf::as_path)
            .collect();
        self.shelf.tidy(&keep);
    }

    fn flash(&mut self, request: u64) {
        let known = self.compiled.iter().position(|(of, _, _)| *of == request);
        let known = known.filter(|_| self.plugged && self.flashing.is_none());
        let Some((_, sources, program)) = known.and_then(|at| self.compiled.remove(at)) else {
            return self.say(&ToCloud::Flashed { request, ok: false });
        };
        if let Err(error) = self.shelf.keep(&sources) {
            self.message = Some(format!("The firmware could not be kept: {error}."));
            return self.say(&ToCloud::Flashed { request, ok: false });
        }
        self.stop();
        self.message = None;
        self.crashes = 0;
        (self.sources, self.program) = (sources, Some(program));
        self.flashing = Some(request);
        self.boot();
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a device gets the time from its cloud; here that is this machine's"
    )]
    fn boot(&mut self) {
        self.restart_at = None;
        let (true, Some(program)) = (self.plugged, self.program.clone()) else {
            return;
        };
        self.stop_running();
        let seed = self.config.seed.unwrap_or_else(|| {
            let mut seed = [0; 4];
            // Without chance the numbers repeat, as on hardware before it is connected.
            let _ = getrandom::fill(&mut seed);
            u32::from_le_bytes(seed)
        });
        let epoch = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .unwrap_or_default();
        let boot = Order::Boot {
            id: self.config.id.clone(),
            clock_ms: 0,
            seed,
            epoch_s: i64::try_from(epoch.as_secs()).unwrap_or_default(),
            connected: false,
            source: self.power_source,
            battery: self.battery,
        };
        let started = self.shelf.run_dir().and_then(|dir| {
            Running::boot(&program, &dir, &boot, self.config.speed, Instant::now())
        });
        match started {
            Ok(running) => self.running = Some(running),
            Err(error) => {
                self.crashed(&format!("it could not be started: {error}"), Duration::ZERO)
            }
        }
    }

    fn stop_running(&mut self) {
        self.running = None;
        self.set_up = false;
        self.subscriptions.clear();
        self.wants_cloud = true;
    }

    fn stop(&mut self) {
        self.stop_running();
        self.restart_at = None;
        self.go_offline();
    }

    fn drive(&mut self) {
        let now = Instant::now();
        let Some(running) = &mut self.running else {
            return;
        };
        if self.crashes > 0 && running.ran_for(now) > RECOVERED {
            self.crashes = 0;
            self.message = None;
        }
        match running.go_on(now) {
            Now::Nothing => {}
            Now::Connect => self.go_online(),
            Now::Hung => {
                let ran_for = running.ran_for(now);
                self.stop();
                self.crashed("loop() did not return for 10 seconds", ran_for);
            }
        }
    }

    fn note(&mut self, report: Report) {
        match report {
            Report::Done(_) => {
                if !self.set_up {
                    self.set_up = true;
                    if let Some(request) = self.flashing.take() {
                        self.say(&ToCloud::Flashed { request, ok: true });
                    }
                    self.connect_soon();
                }
                self.drive();
            }
            Report::Serial(line) => self.print(line),
            Report::Publish { name, data } => {
                if self.online {
                    self.say(&ToCloud::Publish { name, data });
                }
            }
            Report::Subscribe(prefix) => {
                if self.subscriptions.len() < 4 {
                    self.subscriptions.push(prefix.clone());
                    if self.online {
                        self.say(&ToCloud::Subscribe { prefix });
                    }
                }
            }
            Report::Unsubscribe => self.subscriptions.clear(),
            Report::Connect(wanted) => {
                self.wants_cloud = wanted;
                if wanted {
                    self.connect_soon();
                } else {
                    self.go_offline();
                }
            }
        }
    }

    fn print(&mut self, line: String) {
        let now = Instant::now();
        let (since, lines) = &mut self.serial_second;
        if now - *since >= Duration::from_secs(1) {
            let lost = lines.saturating_sub(SERIAL_LINES);
            (*since, *lines) = (now, 0);
            if lost > 0 {
                self.send_serial(format!(
                    "({lost} lines are not shown: more than {SERIAL_LINES} came in a second)"
                ));
            }
        }
        self.serial_second.1 += 1;
        if self.serial_second.1 <= SERIAL_LINES {
            self.send_serial(line);
        }
    }

    fn send_serial(&mut self, line: String) {
        // Nobody may be watching.
        let _ = self.serial.send(line.clone());
        self.say(&ToCloud::Serial { line });
    }

    async fn ended(&mut self) {
        let Some(running) = self.running.take() else {
            return;
        };
        let ran_for = running.ran_for(Instant::now());
        let end = running.into_process().end().await;
        self.stop();
        match end {
            // A firmware that resets at once, again and again, is slowed down like one that crashes.
            End::Reset if ran_for > Duration::from_secs(1) => self.boot(),
            End::Reset => self.crashed("it reset itself at once", ran_for),
            End::Crash { why, .. } => self.crashed(&why, ran_for),
        }
    }

    fn crashed(&mut self, why: &str, ran_for: Duration) {
        if let Some(request) = self.flashing.take() {
            self.say(&ToCloud::Flashed { request, ok: false });
        }
        self.crashes = if ran_for > RECOVERED {
            1
        } else {
            self.crashes + 1
        };
        self.message = Some(match RESTARTS.get(self.crashes - 1) {
            Some(seconds) => {
                self.restart_at = Some(Instant::now() + Duration::from_secs(*seconds));
                format!("The firmware crashed ({why}); the device boots again after {seconds} s.")
            }
            None => {
                let times = self.crashes;
                format!(
                    "The firmware crashed {times} times in a row ({why}); flash another one, or unplug the device and plug it in."
                )
            }
        });
    }
}

async fn hear(link: &mut Option<Link>) -> Option<FromCloud> {
    match link {
        Some(link) => link.hear().await,
        None => pending().await,
    }
}

async fn report(running: &mut Option<Running>) -> Option<Report> {
    match running {
        Some(running) => running.report().await,
        None => pending().await,
    }
}

//! The task that owns a device. It handles messages of the cloud, messages of the firmware, the clock and commands of people,
//! one at a time.

use std::{
    future::pending,
    io,
    time::{Duration, SystemTime},
};

use device_link::{CloudMessage, DeviceMessage, DeviceState, Hello, Link, Source};
use tokio::{
    sync::{broadcast, mpsc, watch},
    time::{Instant, MissedTickBehavior, interval},
};

use crate::{
    compiler::Compiler,
    config::{CompilerAt, Config},
    power_source::PowerSource,
    process::End,
    programs::{Built, Programs},
    restarts::Restarts,
    running::{Action, Running},
    sandbox,
    serial::Serial,
    wire::{FirmwareMessage, HostMessage},
};

/// How often the firmware is driven.
const TICK: Duration = Duration::from_millis(10);

/// From boot to the cloud, in device time. Cellular hardware needs half a minute, which teaches nothing.
const CONNECTING_MS: u64 = 1500;

/// Subscriptions, functions and variables together. `host.cpp` allows fewer of each; a firmware can go around it.
const MAX_REGISTERED: usize = 64;

const IDLE: &str = "It has the idle firmware, which publishes nothing; flash another one to begin.";

/// From a [`crate::device::Device`] to its supervisor.
pub(crate) enum Command {
    /// As if the cloud had sent it.
    Message(CloudMessage),
    Attach(Link<DeviceMessage>),
}

pub(crate) struct Supervisor {
    id: String,
    config: Config,
    commands: mpsc::Receiver<Command>,
    state: watch::Sender<DeviceState>,
    /// The state that the cloud was sent last.
    sent_state: Option<DeviceState>,
    /// One line for a person.
    message: Option<String>,

    link: Option<Link<DeviceMessage>>,
    /// It never had a link; the firmware believes that it is connected.
    alone: bool,
    online: bool,

    programs: Programs,
    running: Option<Running>,
    /// The request under which a program was flashed that does not run yet.
    flashing: Option<u64>,
    restarts: Restarts,

    power: PowerSource,
    serial: Serial,
}

impl Supervisor {
    pub(crate) fn new(
        id: String,
        config: Config,
        link: Option<Link<DeviceMessage>>,
        commands: mpsc::Receiver<Command>,
        serial: broadcast::Sender<String>,
        state: watch::Sender<DeviceState>,
    ) -> io::Result<Self> {
        Ok(Self {
            id,
            commands,
            state,
            sent_state: None,
            message: None,
            alone: link.is_none(),
            link,
            online: false,
            programs: Programs::open(&config)?,
            running: None,
            flashing: None,
            restarts: Restarts::default(),
            power: PowerSource::new(config.power),
            serial: Serial::new(serial, Instant::now()),
            config,
        })
    }

    pub(crate) async fn run(mut self) {
        if self.config.compiler == CompilerAt::ThisMachine {
            self.programs.compiler = Compiler::find().await;
        }
        self.hello();
        self.message = Some(match self.programs.compile_flashed() {
            Ok(()) => "Compiling the firmware.".into(),
            Err(why) => why.into(),
        });
        let mut tick = interval(TICK);
        tick.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            self.send_state();
            tokio::select! {
                command = self.commands.recv() => match command {
                    Some(Command::Message(message)) => self.handle(message),
                    Some(Command::Attach(link)) => self.attach(link),
                    None => return,
                },
                message = receive(&mut self.link) => match message {
                    Some(message) => self.handle(message),
                    None => self.lose_link(),
                },
                message = receive_firmware(&mut self.running) => match message {
                    Some(message) => self.handle_firmware(message),
                    None => self.ended().await,
                },
                built = self.programs.built() => self.built(built),
                () = self.restarts.due() => self.boot(),
                _ = tick.tick() => self.drive(),
            }
        }
    }

    // ---- The cloud ----

    fn hello(&mut self) {
        let hello = DeviceMessage::Hello(Hello {
            id: self.id.clone(),
            name: self.config.name.clone(),
            platform_id: self.config.power.platform().id(),
            system_version: "6.2.1".into(),
            firmware: Some(self.programs.firmware()),
            compiler: self.programs.compiler.as_ref().map(|compiler| compiler.version.clone()),
        });
        self.send(hello);
    }

    fn send(&mut self, message: DeviceMessage) {
        let link = self.link.as_ref();
        if link.is_some_and(|link| link.sender.try_send(message).is_err()) {
            self.lose_link();
        }
    }

    fn lose_link(&mut self) {
        self.link = None;
        self.go_offline();
    }

    fn attach(&mut self, link: Link<DeviceMessage>) {
        self.go_offline();
        self.link = Some(link);
        self.alone = false;
        self.sent_state = None;
        self.hello();
        self.connect_soon();
    }

    fn connect_soon(&mut self) {
        if let Some(running) = &mut self.running {
            running.connect_after(CONNECTING_MS);
        }
    }

    fn go_online(&mut self) {
        let Some(running) = &self.running else { return };
        let reachable = self.alone || self.link.is_some();
        if self.online || !running.wants_cloud || !running.set_up || !reachable {
            return;
        }
        running.send(&HostMessage::Connected(true));
        let registered = running.registered.clone();
        self.online = true;
        self.send(DeviceMessage::Online);
        for message in registered {
            self.send(message);
        }
    }

    fn go_offline(&mut self) {
        if !self.online {
            return;
        }
        self.online = false;
        if let Some(running) = &self.running {
            running.send(&HostMessage::Connected(false));
        }
        self.send(DeviceMessage::Offline);
    }

    fn handle(&mut self, message: CloudMessage) {
        match message {
            CloudMessage::Event { name, data, content } => {
                self.tell_firmware(&HostMessage::Event { name, data, content });
            }
            CloudMessage::Call { request, name, argument } => {
                self.tell_firmware(&HostMessage::Call { request, name, argument });
            }
            CloudMessage::Read { request, name } => {
                self.tell_firmware(&HostMessage::Read { request, name });
            }
            CloudMessage::Press { clicks } => {
                if let Some(running) = &mut self.running {
                    running.press(clicks);
                }
            }
            CloudMessage::Power { source, battery } => self.set_power(source, battery),
            CloudMessage::Plug { plugged } => self.plug(plugged),
            CloudMessage::Rename { name } => self.config.name = name,
            CloudMessage::Compile { request, files } => self.compile(request, files),
            CloudMessage::Flash { request } => self.flash(request),
            CloudMessage::Unknown => {}
        }
    }

    /// Passes on what comes over the cloud connection.
    fn tell_firmware(&self, message: &HostMessage) {
        if let (true, Some(running)) = (self.online, &self.running) {
            running.send(message);
        }
    }

    fn set_power(&mut self, source: u8, battery: Option<f64>) {
        if !self.power.change(source, battery) {
            return;
        }
        if let Some(running) = &self.running {
            running.send(&HostMessage::Power { source, battery });
        }
    }

    fn plug(&mut self, plugged: bool) {
        if plugged == self.power.plugged {
            return;
        }
        self.power.plugged = plugged;
        self.restarts = Restarts::default();
        if plugged {
            self.boot();
        } else {
            self.stop();
            self.end_flash(false);
        }
    }

    /// Sends the device's state if it changed.
    fn send_state(&mut self) {
        let managed = self.power.is_managed();
        let state = DeviceState {
            running: self.running.as_ref().is_some_and(|running| running.set_up),
            plugged: self.power.plugged,
            power_source: managed.then_some(self.power.source),
            battery: self.power.battery.filter(|_| managed),
            message: self.message.clone(),
        };
        if self.sent_state.as_ref() != Some(&state) {
            self.state.send_replace(state.clone());
            self.sent_state = Some(state.clone());
            self.send(DeviceMessage::State(state));
        }
    }

    // ---- The firmware ----

    fn compile(&mut self, request: u64, files: Vec<Source>) {
        if let Err(refusal) = self.programs.compile(request, files) {
            self.send(DeviceMessage::Compiled {
                request,
                ok: false,
                size: None,
                errors: Some(refusal.into()),
            });
        }
    }

    fn built(&mut self, built: Built) {
        match built {
            Built::Requested(result) => self.send(result),
            Built::Flashed(Ok(())) => {
                self.message = ready_message(&self.programs);
                self.boot();
            }
            Built::Flashed(Err(why)) => self.message = Some(why),
        }
    }

    fn flash(&mut self, request: u64) {
        let possible = self.power.plugged && self.flashing.is_none();
        let flashed = match possible.then(|| self.programs.flash(request)) {
            Some(Ok(known)) => known,
            Some(Err(error)) => {
                self.message = Some(format!("The firmware could not be kept: {error}."));
                false
            }
            None => false,
        };
        if !flashed {
            return self.send(DeviceMessage::Flashed { request, ok: false });
        }
        self.stop();
        self.message = ready_message(&self.programs);
        self.restarts = Restarts::default();
        self.flashing = Some(request);
        self.boot();
    }

    /// Reports the end of a flash, if one is under way.
    fn end_flash(&mut self, ok: bool) {
        if let Some(request) = self.flashing.take() {
            self.send(DeviceMessage::Flashed { request, ok });
        }
    }

    #[allow(
        clippy::disallowed_methods,
        reason = "a device gets the time from its cloud; here that is this machine's"
    )]
    fn boot(&mut self) {
        self.restarts.cancel();
        self.running = None;
        let (true, Some(program)) = (self.power.plugged, self.programs.program()) else {
            return;
        };
        let seed = self.config.seed.unwrap_or_else(|| {
            let mut seed = [0; 4];
            // Without random bytes the numbers repeat, as on hardware before it is connected.
            let _ = getrandom::fill(&mut seed);
            u32::from_le_bytes(seed)
        });
        let epoch = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let boot = HostMessage::Boot {
            id: self.id.clone(),
            clock_ms: 0,
            seed,
            epoch_s: i64::try_from(epoch.as_secs()).unwrap_or_default(),
            connected: false,
            source: self.power.source,
            battery: self.power.battery,
        };
        let started = self
            .programs
            .run_dir()
            .and_then(|dir| Running::boot(program, &dir, &boot, self.config.speed, Instant::now()));
        match started {
            Ok(running) => self.running = Some(running),
            Err(error) => {
                self.crashed(&format!("it could not be started: {error}"), Duration::ZERO)
            }
        }
    }

    fn stop(&mut self) {
        self.running = None;
        self.restarts.cancel();
        self.go_offline();
    }

    fn drive(&mut self) {
        let now = Instant::now();
        let Some(running) = &mut self.running else {
            return;
        };
        if self.restarts.recovered(running.ran_for(now)) {
            self.message = ready_message(&self.programs);
        }
        match running.advance(now) {
            Action::None => {}
            Action::Connect => self.go_online(),
            Action::End => {
                let ran_for = running.ran_for(now);
                self.stop();
                self.crashed("loop() did not return for 10 seconds", ran_for);
            }
        }
    }

    fn handle_firmware(&mut self, message: FirmwareMessage) {
        let Some(running) = &mut self.running else {
            return;
        };
        match message {
            FirmwareMessage::Done(_) => {
                if !running.set_up {
                    running.set_up = true;
                    self.end_flash(true);
                    self.connect_soon();
                }
                self.drive();
            }
            FirmwareMessage::Serial(line) => {
                for line in self.serial.print(line, Instant::now()) {
                    self.send(DeviceMessage::Serial { line });
                }
            }
            FirmwareMessage::Publish { name, data, content, size } => {
                if self.online {
                    self.send(DeviceMessage::Publish { name, data, content, size });
                }
            }
            FirmwareMessage::Subscribe(prefix) => {
                self.register(DeviceMessage::Subscribe { prefix });
            }
            FirmwareMessage::Function(name) => self.register(DeviceMessage::Function { name }),
            FirmwareMessage::Variable { name, kind } => {
                self.register(DeviceMessage::Variable { name, kind });
            }
            FirmwareMessage::Returned { request, value } => {
                self.send(DeviceMessage::Returned { request, value });
            }
            FirmwareMessage::Unsubscribe => {
                let is_kept =
                    |message: &DeviceMessage| !matches!(message, DeviceMessage::Subscribe { .. });
                running.registered.retain(is_kept);
            }
            FirmwareMessage::Connect(wanted) => {
                running.wants_cloud = wanted;
                if wanted {
                    self.connect_soon();
                } else {
                    self.go_offline();
                }
            }
        }
    }

    /// Keeps what the firmware registered, and tells the cloud.
    fn register(&mut self, message: DeviceMessage) {
        let Some(running) = &mut self.running else {
            return;
        };
        let is_known = running.registered.contains(&message);
        if is_known || running.registered.len() >= MAX_REGISTERED {
            return;
        }
        running.registered.push(message.clone());
        if self.online {
            self.send(message);
        }
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
        self.end_flash(false);
        self.message = Some(self.restarts.crashed(why, ran_for, Instant::now()));
    }
}

/// What a person should know of a device whose firmware can run.
fn ready_message(programs: &Programs) -> Option<String> {
    let idle = programs.is_idle().then_some(IDLE);
    let words: Vec<&str> = idle.into_iter().chain(sandbox::missing()).collect();
    (!words.is_empty()).then(|| words.join(" "))
}

async fn receive(link: &mut Option<Link<DeviceMessage>>) -> Option<CloudMessage> {
    match link {
        Some(link) => link.receiver.receive().await,
        None => pending().await,
    }
}

async fn receive_firmware(running: &mut Option<Running>) -> Option<FirmwareMessage> {
    match running {
        Some(running) => running.receive().await,
        None => pending().await,
    }
}

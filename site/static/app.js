// @ts-check
// The page, wired, once somebody has started or is about to (begin.js): what the buttons do, which parts are shown, and what
// happens when. Each subject has a module of its own; everything that can be decided without a browser is decided in a pure one.

import { confirm } from './lib/confirm.js';
import { mountCleanUpCard } from './cards/clean-up.js';
import { copyFrom } from './lib/copy.js';
import { mountDeviceRoom } from './device/room.js';
import { buttons, part, slot, write } from './lib/dom.js';
import { config as configRead, contents, drawMode as sayMode, started } from './first-view.js';
import { keptForgotten } from './keys/forgotten.js';
import { mountHookCard } from './cards/hook.js';
import { keyLinks } from './keys/links.js';
import { keepFocus } from './lib/keep-focus.js';
import { keyRing } from './keys/key-ring.js';
import { canMakeKeys } from './keys/keys.js';
import { mountLeaveCard } from './particle/leave.js';
import { mountLogView } from './log/view.js';
import { mountMadeUpCard } from './cards/made-up.js';
import { modeOf } from './lib/mode.js';
import { mountParticle } from './particle/page.js';
import { browserClock } from './log/poll.js';
import { drawPrerequisites, guardForms, isOff } from './lib/wants.js';
import { mountProse } from './steps/prose.js';
import { mountReplyCard } from './cards/reply.js';
import { usesOf } from './cards/reply-setting.js';
import { keepSectionHeights } from './steps/section-heights.js';
import { span } from './lib/time.js';
import { mountStartCard } from './cards/start.js';
import { mountSteps } from './steps/tasks.js';
import { mountTabs } from './lib/tabs.js';
import { mountTemplateBox } from './cards/template-box.js';
import { viewedEndpoint } from './keys/endpoint.js';

/** Someone who does something on the page may be waiting for something on it. */
const ACTIVITY_GAP_MS = 3_000;
/** Some steps are done by time alone: nothing comes any more. */
const STEPS_MS = 5_000;

const ring = keyRing(
  () => localStorage,
  () => sessionStorage,
);
/** What the server may reach, once it is known. @type {import('./first-view.js').Config | null} */
let config = null;
/** Particle's side of the page, once its form of the webhook is loaded. @type {ReturnType<typeof mountParticle> | null} */
let particle = null;

const reading = () => ring.read() !== null;
const logView = mountLogView({ session: () => here.session(), gone: () => here.gone(), reading, particle: () => particle });
const here = viewedEndpoint({
  ring,
  longestMs: () => config?.longest_wait_ms ?? Infinity,
  following: logView.following,
  onLog: (came) => {
    if (came > 0) tell('news');
    drawSoon();
  },
  onState: logView.drawState,
  onChange: draw,
  onClose: logView.reset,
});
const room = mountDeviceRoom({ clock: { ...browserClock, now: Date.now }, particle: () => particle, onReason: () => expect() });
const prose = mountProse(document);
const poke = () => here.session()?.watch.poke();
const expect = () => here.session()?.watch.poke({ expecting: true });
const hookCard = mountHookCard({ ring, sample: () => particle?.sample() ?? null, onReason: expect, onSwitch: use });
const steps = mountSteps({ heard: (sentence) => write(slot('step-heard'), sentence) });
const replyCard = mountReplyCard({ onSet: () => tell('changed') });
const madeUp = mountMadeUpCard({ shell: hookCard.shell, onReason: expect });
/** What the template box made of the reader's own template. @type {{bytes: number} | null} */
let box = null;
const templateBox = mountTemplateBox({
  onFit: (fit) => {
    box = fit;
    drawSoon();
  },
});
const cleanUp = mountCleanUpCard();
const forgotten = keptForgotten();
const startCard = mountStartCard({
  make: async (anew, code) => {
    const why = await here.start(anew, code, () => {
      forgotten.set(null);
      particle?.started();
    });
    if (why === null) tell('started');
    return why;
  },
});
const leaveCard = mountLeaveCard({
  left: () => ({ hook: particle?.facts().hook.kind === 'ours', endpoint: Boolean(here.session()?.keys.owner), deviceEventAt: particle?.facts().deviceEventAt ?? null }),
  removeWebhook: async () => particle?.removeWebhook(),
  forget,
  signOut: async () => particle?.signOut(),
});
const tabs = mountTabs(({ what, endpoint }) => {
  if (what === 'started' || what === 'forgotten') {
    // A tab that reads someone else's log goes on with it.
    if (!reading()) void here.reopen();
  } else if (endpoint === here.session()?.keys.endpoint) {
    if (what === 'cleared') particle?.clear();
    if (what === 'changed') void here.learnAgain();
    poke();
  }
});
const tell = (/** @type {import('./lib/tabs.js').What} */ what) => tabs.tell(what, here.session()?.keys.endpoint);
const links = keyLinks({
  ring,
  reopen: here.reopen,
  onAdopted: () => {
    tell('started');
    void here.reopen();
  },
});

/** Goes on with another endpoint of this browser's. @param {string} owner */
async function use(owner) {
  ring.use(owner);
  tell('started');
  await here.reopen();
  // The button that was pressed is gone.
  slot('hook-url').focus();
}

// ---- Words and what is shown

function draw() {
  const session = here.session();
  const gone = here.gone();
  const own = session?.keys.owner ?? null;
  if (own !== null) forgotten.set(null);
  part('read-bar').hidden = !reading();
  document.documentElement.toggleAttribute('data-reading', reading());
  startCard.update({ isOpen: session !== null, gone, reading: reading() });
  part('hook-card').hidden = session === null;
  part('before-start').hidden = session !== null || reading();
  part('clean-up').hidden = reading();
  for (const name of ['send-one', 'share', 'continue', 'forget', 'clear']) for (const button of buttons(name)) button.hidden = own === null;
  started.set(session !== null || reading() || forgotten.get() !== null);
  logView.setStarted(session !== null);
  hookCard.update(session?.keys ?? null, session?.info ?? null);
  madeUp.update(session && { endpoint: session.keys.endpoint, url: session.info?.hook_url ?? null });
  drawMode();
  drawParticle();
  drawNews();
  if (session === null) logView.off(gone === null ? 'not started' : 'gone', reading() && gone !== null ? gone : '');
}

/** Events are heard for one's own endpoint; a log that is read through a link shows the server's side only. */
function drawParticle() {
  const { info, keys } = here.session() ?? {};
  if (reading()) particle?.setEndpoint(null);
  else if (keys?.owner) particle?.setEndpoint({ endpoint: keys.endpoint, hookUrl: info?.hook_url ?? null, kept: info ? `It keeps deliveries for ${span(info.limits.delivery_ttl_s * 1000)}.` : '', isForgotten: false });
  else {
    const was = forgotten.get();
    particle?.setEndpoint(was && { endpoint: was.endpoint, hookUrl: was.url, kept: '', isForgotten: true });
  }
  drawCommands();
}

/** What the commands in the prose say is right for this reader and this mode. */
function drawCommands() {
  const login = particle?.login() ?? null;
  const cloud = config?.clouds.find(({ id }) => id === (login?.cloud ?? 'simulated'));
  prose.fill({ 'hook-url': here.session()?.info?.hook_url ?? null, api: cloud?.api ?? null });
}

/** What changes with everything that arrives. */
function drawNews() {
  logView.draw();
  const session = here.session();
  replyCard.update(session && { client: session.client, info: session.info, owner: session.keys.owner !== null, uses: usesOf(session.watch.log().deliveries, logView.rounds()) });
  const seen = world();
  particle?.noteRounds(seen.rounds);
  if (!reading()) steps.update(seen);
  cleanUp.update(seen);
  drawPrerequisites({ hook: seen.hook.kind, started: session !== null && session.keys.owner !== null, connected: seen.login !== null, device: (seen.devices?.length ?? 0) > 0, offered: particle?.offered() ?? true });
}

/** All that the steps are judged by. @returns {import('./steps/rules.js').World} */
function world() {
  const session = here.session();
  const login = particle?.login() ?? null;
  const { prefix, names } = particle?.context() ?? {};
  return cleanUp.remember({
    mode: modeOf({ login, clouds: config?.clouds ?? [] }),
    endpoint: session?.keys.owner ? session.keys.endpoint : null,
    login,
    prefix: prefix ?? '',
    names: names ?? new Map(),
    rounds: logView.rounds(),
    maxDelayMs: session?.info?.limits.max_delay_ms ?? null,
    box,
    forgotten: forgotten.get()?.endpoint ?? null,
    now: Date.now(),
    ...(particle?.facts() ?? { hook: { kind: 'none' }, devices: null, flashed: null, deviceEventAt: null, listeningSince: null }),
  });
}

const drawMode = () => sayMode(config, particle?.login() ?? null);

// ---- What the buttons do

/** @type {Record<string, (button: HTMLElement) => unknown>} */
const actions = {
  ...hookCard.actions,
  ...logView.actions,
  ...room.actions,
  ...replyCard.actions,
  ...madeUp.actions,
  ...templateBox.actions,
  ...leaveCard.actions,
  ...startCard.actions,
  contents: () => contents.toggle(),
  'reset-steps': () => {
    box = null;
    steps.reset();
  },
  share: () => links.show('share', here.session()?.keys.share ?? ''),
  continue: () => links.show('continue', here.session()?.keys.owner ?? ''),
  'copy-link': (button) => copyFrom(button, slot('link', /** @type {ParentNode} */ (button.closest('dialog'))).textContent ?? ''),
  clear: () => confirm('clear', async () => {
    await here.session()?.client.clear();
    particle?.clear();
    tell('cleared');
    poke();
  }),
  forget: () => confirm('forget', forget),
  close: (button) => button.closest('dialog')?.close(),
  'leave-read': () => {
    ring.leaveRead();
    return here.reopen();
  },
};

async function forget() {
  const session = here.session();
  if (session === null) return;
  await session.client.forget();
  forgotten.set({ endpoint: session.keys.endpoint, url: session.info?.hook_url ?? null });
  particle?.clear();
  ring.drop();
  tell('forgotten');
  await here.reopen();
}

/** What sends something that is then to be seen in the log. */
const SENDS = new Set(['test-webhook', 'send-one', 'press-mode', 'send-made-up']);

document.addEventListener('submit', ({ target }) => target === part('publish') && logView.open());
document.addEventListener('click', (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest?.('[data-do]'));
  if (button && isOff(button)) return event.preventDefault();
  const name = button?.dataset.do ?? '';
  const action = button && (actions[name] ?? particle?.actions[name]);
  if (SENDS.has(name)) logView.open();
  if (action) void action(button);
});

// ---- Other tabs, other times

let activeAt = -Infinity;
for (const name of ['pointerdown', 'keydown', 'focus']) {
  addEventListener(
    name,
    () => {
      if (performance.now() - activeAt < ACTIVITY_GAP_MS) return;
      activeAt = performance.now();
      poke();
    },
    { capture: true, passive: true },
  );
}
addEventListener('online', poke);
document.addEventListener('visibilitychange', poke);
addEventListener('pagehide', () => {
  tabs.close();
  particle?.pause();
});
addEventListener('pageshow', (event) => {
  tabs.open();
  if (event.persisted) particle?.resume();
  if (event.persisted && !reading()) void reopenIfOther();
  poke();
});
addEventListener('storage', ({ key }) => {
  if (ring.concerns(key) && !reading()) void reopenIfOther();
});
addEventListener('hashchange', () => void links.take());

/** Looks at another endpoint only if it is another. */
async function reopenIfOther() {
  if (ring.own() !== (here.session()?.keys.owner ?? null)) await here.reopen();
}

async function loadConfig() {
  config = await configRead;
  if (config === null) particle?.cloudsFailed();
  else particle?.setClouds(config.clouds);
  drawMode();
}

/** Particle's side needs the form of the webhook, which is a file of its own. */
async function loadParticle() {
  try {
    const answer = await fetch(new URL('./particle/webhook.json', import.meta.url), { credentials: 'omit' });
    particle = mountParticle({
      form: await answer.json(),
      clock: { ...browserClock, now: Date.now },
      quote: hookCard.quote,
      confirm,
      copy: copyFrom,
      onChange: drawSoon,
      onReason: expect,
      onEvent: room.hear,
    });
  } catch {
    part('connect-before').textContent = 'The part of this page that connects accounts could not be loaded. Reload the page to try again.';
    return;
  }
  particle.resume();
  drawParticle();
}

/** Events come in bursts; the log is drawn once for all of them. */
let isDrawPlanned = false;
function drawSoon() {
  if (isDrawPlanned) return;
  isDrawPlanned = true;
  setTimeout(() => {
    isDrawPlanned = false;
    // The log first: it measures, which is free for as long as nothing else was written.
    drawNews();
    drawMode();
    room.update();
  }, 16);
}

// ---- Begin

guardForms();
keepFocus();
keepSectionHeights();
setInterval(() => !document.hidden && drawNews(), STEPS_MS);
document.documentElement.dataset.script = 'on';
tabs.open();
void loadParticle().then(loadConfig);
/** Done when what this browser was last looking at is open. */
export const opened = openKept();

async function openKept() {
  if (!canMakeKeys(globalThis.crypto)) {
    startCard.complain('This browser lets a page make keys only on https or on this computer’s own address (http://127.0.0.1). Open the page there.');
  } else if (!(await links.take())) {
    await here.reopen();
    if (document.documentElement.dataset.pressed && here.session() === null) await startCard.actions.start();
  }
}

// @ts-check
// The page, wired: which endpoint is looked at, what the buttons do, and which words stand where.
// Everything that can be decided without a browser is decided in the modules this one imports.

import { ApiProblem, apiClient } from './api-client.js';
import { mountBlockDialog } from './block-dialog.js';
import { mountContents } from './contents.js';
import { copyFrom } from './copy.js';
import { mountDock } from './dock.js';
import { mountHeard } from './heard.js';
import { keyRing } from './key-ring.js';
import { canMakeKeys, keyInFragment, keysOfOwner, keysOfShare, makeOwnerKey } from './keys.js';
import { EMPTY_LOG, summary } from './log-store.js';
import { mountParticle } from './particle/page.js';
import { browserClock } from './poll.js';
import { mountRail } from './rail.js';
import { drawStrip } from './round-strip.js';
import { rounds } from './rounds.js';
import { watch } from './session.js';
import { likelyShell, quoteFor, shellLine } from './shell-line.js';
import { span } from './show-time.js';

/**
 * @typedef {import('./keys.js').Keys} Keys
 * @typedef {import('./api-client.js').EndpointInfo} EndpointInfo
 * @typedef {import('./rounds.js').Round} Round
 */

/** Rounds on the rail at first, and more with each "show older". */
const SHOWN = 30;
/** Someone who does something on the page may be waiting for something on it. */
const ACTIVITY_GAP_MS = 3_000;
/** An endpoint that has less than this left is given its full time again when its owner looks at it. */
const PROLONG_BELOW_MS = 20 * 86_400_000;

const part = (/** @type {string} */ name) => /** @type {HTMLElement} */ (document.querySelector(`[data-part="${name}"]`));
const slot = (/** @type {string} */ name, within = /** @type {ParentNode} */ (document)) =>
  /** @type {HTMLElement} */ (within.querySelector(`[data-slot="${name}"]`));
const dialog = (/** @type {string} */ name) => /** @type {HTMLDialogElement} */ (part(`${name}-dialog`));

const ring = keyRing(
  () => localStorage,
  () => sessionStorage,
);

/** @type {{keys: Keys, client: ReturnType<typeof apiClient>, watch: ReturnType<typeof watch>, info: EndpointInfo | null} | null} */
let session = null;
/** The endpoint is gone, and why. @type {string | null} */
let gone = null;
/** What the server may reach, from config.json. @type {{clouds: {id: string}[]} | null} */
let config = null;
/** The key of the first round on the rail; null for the newest few. @type {string | null} */
let shownFrom = null;

const heard = mountHeard(slot('heard'), { now: () => performance.now(), later: (act, ms) => setTimeout(act, ms), find: (key) => known.find((round) => round.key === key) });
const blockDialog = mountBlockDialog(dialog('block'), { onClose: (block) => rail.focus(block.key) });
const rail = mountRail(part('rail'), {
  now: () => new Date(),
  onOpen: (block) => blockDialog.open(block),
  onSelect: (block) => (part('round-picture').dataset.hop = block ? hopOf(block.kind) : ''),
  onEdge: ({ atEdge, unseen }) => {
    const button = /** @type {HTMLElement} */ (document.querySelector('[data-do="newest"]'));
    button.hidden = atEdge;
    button.textContent = unseen > 0 ? `Newest (${unseen} new)` : 'Newest';
  },
});
/** Particle's side of the page, once its form of the webhook is loaded. @type {ReturnType<typeof mountParticle> | null} */
let particle = null;
const dock = mountDock(
  { panel: part('log-panel'), place: part('log-place'), handle: part('dock-handle'), strip: part('strip'), away: part('log-away') },
  { storage: () => localStorage, onMove: () => rail.settle() },
);

/** Which hop of the opening picture a block is about. @param {string} kind */
const hopOf = (kind) => ({ received: 'received', parsed: 'received', response: 'response', device: 'event', api: 'event' })[kind] ?? 'hook-response';

// ---- The endpoint that is looked at

/** @param {Keys} keys @param {EndpointInfo | null} info */
function open(keys, info = null) {
  close();
  gone = null;
  const client = apiClient({ fetch: fetch.bind(window), key: keys.owner ?? keys.share });
  const opened = {
    keys,
    client,
    info,
    watch: watch({
      client,
      clock: browserClock,
      hidden: () => document.hidden,
      following: () => rail.atEdge() && shownFrom === null,
      onLog: (_log, came) => {
        if (came > 0) tell('news');
        drawLog();
      },
      onState: (state) => {
        drawState(state);
        if (state.kind === 'live' && opened.info === null) void learn(opened);
        if (state.kind === 'ended') end(state.problem);
      },
    }),
  };
  session = opened;
  draw();
  void learn(opened);
}

/** Asks what the endpoint is, and gives it its full time again if that is due. @param {NonNullable<typeof session>} opened */
async function learn(opened) {
  try {
    opened.info ??= await opened.client.info();
    const left = new Date(opened.info.expires_at).getTime() - Date.now();
    if (opened.keys.owner && left < PROLONG_BELOW_MS) opened.info = await opened.client.create();
    if (opened === session) draw();
  } catch {
    // The log's own questions say what is wrong, and this is asked again when they get through.
  }
}

function close() {
  session?.watch.stop();
  session = null;
  shownFrom = null;
  rail.reset();
}

/** The server said that there is nothing to look at. @param {ApiProblem} problem */
function end(problem) {
  const mine = session?.keys.owner;
  close();
  gone = mine
    ? 'This endpoint is no longer there: it was forgotten, or nothing came for too long.'
    : 'This log is no longer there: its owner forgot it, or nothing came for too long.';
  if (problem.status !== 404) gone = `The server does not accept this key: ${problem.message}.`;
  draw();
}

/** Opens what this browser was last looking at. */
async function reopen() {
  const read = ring.read();
  const own = ring.own();
  if (read) open(await keysOfShare(read, crypto));
  else if (own) open(await keysOfOwner(own, crypto));
  else {
    close();
    gone = null;
    draw();
  }
}

/** @param {boolean} anew with a new key, and so a new URL */
async function start(anew) {
  const known = anew ? null : ring.own();
  const problem = slot('start-problem');
  problem.hidden = true;
  try {
    const keys = await keysOfOwner(known ?? makeOwnerKey(crypto), crypto);
    const info = await apiClient({ fetch: fetch.bind(window), key: /** @type {string} */ (keys.owner) }).create();
    // What can't be read any more is not worth keeping.
    if (anew) ring.drop();
    ring.use(/** @type {string} */ (keys.owner));
    particle?.started();
    open(keys, info);
    tell('started');
    slot('hook-url').focus();
  } catch (error) {
    const why = error instanceof ApiProblem ? error.message : String(error);
    problem.textContent = `That did not work: ${why}. Nothing was made; try again.`;
    problem.hidden = false;
  }
}

// ---- Words and what is shown

function draw() {
  const own = session?.keys.owner ?? null;
  const reading = ring.read() !== null;
  part('read-bar').hidden = !reading;
  part('start-row').hidden = session !== null || gone !== null || reading;
  part('start-again').hidden = gone === null || reading;
  part('start-done').hidden = session === null || reading;
  slot('gone-what').textContent = gone ?? '';
  part('hook-card').hidden = session === null;
  part('before-start').hidden = session !== null || reading;
  for (const name of ['send-one', 'share', 'continue', 'forget', 'clear']) {
    for (const button of document.querySelectorAll(`[data-do="${name}"]`)) /** @type {HTMLElement} */ (button).hidden = own === null;
  }
  dock.setStarted(session !== null);
  drawHook();
  drawOthers();
  drawParticle();
  drawLog();
  if (session === null) drawLive('off', gone === null ? 'not started' : 'gone', reading && gone !== null ? gone : '');
}

/** Events are heard for one's own endpoint; a log that is read through a link shows the server's side only. */
function drawParticle() {
  const { info, keys } = session ?? {};
  const mine = keys?.owner && !ring.read() ? { endpoint: keys.endpoint, hookUrl: info?.hook_url ?? null, kept: info ? `It keeps deliveries for ${span(info.limits.delivery_ttl_s * 1000)}.` : '' } : null;
  particle?.setEndpoint(mine);
}

function drawHook() {
  const { info, keys } = session ?? {};
  slot('hook-url').textContent = info?.hook_url ?? (keys ? 'asking the server …' : '');
  slot('reach').textContent = info ? reach(info.hook_url) : '';
  slot('kept').textContent = info ? kept(info) : '';
  slot('shell-line').textContent = info ? exampleLine(info.hook_url) : '';
  const [name, more] = mode();
  slot('mode').textContent = name;
  slot('mode-more').textContent = `: ${more}`;
  /** @type {HTMLElement} */ (document.querySelector('.top-mode')).hidden = config === null;
}

/** The mode, in a word and in a few more. */
function mode() {
  const login = particle?.login();
  if (login?.cloud === 'particle') return ['Particle account', login.username || 'connected'];
  if (config?.clouds.some(({ id }) => id === 'simulated')) return ['Simulated', 'nothing leaves this computer'];
  return ['No account', 'anything may send, and this page too'];
}

/** @param {string} url */
function reach(url) {
  const { hostname } = new URL(url);
  const here = hostname === 'localhost' || hostname === '[::1]' || hostname.startsWith('127.');
  return here ? 'this computer only' : 'anywhere';
}

/** @param {EndpointInfo} info */
function kept({ limits, expires_at }) {
  const day = new Date(expires_at).toLocaleDateString('en-GB', { day: 'numeric', month: 'long', year: 'numeric' });
  const where = ring.lasting() ? '' : ' This browser keeps nothing: your key is gone when the page closes.';
  return `Deliveries for ${span(limits.delivery_ttl_s * 1000)}, the newest ${limits.max_deliveries.toLocaleString('en-GB')}; the URL until ${day}, and longer with each delivery.${where}`;
}

const example = (/** @type {number} */ id) => JSON.stringify({ event: 'WebhookTutorial01', data: JSON.stringify({ op: 'hello', id }) });

/** @param {string} url */
function exampleLine(url) {
  const shell = /** @type {import('./shell-line.js').Shell} */ (/** @type {HTMLSelectElement} */ (part('shell')).value);
  return shellLine(shell, { method: 'POST', url, headers: [['Content-Type', 'application/json']], body: example(1) });
}

async function drawOthers() {
  const keys = ring.others();
  const others = await Promise.all(keys.map((key) => keysOfOwner(key, crypto)));
  part('other-endpoints').hidden = others.length === 0 || !session?.keys.owner;
  slot('other-list').replaceChildren(
    ...others.map(({ owner, endpoint }) => {
      const item = document.createElement('li');
      const name = document.createElement('code');
      name.textContent = endpoint;
      const button = document.createElement('button');
      button.type = 'button';
      button.className = 'button-word';
      button.textContent = 'Switch to it';
      button.addEventListener('click', () => {
        ring.use(/** @type {string} */ (owner));
        tell('started');
        void reopen();
      });
      item.append(name, ' ', button);
      return item;
    }),
  );
}

/** All rounds there are, and the first of them on the rail. @type {Round[]} */
let known = [];
let firstShown = 0;

function drawLog() {
  const log = session?.watch.log() ?? EMPTY_LOG;
  const asked = log.cursor !== null;
  const quiet = particle?.quiet() ?? [];
  // Events alone, before it is known what was delivered, would look as if nothing had come of them.
  known = rounds(log.deliveries, asked ? (particle?.events() ?? []) : [], { ...log, quiet: asked ? quiet : [] }, particle?.context());
  const kept = known.findIndex(({ key }) => key === shownFrom);
  if (kept < 0 || (rail.atEdge() && known.length - kept > 3 * SHOWN)) shownFrom = null;
  firstShown = shownFrom === null ? Math.max(0, known.length - SHOWN) : kept;
  // Under a reader who looks back nothing goes away at the far end.
  if (!rail.atEdge()) shownFrom = known[firstShown]?.key ?? null;
  const hasOlder = firstShown > 0 || log.older !== null;
  const arrived = rail.update({
    rounds: known.slice(firstShown),
    isAsked: asked,
    hasOlder,
    olderNote: !hasOlder && known.length > 0 && log.firstSeq > 1 ? `What came before #${log.firstSeq} is gone: cleared, or too old.` : '',
    empty: known.length > 0 ? null : emptyWords(asked),
  });
  const heardOf = ring.read() ? 'the server’s side only' : particle?.heard();
  slot('count').textContent = asked ? [summary(log), heardOf].filter(Boolean).join('; ') : '';
  drawStrip(part('strip'), known.at(-1) ?? null);
  heard.add(arrived);
}

/** @param {boolean} asked */
function emptyWords(asked) {
  if (gone !== null) return 'Nothing to show.';
  if (session === null) return 'Nothing here yet. Press Start, then send any HTTP request to your hook URL.';
  if (!asked) return 'Asking the server …';
  return session.keys.owner
    ? 'Listening. Send any HTTP request to your hook URL, and it appears here.'
    : 'Nothing has arrived at this endpoint yet. What comes appears here.';
}

/** @param {import('./poll.js').State} state */
function drawState(state) {
  if (state.kind === 'live') drawLive('live', 'live', '');
  if (state.kind === 'resting') drawLive('off', 'resting while hidden', '');
  if (state.kind === 'failing') {
    drawLive('failing', 'not connected', `Not connected: ${state.problem?.message ?? 'something went wrong'}. Trying again by itself; nothing that was acknowledged is lost.`);
  }
}

/** @param {'live' | 'off' | 'failing'} state @param {string} words @param {string} problem */
function drawLive(state, words, problem) {
  part('live').dataset.state = state;
  slot('live').textContent = words;
  const line = slot('line');
  if (line.textContent !== problem) line.textContent = problem;
  line.hidden = problem === '';
}

// ---- What the buttons do

/** @type {Record<string, (button: HTMLElement) => unknown>} */
const actions = {
  start: () => start(false),
  'start-new': () => start(true),
  'copy-url': (button) => {
    session?.watch.poke({ expecting: true });
    return copyFrom(button, session?.info?.hook_url ?? '');
  },
  'copy-line': (button) => {
    session?.watch.poke({ expecting: true });
    return copyFrom(button, slot('shell-line').textContent ?? '');
  },
  'send-one': sendOne,
  share: () => showLink('share', `#${session?.keys.share}`),
  continue: () => showLink('continue', `#${session?.keys.owner}`),
  'copy-link': (button) => copyFrom(button, slot('link', /** @type {ParentNode} */ (button.closest('dialog'))).textContent ?? ''),
  clear: () => confirm('clear', async () => {
    await session?.client.clear();
    particle?.clear();
    tell('cleared');
    session?.watch.poke();
  }),
  forget: () => confirm('forget', async () => {
    await session?.client.forget();
    particle?.clear();
    ring.drop();
    tell('forgotten');
    await reopen();
  }),
  close: (button) => button.closest('dialog')?.close(),
  'leave-read': () => {
    ring.leaveRead();
    return reopen();
  },
  newest: () => rail.toNewest(),
  older: showOlder,
  view: () => setView(part('rail').dataset.view === 'list' ? 'rail' : 'list'),
  dock: () => dock.toggleDocked(),
  undock: () => dock.toggleDocked(),
  collapse: () => dock.toggleCollapsed(),
};

async function sendOne() {
  if (!session) return;
  const { endpoint } = session.keys;
  const words = slot('send-answer');
  try {
    // By this origin's own path: the hook may have a name of its own, which a page may not talk to.
    const answer = await fetch(`/hook/${endpoint}`, {
      method: 'POST',
      ...(particle?.sample() ?? { headers: { 'content-type': 'application/json' }, body: example(Math.floor(Date.now() / 1000)) }),
      credentials: 'omit',
    });
    words.textContent = `Answered ${answer.status}: ${(await answer.text()).slice(0, 200)}`;
  } catch {
    words.textContent = 'Not sent: the server can’t be reached.';
  }
  session?.watch.poke({ expecting: true });
}

/** @param {string} name @param {string} fragment */
function showLink(name, fragment) {
  slot('link', dialog(name)).textContent = `${location.origin}${location.pathname}${fragment}`;
  dialog(name).showModal();
}

/** Asks, and does it only if the answer is yes. @param {string} name @param {() => Promise<void>} act */
function confirm(name, act) {
  const asked = dialog(name);
  const problem = slot('problem', asked);
  const button = /** @type {HTMLButtonElement} */ (asked.querySelector('[data-do="confirm"]'));
  if (problem) problem.hidden = true;
  button.onclick = async () => {
    button.disabled = true;
    try {
      await act();
      asked.close();
    } catch (error) {
      problem.textContent = `That did not work: ${/** @type {Error} */ (error).message}. Nothing was changed.`;
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  };
  asked.showModal();
}

async function showOlder() {
  if (!session) return;
  const first = known[firstShown]?.key ?? null;
  try {
    if (firstShown < SHOWN) await session.watch.older();
  } catch (error) {
    drawLive('failing', 'not connected', `Older ones could not be read: ${/** @type {Error} */ (error).message}.`);
  }
  const at = known.findIndex(({ key }) => key === first);
  shownFrom = known[Math.max(0, at - SHOWN)]?.key ?? null;
  drawLog();
}

/** @param {'rail' | 'list'} view */
function setView(view) {
  rail.setView(view);
  const button = /** @type {HTMLElement} */ (document.querySelector('[data-do="view"]'));
  button.textContent = view === 'list' ? 'Side by side' : 'As a list';
}

document.addEventListener('click', (event) => {
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (event.target).closest?.('[data-do]'));
  const name = button?.dataset.do ?? '';
  const action = button && (actions[name] ?? particle?.actions[name]);
  if (action) void action(button);
});
part('shell').addEventListener('change', drawHook);
part('strip').addEventListener('click', () => dock.toggleCollapsed());

// ---- Other tabs, other times

/** @type {BroadcastChannel | null} */
let channel = null;
function listen() {
  channel ??= new BroadcastChannel('webhook-tutorial');
  channel.onmessage = ({ data }) => {
    if (data?.what === 'started' || data?.what === 'forgotten') {
      // A tab that reads someone else's log goes on with it.
      if (!ring.read()) void reopen();
    } else if (data?.endpoint === session?.keys.endpoint) {
      if (data?.what === 'cleared') particle?.clear();
      session?.watch.poke();
    }
  };
}
/** @param {'started' | 'cleared' | 'forgotten' | 'news'} what */
function tell(what) {
  channel?.postMessage({ what, endpoint: session?.keys.endpoint });
}

let activeAt = -Infinity;
for (const name of ['pointerdown', 'keydown', 'focus']) {
  addEventListener(
    name,
    () => {
      if (performance.now() - activeAt < ACTIVITY_GAP_MS) return;
      activeAt = performance.now();
      session?.watch.poke();
    },
    { capture: true, passive: true },
  );
}
addEventListener('online', () => session?.watch.poke());
document.addEventListener('visibilitychange', () => session?.watch.poke());
// A page with an open channel may not be kept for "back".
addEventListener('pagehide', () => {
  channel?.close();
  channel = null;
  particle?.pause();
});
addEventListener('pageshow', (event) => {
  listen();
  if (event.persisted) particle?.resume();
  if (event.persisted && !ring.read()) void reopenIfOther();
  session?.watch.poke();
});
addEventListener('storage', ({ key }) => {
  if (ring.concerns(key) && !ring.read()) void reopenIfOther();
});
addEventListener('hashchange', () => void takeFragment());

/** Looks at another endpoint only if it is another. */
async function reopenIfOther() {
  const own = ring.own();
  if (own !== (session?.keys.owner ?? null)) await reopen();
}

// ---- Keys that come in links

/** Takes a key out of the address before anybody can copy it from there. Says whether there was one. */
async function takeFragment() {
  const found = keyInFragment(location.hash);
  if (!found) return false;
  history.replaceState(null, '', location.pathname + location.search);
  if (found.kind === 'read') {
    const own = ring.own();
    // One's own share link, opened at home, is no stranger's.
    if (own && (await keysOfOwner(own, crypto)).share === found.key) ring.leaveRead();
    else ring.setRead(found.key);
    await reopen();
    return true;
  }
  await reopen();
  if (found.key === ring.own()) return true;
  const keys = await keysOfOwner(found.key, crypto);
  const asked = dialog('adopt');
  slot('endpoint', asked).textContent = keys.endpoint;
  slot('own-stays', asked).hidden = ring.own() === null;
  /** @type {HTMLButtonElement} */ (asked.querySelector('[data-do="confirm"]')).onclick = () => {
    asked.close();
    ring.leaveRead();
    ring.use(found.key);
    tell('started');
    void reopen();
  };
  asked.showModal();
  return true;
}

async function loadConfig() {
  try {
    const answer = await fetch('/config.json', { cache: 'no-cache', credentials: 'omit' });
    const read = await answer.json();
    if (!Array.isArray(read?.clouds)) throw new Error();
    config = read;
    particle?.setClouds(read.clouds);
  } catch {
    // The mode stays unnamed; everything else works.
  }
  drawHook();
}

/** Particle's side needs the form of the webhook, which is a file of its own. */
async function loadParticle() {
  try {
    const answer = await fetch(new URL('./particle/webhook.json', import.meta.url), { credentials: 'omit' });
    particle = mountParticle({
      root: document,
      form: await answer.json(),
      clock: { ...browserClock, now: Date.now },
      quote: (text) => quoteFor(/** @type {import('./shell-line.js').Shell} */ (/** @type {HTMLSelectElement} */ (part('shell')).value))(text),
      confirm,
      copy: copyFrom,
      onChange: drawSoon,
      onReason: () => session?.watch.poke({ expecting: true }),
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
    drawHook();
    drawLog();
  }, 16);
}

// ---- Begin

document.documentElement.dataset.script = 'on';
for (const node of document.querySelectorAll('.needs-script')) node.remove();
/** @type {HTMLSelectElement} */ (part('shell')).value = likelyShell(navigator.platform);
if (matchMedia('(max-width: 600px)').matches) setView('list');
mountContents(part('contents'));
listen();
void loadParticle().then(loadConfig);
if (!canMakeKeys(globalThis.crypto)) {
  const problem = slot('start-problem');
  problem.textContent = 'This browser lets a page make keys only on https or on this computer’s own address (http://127.0.0.1). Open the page there.';
  problem.hidden = false;
} else if (!(await takeFragment())) {
  await reopen();
}

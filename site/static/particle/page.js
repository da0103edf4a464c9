// @ts-check
// Particle's side of the page, wired: the account, its webhook, its events. What the log draws of it comes out as plain values.

import { part, slot } from '../dom.js';
import { inBrowser, inTab } from '../kept.js';
import { account } from './account.js';
import { CloudProblem, cloud } from './cloud.js';
import { mountConnectCard } from './connect-card.js';
import { concerns, meaningOf } from './event.js';
import { eventPlace } from './event-place.js';
import { eventStore } from './event-store.js';
import { hookKeeper } from './hook.js';
import { oneStream } from './one-stream.js';
import { mountPublishCard } from './publish-card.js';
import { listen } from './stream.js';
import { mountWebhookCard } from './webhook-card.js';
import { asParticleSends, consoleUrl, freshId, testData } from './webhook.js';

/**
 * @typedef {import('./connect-card.js').Offer} Offer
 * @typedef {import('./event.js').Event} Event
 * @typedef {{id: string, api: string, console: string, demo?: {username: string, password: string}}} CloudConfig as config.json has it
 * @typedef {{endpoint: string, hookUrl: string | null, kept: string, isForgotten: boolean}} Mine this learner's endpoint; `kept`: how
 *   long things are kept. `isForgotten`: nothing is sent to it any more, and what is in the account is there to be removed
 */

/** Names of the clouds, as people say them. @type {Record<string, string>} */
const NAMES = { simulated: 'the simulated cloud', particle: 'the Particle cloud' };
const DEVICE_ID = /^[0-9a-f]{24}$/;
/** After this long without a delivery the page looks whether the webhook is still there and leads here: its answer may come from elsewhere. */
const UNANSWERED_MS = 5_000;
/** Somebody may have changed the webhook elsewhere; a look when the reader comes back, but not all the time. */
const LOOK_AGAIN_MS = 30_000;
const ask = /** @type {typeof fetch} */ ((input, init) => fetch(input, init));
const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const keptHook = inBrowser('webhook-tutorial/webhook-seen');
const keptOpened = inBrowser('webhook-tutorial/streams-opened');

/**
 * @param {{
 *   form: import('./webhook.js').Settings,
 *   clock: import('./stream.js').Clock,
 *   quote: (text: string) => string,
 *   confirm: typeof import('../confirm.js').confirm,
 *   copy: (button: HTMLElement, text: string) => unknown,
 *   onChange: () => void,
 *   onReason: () => void,
 *   onEvent?: (event: Event) => void,
 * }} with_ `form`: webhook.json. `onChange`: what the log shows may have changed. `onReason`: there is a reason to ask for deliveries.
 *   `onEvent`: anything happened in the account, about the webhook or not
 */
export function mountParticle({ form, clock, quote, confirm, copy, onChange, onReason, onEvent = () => {} }) {
  /** @type {Offer[]} */
  let offers = [];
  let configured = /** @type {'not yet' | 'yes' | 'failed'} */ ('not yet');
  /** @type {Mine | null} */
  let mine = null;
  /** @type {ReturnType<typeof eventStore> | null} */
  let store = null;
  /** @type {ReturnType<typeof oneStream> | null} */
  let stream = null;
  /** @type {import('./stream.js').StreamState} */
  let streamState = { kind: 'connecting' };
  /** @type {import('./cloud.js').Device[] | null} */
  let devices = null;
  /** @type {Map<string, string>} */
  let names = new Map();
  let setUpNext = false;
  let said = '';
  /** When the event was heard that was looked for last, because nothing came of it here. */
  let lookedFor = -Infinity;
  let presses = 0;

  const accountChannel = channel('webhook-tutorial/account');
  const streamChannel = channel('webhook-tutorial/events');
  const signedIn = account({
    kept: inTab('webhook-tutorial/login'),
    channel: accountChannel,
    now: clock.now,
    later: (act, ms) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
    onChange: (state, how) => {
      if (how === 'anew') setUpNext = true;
      if (state.kind === 'in') said = '';
      if (state.kind === 'expired') said = 'The sign-in has ended: tokens last an hour here. The log and your place in it stay; sign in again to go on.';
      follow();
    },
  });
  const keeper = hookKeeper({ form, memory: hookMemory, onChange: () => (draw(), onChange()), onRefused: (token) => signedIn.refused(token) });
  const connectCard = mountConnectCard(part('connect'), {
    offers: () => offers,
    onTicket: (offer, ticket) => signedIn.signedIn({ cloud: offer.id, ticket }),
  });
  const webhookCard = mountWebhookCard(part('webhook'), { keeper, form });
  const publishCard = mountPublishCard(/** @type {HTMLFormElement} */ (part('publish')), {
    quote,
    onPublish: async (name, data) => {
      const problem = await publish(name, data === '' ? null : data);
      return problem ?? `Published “${name}”.`;
    },
  });

  /** The cloud that is signed in to, if it is offered here. @returns {{offer: Offer, ticket: import('./cloud.js').Ticket} | null} */
  function connected() {
    const state = signedIn.state();
    if (state.kind !== 'in') return null;
    const offer = offers.find(({ id }) => id === state.cloud);
    return offer ? { offer, ticket: state.ticket } : null;
  }

  /** Brings stream and webhook in line with who is signed in and what is looked at. */
  function follow() {
    const now = connected();
    void learnDevices();
    const wanted = now && mine ? `${now.offer.id}|${now.ticket.token}` : null;
    if (wanted !== followed) {
      stream?.stop();
      stream = null;
      followed = wanted;
      store?.silent();
      if (now && mine) listenTo(now);
    }
    const moved = keeper.at(now && mine?.hookUrl ? { cloud: now.offer.cloud, token: now.ticket.token, url: mine.hookUrl } : null);
    if (now && mine?.hookUrl && (moved || setUpNext)) {
      void (setUpNext && !mine.isForgotten ? keeper.setUp() : keeper.look());
      setUpNext = false;
    }
    draw();
    onChange();
  }
  /** @type {string | null} */
  let followed = null;

  /** @param {{offer: Offer, ticket: import('./cloud.js').Ticket}} now */
  function listenTo({ offer, ticket }) {
    streamState = { kind: 'connecting' };
    stream = oneStream({
      name: `${offer.id}|${ticket.username}`,
      locks: navigator.locks ?? null,
      channel: streamChannel,
      listen: (heard) => listen({ ...heard, fetch: ask, api: offer.cloud.api, token: ticket.token, clock, opened: openedBefore(), onOpen: keptOpened.keepJson }),
      heard: {
        onLead: () => {},
        onEvent: hear,
        onAlive: (at) => store?.alive(at),
        onState: (state) => {
          streamState = state;
          if (state.kind === 'listening') store?.alive(state.since);
          else store?.silent();
          if (state.kind === 'ended' && state.cause === 'expired') signedIn.refused(ticket.token);
          draw();
          onChange();
        },
      },
    });
  }

  /** When a device was heard last since this endpoint is looked at, and since when that is; the log may be cleared meanwhile. */
  let deviceEventAt = /** @type {number | null} */ (null);
  let lookedAtSince = 0;

  /** The last flash that succeeded. @type {{coreid: string, at: number} | null} */
  let flashed = null;

  /** @param {Event} event */
  function hear(event) {
    if (event.name === 'spark/status') hearStatus(event);
    onEvent(event);
    if (event.name === 'spark/flash/status' && (event.data ?? '').trim() === 'success') flashed = { coreid: event.coreid, at: event.seen };
    if (flashed?.at === event.seen) onChange();
    store?.alive(event.seen);
    if (!concerns(event, form.event)) return;
    if (DEVICE_ID.test(event.coreid)) deviceEventAt = Math.max(deviceEventAt ?? 0, event.seen);
    if (!store?.add(event)) return;
    const { kind } = meaningOf(event);
    if (kind === 'sent' || kind === 'response' || kind === 'error') {
      onReason();
    }
    onChange();
  }

  /** @type {string | null} */
  let learnedFor = null;
  /** Whose devices `devices` are. @type {string | null} */
  let listedFor = null;
  /** Devices that were heard of and not listed: each is asked about once. @type {Set<string>} */
  const strangers = new Set();

  /** @param {Event} event */
  function hearStatus({ coreid, data }) {
    const device = devices?.find(({ id }) => id === coreid);
    if (devices && !device && !strangers.has(coreid)) {
      strangers.add(coreid);
      void learnAgain();
    }
    const status = (data ?? '').trim();
    if (!device || !['online', 'offline'].includes(status)) return;
    device.online = status === 'online';
    draw();
  }

  /** A device is new in the account, or runs something else. */
  function learnAgain() {
    learnedFor = null;
    return learnDevices();
  }

  /** Asks once for each sign-in. */
  async function learnDevices() {
    const now = connected();
    if (learnedFor === (now?.ticket.token ?? null)) return;
    learnedFor = now?.ticket.token ?? null;
    if (now === null || now.ticket.token !== listedFor) {
      devices = null;
      names = new Map();
    }
    if (!now) return;
    try {
      const list = await now.offer.cloud.devices(now.ticket.token);
      if (connected()?.ticket.token !== now.ticket.token) return;
      devices = list;
      listedFor = now.ticket.token;
      names = new Map(list.flatMap(({ id, name }) => (name === null ? [] : [/** @type {[string, string]} */ ([id, name])])));
      draw();
      onChange();
    } catch (error) {
      if (error instanceof CloudProblem && error.cause === 'expired') signedIn.refused(now.ticket.token);
    }
  }

  /** @param {string} name @param {string | null} data @returns {Promise<string | null>} what went wrong */
  async function publish(name, data) {
    const now = connected();
    if (!now) return 'Not published: nobody is signed in.';
    try {
      onReason();
      if (name.startsWith(form.event)) void keeper.lookIfOlder(UNANSWERED_MS);
      await now.offer.cloud.publish(now.ticket.token, name, data);
      onReason();
      return null;
    } catch (error) {
      if (!(error instanceof CloudProblem)) return 'Not published: something went wrong in this page.';
      if (error.cause === 'expired') signedIn.refused(now.ticket.token);
      return error.cause === 'late' ? `It may have been published. ${error.message}` : `Not published. ${error.message}`;
    }
  }

  /** Deletes the webhook in the account. */
  async function removeWebhook() {
    await keeper.remove();
    const { kind } = keeper.state();
    if (kind !== 'absent' && kind !== 'elsewhere') throw new Error('the webhook may still be in the account');
  }

  async function signOut() {
    const now = connected();
    said = '';
    signedIn.out();
    try {
      if (now) await now.offer.cloud.signOut(now.ticket);
    } catch {
      said = 'Signed out here. The token could not be deleted in the cloud; it ends by itself within the hour.';
      draw();
    }
  }

  function draw() {
    const state = signedIn.state();
    const now = connected();
    const hook = keeper.state();
    part('connect').hidden = mine === null;
    part('connect-before').hidden = mine !== null;
    const isForgotten = mine?.isForgotten ?? false;
    connectCard.update({
      state: now ? state : { kind: 'out' },
      offer: now?.offer ?? null,
      devices,
      stream: streamWords(),
      server: serverWords(mine),
      why: said || (isForgotten && !now ? 'The endpoint is forgotten. Connect only to look after what is left in the account; nothing is made.' : ''),
      makesHook: !isForgotten,
      none: configured === 'yes' ? noneWords(offers) : configured === 'failed' ? 'Which clouds can be connected here could not be read. Reload the page to try again.' : '',
    });
    webhookCard.update(hook, { consoleAt: now && hook.kind === 'ours' ? consoleUrl(now.offer.console, hook.id) : '', isForgotten });
    publishCard.update({ shown: now !== null && mine !== null, hasLine: now?.offer.demo === null });
    part('top-account').hidden = now === null;
    const [device] = devices ?? [];
    slot('top-who').textContent = device ? `${device.name ?? device.id} · ${device.online ? 'online' : 'offline'}` : '';
  }

  function streamWords() {
    if (streamState.kind === 'listening') return { words: 'Listening to events.', failing: false };
    if (streamState.kind === 'connecting') return { words: 'Connecting to the events …', failing: false };
    if (streamState.kind === 'waiting') return { words: `Not listening to events: ${streamState.why}. Trying again by itself.`, failing: true };
    return { words: `Not listening to events: ${streamState.why}.`, failing: true };
  }

  addEventListener('visibilitychange', () => !document.hidden && void keeper.lookIfOlder(LOOK_AGAIN_MS));

  return {
    /** What the buttons do. @type {Record<string, (button: HTMLElement) => unknown>} */
    actions: {
      ...connectCard.actions,
      ...webhookCard.actions,
      'test-webhook': async () => {
        const mineNow = (presses += 1);
        const problem = await publish(form.event, testData(freshId(crypto)));
        webhookCard.say(problem ?? (mineNow === 1 ? 'Published. The round appears in the log.' : `Published ${mineNow} times.`));
      },
      'copy-webhook': (button) => copy(button, webhookCard.json()),
      'copy-publish': (button) => copy(button, publishCard.line()),
      'remove-webhook': () => confirm('remove-webhook', removeWebhook),
      'sign-out': signOut,
    },
    /** The clouds that can reach the hook URL, from config.json. @param {unknown[]} clouds */
    setClouds(clouds) {
      configured = 'yes';
      offers = clouds.filter(isCloud).map(({ id, api, console, demo }) => ({ id, name: NAMES[id] ?? id, console, demo: demo ?? null, cloud: cloud({ fetch: ask, api, name: capital(NAMES[id] ?? id) }) }));
      follow();
    },
    /** Which clouds there are could not be read. */
    cloudsFailed() {
      configured = 'failed';
      draw();
    },
    /** What is looked at; null if it is nothing, or not this learner's. @param {Mine | null} next */
    setEndpoint(next) {
      const isOther = next?.endpoint !== mine?.endpoint;
      if (isOther) {
        deviceEventAt = null;
        lookedAtSince = clock.now();
      }
      if (isOther || next?.isForgotten !== mine?.isForgotten) {
        store?.silent();
        // Of an endpoint that was forgotten nothing is kept here either.
        store = next && !next.isForgotten ? eventStore(eventPlace(indexedDB, next.endpoint, clock.now), { mayWrite: () => stream?.leads() ?? false }) : null;
        if (streamState.kind === 'listening' && stream) store?.alive(Math.max(streamState.since, clock.now()));
        const opened = store;
        void opened?.load().then(() => opened === store && onChange());
      }
      const changed = isOther || next?.hookUrl !== mine?.hookUrl || next?.isForgotten !== mine?.isForgotten;
      mine = next;
      if (changed) follow();
      else draw();
    },
    /** The learner pressed Start: the webhook is to lead to the new endpoint, as was said. */
    started: () => (setUpNext = true),
    /** Looks where the webhook leads if the newest event that fires it led to no delivery here. @param {import('../rounds.js').Round[]} rounds */
    noteRounds(rounds) {
      const newest = rounds.findLast(({ strand }) => strand?.event?.name.startsWith(form.event))?.strand;
      if (!newest?.event || newest.delivery) return;
      const { seen } = newest.event;
      if (seen <= lookedFor || clock.now() - seen < UNANSWERED_MS) return;
      lookedFor = seen;
      void keeper.lookIfOlder(clock.now() - seen);
    },
    /** @returns {Event[]} */
    events: () => store?.events() ?? [],
    quiet: () => store?.quiet() ?? [],
    /** @returns {import('../rounds.js').Context} */
    context: () => ({ prefix: form.event, names }),
    /** What the steps are judged by, on Particle's side. */
    facts: () => ({
      hook: keeper.state(),
      devices,
      flashed,
      deviceEventAt: (store?.events() ?? []).reduce((last, { coreid, seen }) => (DEVICE_ID.test(coreid) && seen > (last ?? 0) ? seen : last), deviceEventAt),
      listeningSince: streamState.kind === 'listening' && stream !== null && connected() ? Math.max(streamState.since, lookedAtSince) : null,
    }),
    offered: () => offers.length > 0,
    removeWebhook,
    signOut,
    /** For the head of the log: since when events are heard, or that this browser never heard any. */
    heard() {
      const since = store?.since() ?? null;
      if (connected() && since !== null && streamState.kind === 'listening') {
        const hook = keeper.state();
        const away = hook.kind === 'elsewhere' ? '; the webhook leads elsewhere' : '';
        return `listening to events since ${clockTime.format(since)}${away}`;
      }
      if (connected() || (store?.quiet().length ?? 0) > 0) return 'not listening to events';
      return (store?.events().length ?? 0) > 0 ? '' : 'the server’s side only';
    },
    /** Who is signed in and to what, for whoever calls the cloud too; null if nobody is. */
    connection: () => {
      const now = connected();
      return now && { id: now.offer.id, cloud: now.offer.cloud, token: now.ticket.token, simulated: now.offer.demo !== null, devices };
    },
    /** Whether a simulated cloud is offered here. */
    simulates: () => offers.some(({ demo }) => demo !== null),
    learnAgain,
    /** The cloud does not take this token any more. @param {string} token */
    refused: (token) => signedIn.refused(token),
    /** Which cloud is signed in to: its id. @returns {{cloud: string, username: string} | null} */
    login: () => {
      const now = connected();
      return now && { cloud: now.offer.id, username: now.ticket.username };
    },
    /** What the cloud would send for a press of the test button, to be sent by the page itself. */
    sample: () => asParticleSends(form, { name: form.event, data: testData(freshId(crypto)), coreid: 'api', published_at: new Date().toISOString() }),
    /** The log was cleared. */
    clear() {
      store?.clear();
      onChange();
    },
    /** The page goes out of sight, perhaps for good. */
    pause() {
      stream?.stop();
      stream = null;
      followed = null;
      store?.silent();
      accountChannel.close();
      streamChannel.close();
    },
    /** It is back, or here for the first time. */
    resume() {
      accountChannel.open();
      streamChannel.open();
      const state = signedIn.state();
      if (state.kind === 'in' && (state.ticket.expiresAt ?? Infinity) <= clock.now()) signedIn.refused(state.ticket.token);
      else if (state.kind !== 'in') signedIn.resume();
      follow();
    },
  };
}

/** A channel that can be closed and opened again: a page with an open one may not be kept for "back". @param {string} name */
function channel(name) {
  /** @type {BroadcastChannel | null} */
  let open = null;
  /** @type {((event: any) => void) | null} */
  let onmessage = null;
  return {
    get onmessage() {
      return onmessage;
    },
    set onmessage(act) {
      onmessage = act;
      if (open) open.onmessage = act;
    },
    postMessage: (/** @type {any} */ message) => open?.postMessage(message),
    open() {
      open ??= new BroadcastChannel(name);
      open.onmessage = onmessage;
    },
    close() {
      open?.close();
      open = null;
    },
  };
}

/** Which webhook it was, and where it led, when this browser saw it last. */
const hookMemory = {
  /** @returns {import('./hook.js').Seen | null} */
  get() {
    const seen = keptHook.json();
    return typeof seen?.url === 'string' && typeof seen.id === 'string' ? seen : null;
  },
  /** @param {import('./hook.js').Seen | null} seen */
  set: (seen) => void (seen === null ? keptHook.keep(null) : keptHook.keepJson(seen)),
};

/** When streams were opened from this browser, so that reloading goes on counting. @returns {number[]} */
function openedBefore() {
  const kept = keptOpened.json();
  return Array.isArray(kept) ? kept.filter((at) => Number.isFinite(at) && at <= Date.now()) : [];
}

/** @param {Mine | null} mine */
function serverWords(mine) {
  const { hostname, host } = location;
  const here = hostname === '127.0.0.1' || hostname === 'localhost' || hostname === '[::1]';
  const who = here ? 'The server behind the hook URL is the program that you started on this computer.' : `The server behind the hook URL is run by whoever gave you the address ${host}; they can read what arrives there.`;
  return `${who} ${mine?.kept ?? ''} “Clear” and “Forget endpoint” delete it earlier.`;
}

/** @param {Offer[]} offers */
function noneWords(offers) {
  if (offers.length === 0) return 'No Particle account can be connected here: the Particle cloud could not reach this server. “Send one from this page” sends what Particle would send.';
  if (offers.every(({ demo }) => demo !== null)) return 'Your own Particle account is not offered here, because the Particle cloud could not reach this computer. Start the program with --public-url and the address of a tunnel to offer it.';
  return 'No account? “Send one from this page”, under your hook URL, sends what Particle would send.';
}

/** @param {any} one @returns {one is CloudConfig} */
const isCloud = (one) => typeof one?.id === 'string' && /^https?:\/\/[^/]+$/.test(one.api) && /^https?:\/\//.test(one.console);

/** @param {string} words */
const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

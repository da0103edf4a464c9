// @ts-check
// Particle's side of the page, wired: the account, its webhook, its events. What the log draws of it comes out as plain values.

import { part, slot } from '../lib/dom.js';
import { inBrowser, inTab } from '../lib/storage.js';
import { account } from './account.js';
import { channel } from '../lib/channel.js';
import { CloudProblem, cloud } from './cloud.js';
import { mountConnectCard } from './connect-card.js';
import { noneWords, serverWords, streamWords } from './connect-words.js';
import { deviceList } from './device-list.js';
import { eventFeed } from './event-feed.js';
import { hookKeeper } from './hook.js';
import { mountPublishCard } from './publish-card.js';
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
/** After this long without a delivery the page looks whether the webhook is still there and leads here: its answer may come from elsewhere. */
const UNANSWERED_MS = 5_000;
/** Somebody may have changed the webhook elsewhere; a look when the reader comes back, but not all the time. */
const LOOK_AGAIN_MS = 30_000;
const ask = /** @type {typeof fetch} */ ((input, init) => fetch(input, init));
const clockTime = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const keptHook = inBrowser('webhook-tutorial/webhook-seen');

/**
 * @param {{
 *   form: import('./webhook.js').Settings,
 *   clock: import('./stream.js').Clock,
 *   quote: (text: string) => string,
 *   confirm: typeof import('../lib/confirm.js').confirm,
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
  const redraw = () => {
    draw();
    onChange();
  };
  const onRefused = (/** @type {string} */ token) => signedIn.refused(token);
  const keeper = hookKeeper({ form, memory: hookMemory, onChange: redraw, onRefused });
  const devices = deviceList({
    connected: () => {
      const now = connected();
      return now && { cloud: now.offer.cloud, token: now.ticket.token };
    },
    onChange: redraw,
    onRefused,
  });
  const feed = eventFeed({
    event: form.event,
    fetch: ask,
    clock,
    channel: streamChannel,
    onEvent: (event) => {
      if (event.name === 'spark/status') devices.hear(event);
      onEvent(event);
    },
    onReason,
    onChange,
    onState: redraw,
    onRefused,
  });
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
    void devices.learn();
    feed.follow(now && mine && { name: `${now.offer.id}|${now.ticket.username}`, api: now.offer.cloud.api, token: now.ticket.token });
    const moved = keeper.at(now && mine?.hookUrl ? { cloud: now.offer.cloud, token: now.ticket.token, url: mine.hookUrl } : null);
    if (now && mine?.hookUrl && (moved || setUpNext)) {
      void (setUpNext && !mine.isForgotten ? keeper.setUp() : keeper.look());
      setUpNext = false;
    }
    redraw();
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
      devices: devices.all(),
      stream: streamWords(feed.state()),
      server: serverWords(location, mine?.kept ?? ''),
      why: said || (isForgotten && !now ? 'The endpoint is forgotten. Connect only to look after what is left in the account; nothing is made.' : ''),
      makesHook: !isForgotten,
      none: configured === 'yes' ? noneWords(offers) : configured === 'failed' ? 'Which clouds can be connected here could not be read. Reload the page to try again.' : '',
    });
    webhookCard.update(hook, { consoleAt: now && hook.kind === 'ours' ? consoleUrl(now.offer.console, hook.id) : '', isForgotten });
    publishCard.update({ shown: now !== null && mine !== null, hasLine: now?.offer.demo === null });
    part('top-account').hidden = now === null;
    const [device] = devices.all() ?? [];
    slot('top-who').textContent = device ? `${device.name ?? device.id} · ${device.online ? 'online' : 'offline'}` : '';
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
      const isNew = isOther || next?.isForgotten !== mine?.isForgotten;
      if (isOther) feed.lookAtOther();
      // Of an endpoint that was forgotten nothing is kept here either.
      if (isNew) feed.keepFor(next && !next.isForgotten ? next.endpoint : null);
      const changed = isNew || next?.hookUrl !== mine?.hookUrl;
      mine = next;
      if (changed) follow();
      else draw();
    },
    /** The learner pressed Start: the webhook is to lead to the new endpoint, as was said. */
    started: () => (setUpNext = true),
    /** Looks where the webhook leads if the newest event that fires it led to no delivery here. @param {import('../log/rounds.js').Round[]} rounds */
    noteRounds(rounds) {
      const newest = rounds.findLast(({ strand }) => strand?.event?.name.startsWith(form.event))?.strand;
      if (!newest?.event || newest.delivery) return;
      const { seen } = newest.event;
      if (seen <= lookedFor || clock.now() - seen < UNANSWERED_MS) return;
      lookedFor = seen;
      void keeper.lookIfOlder(clock.now() - seen);
    },
    events: feed.events,
    quiet: feed.quiet,
    /** @returns {import('../log/rounds.js').Context} */
    context: () => ({ prefix: form.event, names: devices.names() }),
    /** What the steps are judged by, on Particle's side. */
    facts: () => ({ hook: keeper.state(), devices: devices.all(), ...feed.facts() }),
    offered: () => offers.length > 0,
    removeWebhook,
    signOut,
    /** For the head of the log: since when events are heard, or that this browser never heard any. */
    heard() {
      const since = feed.since();
      if (connected() && since !== null) {
        const hook = keeper.state();
        const away = hook.kind === 'elsewhere' ? '; the webhook leads elsewhere' : '';
        return `listening to events since ${clockTime.format(since)}${away}`;
      }
      if (connected() || feed.quiet().length > 0) return 'not listening to events';
      return feed.events().length > 0 ? '' : 'the server’s side only';
    },
    /** Who is signed in and to what, for whoever calls the cloud too; null if nobody is. */
    connection: () => {
      const now = connected();
      return now && { id: now.offer.id, cloud: now.offer.cloud, token: now.ticket.token, simulated: now.offer.demo !== null, devices: devices.all() };
    },
    /** Whether a simulated cloud is offered here. */
    simulates: () => offers.some(({ demo }) => demo !== null),
    learnAgain: devices.learnAgain,
    /** The cloud does not take this token any more. @param {string} token */
    refused: onRefused,
    /** Which cloud is signed in to: its id. @returns {{cloud: string, username: string} | null} */
    login: () => {
      const now = connected();
      return now && { cloud: now.offer.id, username: now.ticket.username };
    },
    /** What the cloud would send for a press of the test button, to be sent by the page itself. */
    sample: () => asParticleSends(form, { name: form.event, data: testData(freshId(crypto)), coreid: 'api', published_at: new Date().toISOString() }),
    /** The log was cleared. */
    clear: feed.clear,
    /** The page goes out of sight, perhaps for good. */
    pause() {
      feed.stop();
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

/** @param {any} one @returns {one is CloudConfig} */
const isCloud = (one) => typeof one?.id === 'string' && /^https?:\/\/[^/]+$/.test(one.api) && /^https?:\/\//.test(one.console);

/** @param {string} words */
const capital = (words) => words.charAt(0).toUpperCase() + words.slice(1);

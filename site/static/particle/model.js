// @ts-check
// Particle's side of the state: who is signed in to which cloud, the webhook in that account, its
// devices, its events.

import { channel } from '../lib/channel.js';
import { soon } from '../lib/clock.js';
import { computed, effect, signal, untracked } from '../lib/signal.js';
import { inBrowser, inTab } from '../lib/storage.js';
import { span } from '../lib/time.js';
import { account } from './account.js';
import { CloudProblem, cloud } from './cloud.js';
import { deviceList } from './device-list.js';
import { eventFeed } from './event-feed.js';
import { hookKeeper } from './hook.js';
import { freshId, testData } from './webhook.js';

/**
 * @typedef {import('./cloud.js').Ticket} Ticket
 * @typedef {import('./event.js').Event} Event
 * @typedef {{id: string, name: string, cloud: ReturnType<typeof cloud>, console: string,
 *   demo: {username: string, password: string} | null}} Offer a cloud that can reach the hook URL
 * @typedef {{offer: Offer, cloud: Offer['cloud'], token: string, username: string, isSimulated:
 *   boolean}} Connection
 */

/** Names of the clouds, as people say them. */
const NAMES = new Map([
  ['simulated', 'the simulated cloud'],
  ['particle', 'the Particle cloud'],
]);
/**
 * After this long without a delivery the page looks whether the webhook is still there and leads
 * here: its answer may come from elsewhere.
 */
export const UNANSWERED_MS = 5_000;
/**
 * Somebody may have changed the webhook elsewhere; a look when the reader comes back, but not all
 * the time.
 */
const LOOK_AGAIN_MS = 30_000;
const keptHook = inBrowser('webhook-tutorial/webhook-seen');
const ask = /** @type {typeof fetch} */ ((input, init) => fetch(input, init));

/**
 * @param {{
 *   state: import('../state.js').State,
 *   form: import('./webhook.js').Settings,
 *   clock: import('./stream.js').Clock,
 *   onReason: () => void,
 *   expectToken: (token: string) => Promise<void>,
 * }} options `form`: webhook.json. `onReason`: there is a reason to ask for deliveries.
 *   `expectToken`: tells the server which token the webhook carries
 */
export function createParticle({ state, form, clock, onReason, expectToken }) {
  const accountChannel = channel('webhook-tutorial/account');
  const streamChannel = channel('webhook-tutorial/events');
  let setUpNext = false;
  /** @type {Set<(event: Event) => void>} */
  const listeners = new Set();

  /** The clouds that can reach the hook URL; null until they are known. */
  const offers = computed(() => {
    const config = state.config.value;
    return config ? config.clouds.filter(isCloud).map(offerOf) : null;
  });
  /**
   * Who is signed in, and to what; null if nobody is.
   * @type {import('../lib/signal.js').Readable<Connection | null>}
   */
  const connection = computed(() => {
    const now = state.account.value;
    const offer = now.kind === 'in' && offers.value?.find(({ id }) => id === now.cloud);
    if (!offer || now.kind !== 'in') return null;
    const { token, username } = now.ticket;
    return { offer, cloud: offer.cloud, token, username, isSimulated: offer.demo !== null };
  }, isSameConnection);
  /**
   * The learner's endpoint, for which events are kept and the webhook is looked after. One that was
   * forgotten gets nothing
   * more, and what is in the account is there to be removed.
   */
  const mine = computed(() => {
    if (state.reading.value) return null;
    const keys = state.keys.value;
    const url = state.info.value?.hook_url ?? null;
    if (keys?.owner) return { endpoint: keys.endpoint, url, isForgotten: false };
    const was = state.forgotten.value;
    return was && { ...was, isForgotten: true };
  }, isSameMine);

  const signedIn = account({
    kept: inTab('webhook-tutorial/login'),
    channel: accountChannel,
    now: clock.now,
    later: (act, ms) => {
      const timer = setTimeout(act, ms);
      return () => clearTimeout(timer);
    },
    onChange: (next, how) => {
      // Whoever removed the webhook signs in to look, and not to have it made again.
      const seen = hookMemory.get();
      const isRemoved = seen?.id === null && seen.url === mine.peek()?.url;
      if (how === 'new' && !isRemoved) setUpNext = true;
      if (next.kind === 'in') state.signedOutWhy.value = '';
      if (next.kind === 'expired') state.signedOutWhy.value = EXPIRED;
      state.account.value = next;
    },
  });
  const onRefused = (/** @type {string} */ token) => signedIn.refused(token);
  const webhook = hookKeeper({
    form,
    memory: hookMemory,
    expectToken,
    onChange: (next) => {
      state.webhook.value = next;
      // While it is asked for, what was known last counts.
      const leading = 'leading' in next ? next.leading : next.kind === 'none' ? [] : null;
      const isNew = JSON.stringify(leading) !== JSON.stringify(state.hooks.peek());
      if (leading === null || !isNew) return;
      state.hooks.value = leading;
      void watch(leading);
    },
    onRefused,
  });
  /** @param {import('./cloud.js').Integration[]} hooks that lead here */
  async function watch(hooks) {
    const isOwn = (/** @type {any} */ { responseTopic, errorResponseTopic }) =>
      responseTopic !== form.responseTopic || errorResponseTopic !== form.errorResponseTopic;
    const topics = hooks.some(isOwn) ? await import('./topics.js') : null;
    if (state.hooks.peek() === hooks)
      feed.watch(hooks, topics?.readerOf(hooks) ?? null, topics?.madeBy(hooks) ?? null);
  }
  const devices = deviceList({
    connected: connection.peek,
    onChange: (list, names) => {
      state.devices.value = list;
      state.deviceNames.value = names;
    },
    onRefused,
  });
  const feed = eventFeed({
    event: form.event,
    fetch: ask,
    clock,
    channel: streamChannel,
    onEvent: (event) => {
      if (event.name === 'spark/status') devices.hear(event);
      for (const listener of listeners) listener(event);
    },
    onReason,
    onChange: soon(() => {
      const { flashed, deviceEventAt, listeningSince, heardSince } = feed.facts();
      const quiet = feed.quiet();
      state.events.value = feed.events();
      if (JSON.stringify(quiet) !== JSON.stringify(state.quiet.peek())) state.quiet.value = quiet;
      state.stream.value = feed.state();
      state.flashed.value = flashed;
      state.deviceEventAt.value = deviceEventAt;
      state.listeningSince.value = listeningSince;
      state.heardSince.value = heardSince;
    }),
    onRefused,
  });

  /** How often the page came into sight. */
  const resumes = signal(0);
  // Stream, devices and webhook follow who is signed in and what is looked at, and begin again with
  // a page that “back” brings as it was left.
  let lookedAt = /** @type {string | null} */ (null);
  let keptFor = /** @type {string | null} */ (null);
  effect(() => {
    const to = mine.value;
    const now = connection.value;
    void resumes.value;
    untracked(() => {
      if ((to?.endpoint ?? null) !== lookedAt) feed.lookAtOther();
      lookedAt = to?.endpoint ?? null;
      // Of an endpoint that was forgotten nothing is kept here either.
      const kept = to && !to.isForgotten ? to.endpoint : null;
      if (kept !== keptFor) feed.keepFor(kept);
      keptFor = kept;
      void devices.learn();
      const name = now && `${now.offer.id}|${now.username}`;
      feed.follow(now && to && { name: name ?? '', api: now.cloud.api, token: now.token });
      const url = to?.url ?? null;
      const at = now && url !== null ? { cloud: now.cloud, token: now.token, url } : null;
      const hasMoved = webhook.at(at);
      if (at === null || !(hasMoved || setUpNext)) return;
      void (setUpNext && !to?.isForgotten ? webhook.setUp() : webhook.look());
      setUpNext = false;
    });
  });
  addEventListener('visibilitychange', () => {
    if (!document.hidden) void webhook.lookIfOlder(LOOK_AGAIN_MS);
  });

  /** When the event was heard that was looked for last, because nothing came of it here. */
  let lookedFor = -Infinity;

  return {
    event: form.event,
    form,
    offers,
    connection,
    mine,
    webhook,
    /** In words, how long the server keeps what it gets. */
    keptFor: () => {
      const info = state.info.value;
      return info ? `It keeps deliveries for ${span(info.limits.delivery_ttl_s * 1000)}.` : '';
    },
    learnDevices: devices.learnAgain,
    refused: onRefused,
    /** The learner pressed Start: the webhook is to lead to the new endpoint, as was said. */
    setUpNext: () => void (setUpNext = true),
    /**
     * Hears everything that happens in the account, about the webhook or not.
     * @param {(event: Event) => void} listener
     */
    listen: (listener) => void listeners.add(listener),
    /** @param {Offer} offer @param {Ticket} ticket */
    signIn(offer, ticket) {
      signedIn.signedIn({ cloud: offer.id, ticket });
      // There is no endpoint that a webhook could lead to.
      if (mine.peek() === null) state.startRequests.value += 1;
    },
    async signOut() {
      const now = signedIn.state();
      const cloudNow = connection.peek()?.cloud;
      state.signedOutWhy.value = '';
      signedIn.out();
      try {
        if (now.kind === 'in') await cloudNow?.signOut(now.ticket);
      } catch {
        state.signedOutWhy.value =
          'Signed out here. The token could not be deleted in the cloud; it ends by itself ' +
          'within the hour.';
      }
    },
    /**
     * @param {string} name
     * @param {string | null} data
     * @returns {Promise<string | null>} what went wrong
     */
    async publish(name, data) {
      const now = connection.peek();
      if (!now) return 'Not published: nobody is signed in.';
      try {
        onReason();
        if (name.startsWith(form.event)) void webhook.lookIfOlder(UNANSWERED_MS);
        await now.cloud.publish(now.token, name, data);
        onReason();
        return null;
      } catch (error) {
        if (!(error instanceof CloudProblem))
          return 'Not published: something went wrong in this page.';
        if (error.cause === 'expired') signedIn.refused(now.token);
        const isUnknown = error.cause === 'late';
        return `${isUnknown ? 'It may have been published.' : 'Not published.'} ${error.message}`;
      }
    },
    /** Whether a webhook led here when this browser saw it last. */
    hadWebhook() {
      const seen = hookMemory.get();
      return seen !== null && seen.id !== null && seen.url === mine.value?.url;
    },
    /** Data for a press of the test button. */
    testData: () => testData(freshId(crypto)),
    /** What the cloud would send for a press of the test button, to be sent by the page itself. */
    sample: async () => {
      const { asParticleSends } = await import('./sample.js');
      const published_at = new Date().toISOString();
      const data = testData(freshId(crypto));
      return asParticleSends(form, { name: form.event, data, coreid: 'api', published_at });
    },
    /** Deletes the webhook in the account. */
    async removeWebhook() {
      await webhook.remove();
      const { kind } = webhook.state();
      const isGone = kind === 'absent' || kind === 'elsewhere';
      if (!isGone) throw new Error('the webhook may still be in the account');
    },
    /**
     * Looks where the webhook leads, once for an event that led to no delivery here.
     * @param {number} seen when the event was heard
     */
    lookForWebhook(seen) {
      if (seen <= lookedFor) return;
      lookedFor = seen;
      void webhook.lookIfOlder(clock.now() - seen);
    },
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
      resumes.value += 1;
      const now = signedIn.state();
      const isOver = now.kind === 'in' && (now.ticket.expiresAt ?? Infinity) <= clock.now();
      if (isOver && now.kind === 'in') signedIn.refused(now.ticket.token);
      else if (now.kind !== 'in') signedIn.resume();
    },
  };
}

const EXPIRED =
  'The sign-in has ended: tokens last an hour here. The log and your place in it stay; sign in ' +
  'again to go on.';

/** Which webhook it was, and where it led, when this browser saw it last. */
const hookMemory = {
  /** @returns {import('./hook.js').Seen | null} */
  get() {
    const seen = keptHook.json();
    const isId = seen?.id === null || typeof seen?.id === 'string';
    return typeof seen?.url === 'string' && isId ? seen : null;
  },
  /** @param {import('./hook.js').Seen | null} seen */
  set: (seen) => void (seen === null ? keptHook.keep(null) : keptHook.keepJson(seen)),
};

/** @param {any} one as config.json has it */
const isCloud = (one) =>
  typeof one?.id === 'string' &&
  /^https?:\/\/[^/]+$/.test(one.api) &&
  /^https?:\/\//.test(one.console);

/** @param {any} one @returns {Offer} */
function offerOf({ id, api, console, demo }) {
  const name = NAMES.get(id) ?? id;
  const title = name.charAt(0).toUpperCase() + name.slice(1);
  return { id, name, console, demo: demo ?? null, cloud: cloud({ fetch: ask, api, name: title }) };
}

/** @param {Connection | null} a @param {Connection | null} b */
const isSameConnection = (a, b) => a?.offer === b?.offer && a?.token === b?.token;

/** @typedef {{endpoint: string, url: string | null, isForgotten: boolean} | null} Mine */
/** @param {Mine} a @param {Mine} b */
const isSameMine = (a, b) =>
  a?.endpoint === b?.endpoint && a?.url === b?.url && a?.isForgotten === b?.isForgotten;

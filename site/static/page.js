// @ts-check
// The page: the state, what follows from it, and what can be done. Every component gets this and
// nothing else.

import { createEndpoint } from './keys/endpoint.js';
import { keyRing } from './keys/key-ring.js';
import { channel } from './lib/channel.js';
import { hasCome } from './lib/clock.js';
import { perObject } from './lib/memo.js';
import { computed, effect, untracked } from './lib/signal.js';
import { modeOf } from './cards/mode-words.js';
import { openFirst } from './log/dock-place.js';
import { sentAt } from './log/delivery.js';
import { matching } from './log/matching.js';
import { browserClock } from './log/poll.js';
import { rounds as roundsOf } from './log/rounds.js';
import { UNANSWERED_MS, createParticle } from './particle/model.js';
import { isUnusual } from './particle/origin.js';
import { SILENT_MS } from './steps/rules.js';

/** @typedef {ReturnType<typeof createPage>} Page */
/** @typedef {import('./lib/api-client.js').Delivery} Delivery */

/**
 * @param {import('./state.js').State} state
 * @param {import('./particle/webhook.js').Settings} form of the webhook
 */
export function createPage(state, form) {
  const tabs = channel('webhook-tutorial');
  const clock = { ...browserClock, now: Date.now };
  const ring = keyRing(
    () => localStorage,
    () => sessionStorage,
  );
  /** Something is about to arrive. */
  const expect = () => endpoint.poke({ expecting: true });
  const particle = createParticle({
    state,
    form,
    clock,
    onReason: () => expect(),
    expectToken: (token) =>
      endpoint.changeSettings({ expect: { scheme: 'bearer', token, refuse: 0 } }),
  });
  const endpoint = createEndpoint({
    state,
    ring,
    tabs,
    onCleared: () => particle.clear(),
    onStarted: () => particle.setUpNext(),
  });
  tabs.onmessage = ({ data }) => void (data && endpoint.hear(data));

  /** Whether the server has said what there is, so that what comes later is new. */
  const isAsked = computed(() => state.log.value.cursor !== null);
  /** The deliveries whose response is held back and not sent yet. */
  const waiting = computed(
    () => state.log.value.deliveries.filter((one) => !isSent(one)).map(({ seq }) => seq),
    (a, b) => a.join() === b.join(),
  );
  /** All rounds there are, the oldest first. */
  const rounds = computed(() => {
    const log = state.log.value;
    const isOwn = isAsked.value && !state.reading.value;
    // Events alone, before it is known what was delivered, would look as if nothing had come of
    // them.
    const events = state.file.value?.events ?? (isOwn ? state.events.value : []);
    const quiet = isOwn ? state.quiet.value : [];
    const context = {
      prefix: particle.event,
      hooks: state.hooks.value,
      later: state.later.value,
      names: state.deviceNames.value,
      waiting: waiting.value,
    };
    return roundsOf(log.deliveries, events, { ...log, quiet }, context);
  });
  /** Those that the filter lets through. */
  const listed = computed(() => matching(rounds.value, state.filter.value, state.search.value));
  const mode = computed(() => {
    const now = particle.connection.value;
    const login = now && { cloud: now.offer.id, username: now.username };
    return modeOf({ login, clouds: state.config.value?.clouds ?? [] });
  });
  /**
   * What the steps are judged by.
   * @type {import('./lib/signal.js').Readable<import('./steps/rules.js').World>}
   */
  const world = computed(() => {
    const now = particle.connection.value;
    const keys = state.keys.value;
    const heardAt = latest(state.deviceEventAt.value, state.cleanUp.value.deviceEventAt);
    const last = Math.max(heardAt ?? 0, state.listeningSince.value ?? 0);
    // A device that publishes no more counts as stopped after a while: then this is derived again.
    if (last > 0) hasCome(last + SILENT_MS);
    return {
      mode: mode.value,
      endpoint: keys?.owner ? keys.endpoint : null,
      login: now && { cloud: now.offer.id, username: now.username },
      prefix: particle.event,
      names: state.deviceNames.value,
      rounds: rounds.value,
      maxDelayMs: state.info.value?.limits.max_delay_ms ?? null,
      template: state.template.value,
      forgotten: state.forgotten.value?.endpoint ?? null,
      now: Date.now(),
      hook: state.webhook.value,
      devices: state.devices.value,
      flashed: state.flashed.value,
      results: state.results.value,
      deviceEventAt: heardAt,
      listeningSince: state.listeningSince.value,
    };
  });
  /** What there is for a part of the page that wants something. */
  const available = computed(() => ({
    hook: state.webhook.value.kind,
    started: Boolean(state.keys.value?.owner),
    connected: particle.connection.value !== null,
    device: (state.devices.value?.length ?? 0) > 0,
    offered: particle.offers.value === null || particle.offers.value.length > 0,
  }));

  effect(() => {
    if (!state.isOpened.value) return;
    const isReading = state.reading.value;
    state.isStarted.value =
      state.keys.value !== null || isReading || state.forgotten.value !== null;
  });

  // What only other webhooks than the tutorial's need is loaded when there is one.
  const isUnusualHere = computed(() => {
    const hook = state.webhook.value;
    const isOurs = hook.kind === 'ours';
    const others = 'leading' in hook && hook.leading.length > (isOurs ? 1 : 0);
    const isChanged = isOurs && hook.differs.length > 0;
    const isAlone = rounds.value.some(({ trace }) => trace?.alone);
    return others || isChanged || isAlone || state.log.value.deliveries.some(isUnusual);
  });
  effect(() => {
    if (state.later.value !== null || !isUnusualHere.value) return;
    Promise.all([
      import('./particle/explain.js'),
      import('./particle/by-order.js'),
      import('./particle/topics.js'),
    ]).then(
      ([explain, order, topics]) => (state.later.value = { ...explain, ...order, ...topics }),
      // Offline; it is tried again when something changes.
      () => {},
    );
  });

  // A round came if it is newer than those that were there. What is read from the past did not.
  /** @type {Set<string> | null} */
  let known = null;
  effect(() => {
    const all = rounds.value;
    if (!isAsked.value) {
      known = null;
      state.arrived.value = new Set();
      return;
    }
    const before = known;
    known = new Set(all.map(({ key }) => key));
    if (before === null) return;
    const last = all.findLastIndex(({ key }) => before.has(key));
    const fresh = all.slice(last + 1).map(({ key }) => key);
    if (fresh.length === 0) return;
    const arrived = untracked(() => state.arrived.value);
    state.arrived.value = new Set([...arrived, ...fresh]);
  });
  // A request of Particle whose event was not heard may be of a webhook that is new.
  effect(() => {
    const isUnknown = (/** @type {import('./log/rounds.js').Round} */ { trace }) =>
      trace?.delivery && !trace.event && isUnusual(trace.delivery);
    const delivery = rounds.value.findLast(isUnknown)?.trace?.delivery;
    if (!delivery || !hasCome(seenAt(delivery) + UNANSWERED_MS)) return;
    untracked(() => particle.lookForWebhook(seenAt(delivery)));
  });
  // An event that triggers the webhook and leads to no delivery here, or whose response is not seen
  // to come back, says that the webhook may have changed.
  effect(() => {
    const names = [particle.event, ...state.hooks.value.map(({ event }) => event)];
    const isTrigger = (/** @type {import('./log/rounds.js').Round} */ { trace }) =>
      names.some((name) => trace?.event?.name.startsWith(name));
    const newest = rounds.value.findLast(isTrigger)?.trace;
    if (!newest?.event || isWhole(newest)) return;
    const held = newest.delivery?.response.delay_ms ?? 0;
    if (!hasCome(newest.event.seen + held + UNANSWERED_MS)) return;
    const { seen } = newest.event;
    untracked(() => particle.lookForWebhook(seen));
  });

  return {
    state,
    endpoint,
    particle,
    clock,
    isAsked,
    rounds,
    listed,
    mode,
    world,
    available,
    expect,
    /** The reader sends something that is then to be seen in the log. */
    expectRound() {
      openFirst(state);
      state.place.value = 'newest';
      expect();
    },
    /** What belongs to the life of the page and of its tab. */
    open() {
      tabs.open();
      particle.resume();
    },
    close() {
      tabs.close();
      particle.pause();
    },
  };
}

/** When this browser first saw a delivery. */
const seenAt = perObject((/** @type {Delivery} */ _delivery) => Date.now());

/**
 * Whether the response was sent. No delay lasts longer than since this browser saw the delivery,
 * whatever the clocks say.
 * @param {Delivery} delivery
 */
function isSent(delivery) {
  const { delay_ms } = delivery.response;
  return delay_ms === 0 || hasCome(Math.min(sentAt(delivery) || 0, seenAt(delivery) + delay_ms));
}

/** Whether everything came that follows. @param {import('./particle/join.js').Trace} trace */
const isWhole = ({ delivery, responses, errors }) =>
  delivery !== null && (delivery.response.body === '' || responses.length + errors.length > 0);

/** @param {number | null} a @param {number | null} b */
const latest = (a, b) => (a === null ? b : b === null ? a : Math.max(a, b));

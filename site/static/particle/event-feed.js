// @ts-check
// The events of the account that is signed in to: heard by one stream for all tabs, and kept for
// the endpoint that is looked at. No DOM.

import { inBrowser } from '../lib/storage.js';
import { eventDatabase } from './event-database.js';
import { concerns, meaningOf } from './event.js';
import { eventStore } from './event-store.js';
import { oneStream } from './one-stream.js';
import { listen } from './stream.js';

/**
 * @typedef {import('./event.js').Event} Event
 * @typedef {{name: string, api: string, token: string}} Source a stream: `name` of cloud and
 *   account, so that tabs share it
 */

const DEVICE_ID = /^[0-9a-f]{24}$/;
/** So many events are looked at again when more is known of the webhooks, if they are not long. */
const MAX_PASSED = 100;
const MAX_PASSED_DATA = 16 * 1024;
const keptOpened = inBrowser('webhook-tutorial/streams-opened');

/**
 * @param {{
 *   event: string,
 *   fetch: typeof globalThis.fetch,
 *   clock: import('./stream.js').Clock,
 *   channel: import('../lib/channel.js').Channel,
 *   onEvent: (event: Event) => void,
 *   onReason: () => void,
 *   onChange: () => void,
 *   onRefused: (token: string) => void,
 * }} options `event`: the name that the webhook is set to. `onEvent`: anything happened, about the
 * webhook or not. `onReason`: a
 *   delivery may be there. `onChange`: there is another event, or it listens, or not
 */
export function eventFeed({
  event: prefix,
  fetch,
  clock,
  channel,
  onEvent,
  onReason,
  onChange,
  onRefused,
}) {
  /** @type {ReturnType<typeof eventStore> | null} */
  let store = null;
  /** @type {ReturnType<typeof oneStream> | null} */
  let stream = null;
  /** @type {import('./stream.js').StreamState} */
  let state = { kind: 'connecting' };
  /** Which stream that is, and with which token. @type {string | null} */
  let followed = null;
  /**
   * When a device was heard last since this endpoint is looked at, and since when that is; the log
   * may be cleared meanwhile.
   * @type {number | null}
   */
  let deviceEventAt = null;
  let lookedAtSince = 0;
  /** Devices that received a flash and are restarting with it. @type {Set<string>} */
  const restarting = new Set();
  /** The last flash that a device came back with. @type {{coreid: string, at: number} | null} */
  let flashed = null;
  /** The names of the events that trigger a webhook here. */
  let names = [prefix];
  /** What names say by the settings of those webhooks; null if they say what they say anyhow. */
  let read = /** @type {ReturnType<import('./join.js').Later['readerOf']> | null} */ (null);
  /** Whether they make a name that doesn't say so. */
  let isMade = /** @type {ReturnType<typeof import('./topics.js').madeBy> | null} */ (null);
  /** What was about none of them. @type {Event[]} */
  let passed = [];

  /** @param {Source} source */
  function listenTo({ name, api, token }) {
    state = { kind: 'connecting' };
    stream = oneStream({
      name,
      locks: navigator.locks ?? null,
      channel,
      listen: (heard) =>
        listen({
          ...heard,
          fetch,
          api,
          token,
          clock,
          opened: openedBefore(),
          onOpen: keptOpened.keepJson,
        }),
      heard: {
        onLead: () => {},
        onEvent: hear,
        onAlive: (at) => store?.alive(at),
        onState: (next) => {
          state = next;
          if (state.kind === 'listening') store?.alive(state.since);
          else store?.silent();
          if (state.kind === 'ended' && state.cause === 'expired') onRefused(token);
          onChange();
        },
      },
    });
  }

  /** @param {Event} event */
  function hear(event) {
    onEvent(event);
    const word = (event.data ?? '').trim();
    if (event.name === 'spark/flash/status' && word === 'success') restarting.add(event.coreid);
    const isBack = event.name === 'spark/status' && word === 'online';
    if (isBack && restarting.delete(event.coreid)) {
      flashed = { coreid: event.coreid, at: event.seen };
      onChange();
    }
    store?.alive(event.seen);
    take(event);
  }

  /** Keeps an event if it is about a webhook that leads here. @param {Event} event */
  function take(event) {
    const own = read?.(event);
    const { kind } = own ?? meaningOf(event);
    const isOwn = own?.isOwnTopic || isMade?.(event, store?.events() ?? []);
    if (!isOwn && !names.some((name) => concerns(event, name))) {
      const isShort = (event.data?.length ?? 0) <= MAX_PASSED_DATA;
      if (isShort) passed = [...passed, event].slice(-MAX_PASSED);
      return;
    }
    if (DEVICE_ID.test(event.coreid)) deviceEventAt = Math.max(deviceEventAt ?? 0, event.seen);
    if (!store?.add(event)) return;
    if (isOwn || ['sent', 'response', 'error'].includes(kind)) onReason();
    onChange();
  }

  /** Nobody listens any more. */
  function stop() {
    stream?.stop();
    stream = null;
    followed = null;
    store?.silent();
    onChange();
  }

  return {
    /** Listens to another stream, if it is another. @param {Source | null} source */
    follow(source) {
      const wanted = source && `${source.name}|${source.token}`;
      if (wanted === followed) return;
      stop();
      followed = wanted;
      if (source) listenTo(source);
    },
    stop,
    /** Begins with another endpoint. */
    lookAtOther() {
      deviceEventAt = null;
      lookedAtSince = clock.now();
    },
    /**
     * Keeps what is heard from now on for this endpoint, or for none.
     * @param {string | null} endpoint
     */
    keepFor(endpoint) {
      store?.silent();
      store =
        endpoint === null
          ? null
          : eventStore(eventDatabase(indexedDB, endpoint, clock.now), {
              mayWrite: () => stream?.leads() ?? false,
            });
      if (state.kind === 'listening' && stream) store?.alive(Math.max(state.since, clock.now()));
      onChange();
      const opened = store;
      void opened?.load().then(() => opened === store && onChange());
    },
    /**
     * Keeps what is about these webhooks from now on, and what was heard of them a moment ago.
     * @param {import('./topics.js').Hook[]} hooks @param {typeof read} reader
     * @param {typeof isMade} made
     */
    watch(hooks, reader, made) {
      names = [prefix, ...hooks.map(({ event }) => event)];
      read = reader;
      isMade = made;
      const again = passed;
      passed = [];
      for (const event of again) take(event);
    },
    state: () => state,
    /** @returns {Event[]} */
    events: () => store?.events() ?? [],
    quiet: () => store?.quiet() ?? [],
    /** What the steps are judged by. */
    facts: () => ({
      flashed,
      /** Since when every event was heard; null if nobody listens. */
      heardSince: state.kind === 'listening' ? (store?.since() ?? null) : null,
      deviceEventAt: (store?.events() ?? []).reduce(
        (last, { coreid, seen }) => (DEVICE_ID.test(coreid) && seen > (last ?? 0) ? seen : last),
        deviceEventAt,
      ),
      listeningSince:
        state.kind === 'listening' && stream !== null ? Math.max(state.since, lookedAtSince) : null,
    }),
    /** The log was cleared. */
    clear() {
      store?.clear();
      onChange();
    },
  };
}

/**
 * When streams were opened from this browser, so that reloading goes on counting.
 * @returns {number[]}
 */
function openedBefore() {
  const kept = keptOpened.json();
  return Array.isArray(kept) ? kept.filter((at) => Number.isFinite(at) && at <= Date.now()) : [];
}

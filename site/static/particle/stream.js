// @ts-check
// Listens to a cloud's events, for as long as it may, and says when it does not: the stream has no
// memory, so what happens while nobody listens is never seen here.

import { contentCounter, eventOf } from './event.js';
import { sseReader } from './sse.js';

/**
 * @typedef {import('./event.js').Event} Event
 * @typedef {{kind: 'listening', since: number} | {kind: 'connecting'} | {kind: 'waiting', until:
 *   number, why: string}
 *   | {kind: 'ended', cause: 'expired' | 'refused', why: string}} StreamState times in milliseconds
 * @typedef {{now: () => number, wait: (ms: number, signal: AbortSignal) => Promise<void>}} Clock
 *   `wait` ends early, without
 *   failing, when its signal is aborted
 */

/**
 * A stream says at least every ten seconds that it is there. After this much silence it is dead,
 * whatever TCP believes.
 */
export const SILENCE_MS = 25_000;
/** How long an answer's head may take. */
const HEAD_MS = 20_000;
const FIRST_BACKOFF_MS = 1_000;
const LONGEST_BACKOFF_MS = 60_000;
/**
 * Listening this long means that all is well, and the next break starts from the shortest wait
 * again.
 */
const WELL_MS = 30_000;
/** Particle allows 100 connections in five minutes from one address; others may share it. */
export const MAX_CONNECTIONS = 20;
const WINDOW_MS = 5 * 60_000;

/**
 * How long to wait before the next try.
 * @param {number} failures in a row, at least 1 @param {number} random from 0 to 1
 */
export const backoff = (failures, random) =>
  Math.min(LONGEST_BACKOFF_MS, FIRST_BACKOFF_MS * 2 ** Math.min(failures - 1, 10)) *
  (0.5 + random / 2);

/**
 * @param {{
 *   fetch: typeof globalThis.fetch, api: string, token: string, clock: Clock, signal: AbortSignal,
 *   random?: () => number,
 *   opened?: number[], onOpen?: (opened: number[]) => void, onEvent: (event: Event) => void,
 *   onState: (state: StreamState) => void, onAlive?: (at: number) => void,
 * }} options `opened`: when connections were opened before; `onOpen` hears of each, so that the
 * caller can keep count. `onAlive`: the
 *   stream was heard, be it only its sign of life
 * @returns {Promise<void>} ends when `signal` is aborted or the cloud does not want this token
 */
export async function listen({
  fetch,
  api,
  token,
  clock,
  signal,
  random = Math.random,
  opened = [],
  onOpen = () => {},
  onEvent,
  onState,
  onAlive = () => {},
}) {
  let failures = 0;
  while (!signal.aborted) {
    const wait = quota(opened, clock.now());
    if (wait > 0) {
      onState({
        kind: 'waiting',
        until: clock.now() + wait,
        why: 'connected too often in five minutes',
      });
      await clock.wait(wait, signal);
      continue;
    }
    opened.push(clock.now());
    onOpen(opened);
    onState({ kind: 'connecting' });
    const result = await once();
    if (signal.aborted) return;
    if ('ended' in result) return onState(result.ended);
    failures = result.heardMs >= WELL_MS ? 1 : failures + 1;
    // The first break of a stream that worked is most likely only that: a break.
    const pause = result.busy
      ? Math.max(30_000, backoff(failures, random()))
      : backoff(failures, random());
    onState({ kind: 'waiting', until: clock.now() + pause, why: result.why });
    await clock.wait(pause, signal);
  }

  /**
   * One connection, to its end.
   * @returns {Promise<{why: string, heardMs: number, busy?: boolean} | {ended: StreamState}>}
   */
  async function once() {
    const own = new AbortController();
    const stop = () => own.abort();
    signal.addEventListener('abort', stop, { once: true });
    let since = 0;
    let why = 'the stream ended';
    try {
      let silent = new AbortController();
      const watchSilence = (/** @type {number} */ ms) => {
        silent.abort();
        const timer = new AbortController();
        silent = timer;
        void clock.wait(ms, timer.signal).then(() => {
          if (timer.signal.aborted) return;
          why = 'nothing was heard any more';
          own.abort();
        });
      };
      own.signal.addEventListener('abort', () => silent.abort(), { once: true });
      watchSilence(HEAD_MS);
      const answer = await fetch(`${api}/v1/devices/events`, {
        headers: { authorization: `Bearer ${token}` },
        signal: own.signal,
        cache: 'no-store',
        credentials: 'omit',
        redirect: 'error',
        referrerPolicy: 'no-referrer',
      });
      if (answer.status === 401 || answer.status === 403) {
        return {
          ended: {
            kind: 'ended',
            cause: answer.status === 401 ? 'expired' : 'refused',
            why:
              answer.status === 401
                ? 'the sign-in is no longer valid'
                : 'this token may not listen to events',
          },
        };
      }
      if (answer.status === 429 || answer.status === 529)
        return {
          why: `the cloud says that there are too many connections (${answer.status})`,
          heardMs: 0,
          busy: true,
        };
      if (!answer.ok || !answer.body)
        return { why: `the cloud answered ${answer.status}`, heardMs: 0 };
      if (!/^text\/event-stream\b/i.test(answer.headers.get('content-type') ?? ''))
        return { why: 'what answered is no event stream', heardMs: 0 };
      since = clock.now();
      onState({ kind: 'listening', since });
      onAlive(since);
      const count = contentCounter();
      let nth = 0;
      const reader = sseReader(({ event: name, data }) => {
        const event = eventOf(name, data, { seen: clock.now(), nth: (nth += 1), count });
        if (event) onEvent(event);
      });
      const body = answer.body.getReader();
      for (;;) {
        watchSilence(SILENCE_MS);
        const { done, value } = await body.read();
        if (done || signal.aborted) break;
        onAlive(clock.now());
        reader.push(value);
      }
    } catch {
      if (signal.aborted) return { why: '', heardMs: 0 };
      if (!own.signal.aborted)
        why = since === 0 ? 'the cloud can’t be reached' : 'the stream broke off';
    } finally {
      signal.removeEventListener('abort', stop);
      own.abort();
    }
    return { why, heardMs: since === 0 ? 0 : clock.now() - since };
  }
}

/**
 * How long until one more connection may be opened.
 * @param {number[]} opened in order; old ones are dropped
 * @param {number} now
 */
function quota(opened, now) {
  while (opened.length > 0 && opened[0] <= now - WINDOW_MS) opened.shift();
  return opened.length < MAX_CONNECTIONS
    ? 0
    : opened[opened.length - MAX_CONNECTIONS] + WINDOW_MS - now;
}

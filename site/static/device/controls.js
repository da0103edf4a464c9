// @ts-check
// What a hand could do with a virtual device, and its serial port. These calls exist in the
// simulated cloud only.

import { parseJson } from '../lib/json-text.js';
import { sseReader } from '../particle/sse.js';

/**
 * @typedef {{id: string, name: string, attached: boolean, online: boolean, running: boolean,
 *   plugged: boolean,
 *   power_source: number | null, battery: number | null, compiler: string | null, message: string |
 *   null, firmware: string,
 *   data_operations: {publishes: number, responses: number}}} ControlsState
 */

/**
 * The cloud says something at least every ten seconds. After this much silence the connection is
 * dead.
 */
const SILENCE_MS = 25_000;
const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 10_000;

/**
 * Those of the virtual devices of a connected cloud.
 * @param {import('../particle/model.js').Connection} connection
 * @param {import('../page.js').Page['clock']} clock
 */
export const controlsAt = ({ cloud, token }, { wait }) =>
  controls({ fetch: fetch.bind(globalThis), api: cloud.api, token, wait });

/**
 * The first that is online, else the first.
 * @template {{online: boolean}} D
 * @param {D[]} devices
 */
export const preferred = (devices) => devices.find(({ online }) => online) ?? devices[0];

/**
 * The virtual device that a button in the text acts on, with its controls; null without a device.
 * @param {Pick<import('../page.js').Page, 'state' | 'particle' | 'clock'>} page
 */
export function firstDevice({ state, particle, clock }) {
  const now = particle.connection.peek();
  const device = preferred(state.devices.peek() ?? []);
  return now && device ? { id: device.id, controls: controlsAt(now, clock) } : null;
}

/**
 * @param {{fetch: typeof globalThis.fetch, api: string, token: string, wait: (ms: number, signal:
 *   AbortSignal) => Promise<void>}} options
 */
export function controls({ fetch, api, token, wait }) {
  const path = (/** @type {string} */ id, /** @type {string} */ what) =>
    `${api}/simulated/devices/${encodeURIComponent(id)}/${what}`;
  const always = {
    cache: /** @type {const} */ ('no-store'),
    credentials: /** @type {const} */ ('omit'),
    redirect: /** @type {const} */ ('error'),
  };

  /**
   * @param {string} method
   * @param {string} url
   * @param {object} json
   * @returns {Promise<string | null>} what went wrong
   */
  const call = async (method, url, json) => {
    try {
      const answer = await fetch(url, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        body: JSON.stringify(json),
        ...always,
      });
      if (answer.ok) return null;
      if (answer.status === 401) return 'The sign-in is no longer valid. Sign in again.';
      const said = await answer.json().catch(() => null);
      const why = said?.error_description ?? `the simulated cloud answered ${answer.status}`;
      return `Not done: ${String(why).slice(0, 200)}.`;
    } catch {
      return 'Not done: the simulated cloud can’t be reached. Does the program still run?';
    }
  };

  return {
    /** Clicks the MODE button. @param {string} id @param {number} clicks 1 to 5 */
    press: (id, clicks) => call('POST', path(id, 'button'), { clicks }),
    /**
     * @param {string} id
     * @param {number} source as Device OS numbers it, 0 to 5
     * @param {number | null} battery in percent; null if unknown
     */
    power: (id, source, battery) => call('PUT', path(id, 'power'), { source, battery }),
    /** @param {string} id @param {boolean} plugged */
    plug: (id, plugged) => call('PUT', path(id, 'plug'), { plugged }),

    /**
     * Watches a device until `signal` is aborted, and connects again by itself.
     * @param {string} id
     * @param {{signal: AbortSignal, onFirst: (lines: string[]) => void, onLine: (line: string) =>
     *   void,
     *   onState: (state: ControlsState) => void, onLost: (why: string) => void}} heard `onFirst`:
     *   the last lines, told at each connection
     */
    async watch(id, { signal, onFirst, onLine, onState, onLost }) {
      let pause = FIRST_PAUSE_MS;
      while (!signal.aborted) {
        const own = new AbortController();
        const stop = () => own.abort();
        signal.addEventListener('abort', stop, { once: true });
        let why = 'The connection to the device’s serial port was lost; trying again.';
        /** @type {string[] | null} */
        let first = [];
        let silent = new AbortController();
        const watchSilence = () => {
          silent.abort();
          const timer = (silent = new AbortController());
          void wait(SILENCE_MS, timer.signal).then(() => !timer.signal.aborted && own.abort());
        };
        try {
          watchSilence();
          const answer = await fetch(path(id, 'serial'), {
            headers: { authorization: `Bearer ${token}` },
            signal: own.signal,
            ...always,
          });
          if (answer.ok && answer.body) {
            const reader = sseReader(({ event, data }) => {
              const told = parseJson(data);
              if (event === 'serial' && typeof told?.line === 'string') {
                if (first) first.push(told.line);
                else onLine(told.line);
              }
              if (event === 'state' && told) {
                // The lines so far come before the first state.
                if (first) onFirst(first);
                first = null;
                onState(told);
              }
            });
            const body = answer.body.getReader();
            for (;;) {
              watchSilence();
              const { done, value } = await body.read();
              if (done || signal.aborted) break;
              pause = FIRST_PAUSE_MS;
              reader.push(value);
            }
          } else if (answer.status === 404)
            why =
              'This device is not here: no virtual device with this ID was attached since the ' +
              'program started.';
          else if (answer.status === 429) why = 'Too many windows watch this device; close some.';
        } catch {
          // Lost, or never there; said below.
        } finally {
          silent.abort();
          signal.removeEventListener('abort', stop);
          own.abort();
        }
        if (signal.aborted) return;
        onLost(why);
        await wait(pause, signal);
        pause = Math.min(2 * pause, LONGEST_PAUSE_MS);
      }
    },
  };
}

// @ts-check
// What the server can be set to answer, and what a device gets of it. Pure.

import { PART_BYTES, cut } from '../particle/response-parts.js';
import { byteLength, size } from '../lib/text.js';
import { span } from '../lib/time.js';

/**
 * @typedef {import('../log/rounds.js').Round} Round
 * @typedef {{status: number, content_type?: string, headers?: [string, string][], body?: string,
 *   secret?: string, delay_ms?: number, times?: number}} Setting
 *   as `PUT /api/reply` takes it; without a body the answer is `{"ok":…,"id":…}`
 */

/** Most deliveries that an error may be set for, and a delay: the server refuses more. */
const MAX_TIMES = 20;
const MAX_TIMES_DELAYED = 5;
/** After this the cloud has given up: https://docs.particle.io/reference/cloud-apis/webhooks/ */
const GIVEN_UP_MS = 20_000;
const SLOW_MS = 25_000;
/** The id of an example, for a preview. */
const SOME_ID = '1652008511';

/** Long enough for three parts, and every line can be told from the others. */
const LONG_BODY = JSON.stringify({
  ok: true,
  forecast: Array.from({ length: 24 }, (_, hour) => ({
    hour,
    temperature: 12 + ((hour * 7) % 11),
    wind: (hour * 5) % 9,
    sky: ['clear', 'cloudy', 'rain'][hour % 3],
  })),
});

/**
 * What can be chosen, in the order of the list.
 * @type {Record<string, (limits: {max_delay_ms: number}) => Omit<Setting, 'times'>>}
 */
export const PRESETS = {
  200: () => ({ status: 200 }),
  400: () => ({ status: 400 }),
  401: () => ({ status: 401 }),
  404: () => ({ status: 404 }),
  500: () => ({ status: 500 }),
  501: () => ({ status: 501 }),
  503: () => ({ status: 503, headers: [['retry-after', '5']] }),
  slow: ({ max_delay_ms }) => ({ status: 200, delay_ms: Math.min(SLOW_MS, max_delay_ms) }),
  long: () => ({ status: 200, content_type: 'application/json', body: LONG_BODY }),
  empty: () => ({ status: 200, body: '' }),
  text: () => ({ status: 200, content_type: 'text/plain', body: 'Thank you, got it.' }),
};

/** Whether a setting has to be counted: the server says why. @param {Setting} setting */
export const isCounted = ({ status, delay_ms = 0 }) => delay_ms > 0 || status < 200 || status > 299;

/** Whether the answer is signed. @param {Setting} setting */
export const needsSecret = ({ body = '', headers = [] }) =>
  [body, ...headers.map(([, value]) => value)].some((text) => /\{\{[^}]*\|[^}]*\}\}/.test(text));

/** How often a setting may be used at most. @param {Pick<Setting, 'delay_ms'>} setting */
export const maxTimes = ({ delay_ms = 0 }) => (delay_ms > 0 ? MAX_TIMES_DELAYED : MAX_TIMES);

/**
 * Whether the body is the server's usual one, so that there is nothing to set.
 * @param {Setting} setting
 */
export const isUsual = ({ status, content_type, headers, body, delay_ms = 0 }) =>
  status === 200 &&
  body === undefined &&
  delay_ms === 0 &&
  !headers?.length &&
  content_type === undefined;

/** The body that such an answer has for an event with an id. @param {Setting} setting */
export function bodyOf({ status, body }) {
  if (status === 204 || status === 205 || status === 304) return '';
  if (body !== undefined) return body.replaceAll('{{id}}', SOME_ID);
  return JSON.stringify({ ok: status >= 200 && status <= 299, id: Number(SOME_ID) });
}

/**
 * What a device that subscribes gets back, by Particle's published rules.
 * @param {Setting} setting @param {string} host of the hook URL
 * @returns {{kind: 'response' | 'error' | 'nothing', events: string[], bytes: number, operations:
 *   number, words: string}}
 *   `events`: one line for each. `operations`: for what comes back to the device; the event it
 *   publishes costs one more
 */
export function comesBack(setting, host) {
  const { status, delay_ms = 0 } = setting;
  const bytes = new TextEncoder().encode(bodyOf(setting)).length;
  const wait = delay_ms > 0 ? ` after ${span(delay_ms)}` : '';
  if (delay_ms >= GIVEN_UP_MS) {
    return {
      kind: 'error',
      events: ['hook-error: the server did not answer within 20 s'],
      bytes,
      operations: 1,
      words:
        `The cloud gives up after 20 s. What the server sends after ${span(delay_ms)} ` +
        'reaches nobody; the device gets a hook-error.',
    };
  }
  if (status < 200 || status > 299) {
    return {
      kind: 'error',
      events: [`hook-error: error status ${status} from ${host}`],
      bytes,
      operations: 1,
      words:
        `An error${wait}: the device gets one hook-error with the status and the host ` +
        `name, and not the ${bytes} bytes of the body.`,
    };
  }
  if (bytes === 0)
    return {
      kind: 'nothing',
      events: [],
      bytes,
      operations: 0,
      words:
        `A success without a body${wait}: no hook-response follows, so the device gets ` +
        'nothing.',
    };
  const lengths = cut(bodyOf(setting)).map((_, i, { length }) =>
    i < length - 1 ? PART_BYTES : bytes - PART_BYTES * (length - 1),
  );
  const parts = lengths.length;
  return {
    kind: 'response',
    events: lengths.map((length, i) => `hook-response …/${i}: ${size(length)}`),
    bytes,
    operations: parts,
    words:
      `${bytes} bytes${wait}, in ` +
      `${parts === 1 ? 'one part' : `${parts} parts of at most ${PART_BYTES} bytes`}.`,
  };
}

/** What it costs, in words. @param {{operations: number}} back */
export function costWords({ operations }) {
  const back = operations === 0 ? 'none for what comes back' : `${operations} for what comes back`;
  return (
    `${operations + 1} data operation${operations === 0 ? '' : 's'} by Particle’s rules: ` +
    `1 for the event that the device publishes, ${back}.`
  );
}

/**
 * How far a counted setting is used up.
 * @param {{times?: number, times_left?: number}} set as the server said it @param {{n: number, of:
 *   number}[]} uses in deliveries since then
 * @returns {{left: number, of: number} | null} null if it has no count
 */
export function usedUp({ times, times_left }, uses) {
  if (times === undefined) return null;
  const last = Math.max(0, ...uses.filter(({ of }) => of === times).map(({ n }) => n));
  return { left: Math.max(0, Math.min(times_left ?? times, times - last)), of: times };
}

/**
 * The deliveries that were answered by a setting, and what each was.
 * @param {import('../lib/api-client.js').Delivery[]} deliveries @param {Round[]} rounds that were
 *   made of them
 */
export const usesOf = (deliveries, rounds) =>
  deliveries.flatMap(({ seq, response }) =>
    response.reply_use
      ? [{ seq, ...response.reply_use, by: usedBy(rounds.find((round) => round.seq === seq)) }]
      : [],
  );

/** What a delivery was, as far as this page saw it. @param {Round | undefined} round */
function usedBy(round) {
  const event = round?.trace?.event;
  if (!round || !event) return '';
  if (round.isTest) return 'a press of Test webhook';
  return event.coreid === 'api' ? 'an event of the API' : 'an event of your device';
}

/** A setting in a few words. @param {Setting} setting */
export function settingWords(setting) {
  const { status, body, delay_ms = 0 } = setting;
  const words = [String(status)];
  if (delay_ms > 0) words.push(`after ${span(delay_ms)}`);
  if (body !== undefined) words.push(body === '' ? 'empty' : size(byteLength(body)));
  return words.join(', ');
}

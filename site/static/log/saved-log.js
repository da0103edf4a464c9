// @ts-check
// A file that was downloaded from a log, read back: a whole log, or one round that somebody saved.
// Pure; loaded when asked for. Whatever in it does not have the form of a delivery or an event is
// left out.

import { parseJson } from '../lib/json-text.js';
import { contentCounter, eventOf } from '../particle/event.js';
import { EMPTY_LOG } from '../state.js';
import { FORMAT, VERSION } from './export-file.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {{endpoint: string, log: import('./merge.js').Log,
 *   events: import('../particle/event.js').Event[], leftOut: number}} SavedLog `leftOut`: how many
 *   parts are none
 */

/** @param {string} text @returns {SavedLog | null} null if it is not such a file */
export function readLogFile(text) {
  const whole = parseJson(text);
  const isLog = whole?.format === FORMAT && whole.version === VERSION;
  const file = isLog ? whole : { deliveries: lines(text) };
  if (!isLog && !file.deliveries.some(isDelivery)) return null;
  const [all, heard] = [listOf(file.deliveries), listOf(file.events)];
  const bySeq = new Map(all.filter(isDelivery).map((one) => [one.seq, one]));
  const deliveries = [...bySeq.values()].sort((a, b) => a.seq - b.seq);
  const count = contentCounter(heard.length);
  const events = heard.flatMap((one, nth) => {
    if (typeof one?.name !== 'string') return [];
    const seen = Date.parse(one.heard_at) || 0;
    const fields = { ...one, simulated_guess: one.simulated_guesses };
    return eventOf(one.name, JSON.stringify(fields), { seen, nth, count }) ?? [];
  });
  const [firstSeq, lastSeq] = [deliveries[0]?.seq ?? 1, deliveries.at(-1)?.seq ?? 0];
  return {
    endpoint: typeof file.endpoint === 'string' ? file.endpoint.slice(0, 64) : '',
    log: {
      ...EMPTY_LOG,
      missing: listOf(file.missing).filter(isCount),
      unreadable: listOf(file.unreadable).filter(isCount),
      deliveries,
      firstSeq,
      lastSeq,
      upTo: lastSeq,
      cursor: 'file',
    },
    events,
    leftOut: all.length - deliveries.length + heard.length - events.length,
  };
}

/** The values of NDJSON. @param {string} text */
const lines = (text) =>
  text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [parseJson(line)]));

/** @param {unknown} value @returns {any[]} */
const listOf = (value) => (Array.isArray(value) ? value : []);

const isText = (/** @type {unknown} */ value) => typeof value === 'string';
const isCount = (/** @type {unknown} */ value) => Number.isSafeInteger(value) && Number(value) >= 0;
const areHeaders = (/** @type {unknown} */ value) =>
  Array.isArray(value) &&
  value.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(isText));

/** @param {any} one @returns {one is Delivery} */
function isDelivery(one) {
  const { request, response } = one ?? {};
  return (
    isCount(one?.seq) &&
    isCount(one.took_ms) &&
    isText(one.received_at) &&
    !Number.isNaN(Date.parse(one.received_at)) &&
    [request?.method, request?.path, request?.query, request?.source, request?.body].every(
      isText,
    ) &&
    (request.raw_path === undefined || isText(request.raw_path)) &&
    areHeaders(request.headers) &&
    listOf(request.added).every(isText) &&
    Array.isArray(request.added) &&
    isCount(request.body_bytes) &&
    isText(request.body_sha256) &&
    typeof request.truncated === 'boolean' &&
    (request.body_encoding === 'utf-8' ||
      (request.body_encoding === 'base64' && /^[A-Za-z0-9+/]*={0,2}$/.test(request.body))) &&
    isCount(response?.status) &&
    areHeaders(response.headers) &&
    isText(response.body) &&
    isCount(response.delay_ms) &&
    (response.reply_use === undefined ||
      (isCount(response.reply_use?.n) && isCount(response.reply_use.of)))
  );
}

/**
 * A delivery as a share key shows it: header values that may be secret, and where it came from, are
 * masked.
 * @param {Delivery} delivery @param {Set<string>} shown names of headers whose values stay
 * @returns {Delivery}
 */
export function masked(delivery, shown) {
  const mask = (/** @type {string} */ text) => '•'.repeat([...text].length);
  const headers = (/** @type {[string, string][]} */ pairs) =>
    pairs.map(
      ([name, value]) =>
        /** @type {[string, string]} */ ([
          name,
          shown.has(name.toLowerCase()) ? value : mask(value),
        ]),
    );
  const { request, response } = delivery;
  return {
    ...delivery,
    request: { ...request, headers: headers(request.headers), source: mask(request.source) },
    response: { ...response, headers: headers(response.headers) },
  };
}

// @ts-check
// The log as a file: everything this reader holds, or what the filter lists. Pure; loaded when
// asked for. What is in the JSON file is described for readers under “Log” on the page; whoever
// changes the form counts VERSION up and says so there.

/**
 * @typedef {import('./merge.js').Log} Log
 * @typedef {import('../particle/event.js').Event} Event
 * @typedef {{
 *   endpoint: string,
 *   masked: boolean,
 *   log: Log,
 *   events: Event[],
 *   quiet: {from: number, to: number | null}[],
 *   hookUrl: string,
 *   now: Date,
 * }} Held `log`: with the deliveries that are to be in the file. `masked`: read through a share
 *   link. `events`: in the order of Particle's clock. `quiet`: nobody listened, by this browser's
 *   clock
 */

import { byteLength } from '../lib/text.js';
import { headerOf, urlOf } from './request-body.js';

export const FORMAT = 'webhook-tutorial/log';
export const VERSION = 1;

/** @param {Held} held */
function asJson({ endpoint, masked, log, events, quiet, now }) {
  const time = (/** @type {number} */ ms) => new Date(ms).toISOString();
  const file = {
    format: FORMAT,
    version: VERSION,
    made_at: now.toISOString(),
    endpoint,
    header_values_masked: masked,
    first_seq: log.firstSeq,
    last_seq: log.lastSeq,
    older_not_loaded: log.older !== null,
    deliveries: log.deliveries,
    missing: log.missing,
    unreadable: log.unreadable,
    events: events.map(({ name, data, published_at, coreid, seen, guesses }) => ({
      name,
      data,
      published_at,
      coreid,
      heard_at: time(seen),
      simulated_guesses: guesses,
    })),
    not_listening: quiet.map(({ from, to }) => ({
      from: time(from),
      to: to === null ? null : time(to),
    })),
  };
  return [`${JSON.stringify(file, null, 2)}\n`];
}

/** A delivery a line, as the API gives it. @param {Held} held */
const asLines = ({ log }) => log.deliveries.map((one) => `${JSON.stringify(one)}\n`);

/** HTTP Archive 1.2, which the network panel of a browser opens. @param {Held} held */
function asHar({ log, hookUrl }) {
  const entries = log.deliveries.map(({ seq, received_at, took_ms, request, response }) => {
    const isText = request.body_encoding === 'utf-8';
    const comment = isText ? '' : 'The body is not text: it is in base64.';
    const base = { httpVersion: 'HTTP/1.1', cookies: [], headersSize: -1 };
    return {
      startedDateTime: received_at,
      time: took_ms + response.delay_ms,
      request: {
        ...base,
        method: request.method,
        url: urlOf(request, hookUrl),
        headers: fields(request.headers),
        queryString: fields([...new URLSearchParams(request.query)]),
        bodySize: request.body_bytes,
        ...(request.body_bytes > 0 && {
          postData: {
            mimeType: headerOf(request, 'content-type'),
            params: [],
            text: request.body,
            comment,
          },
        }),
      },
      response: {
        ...base,
        status: response.status,
        statusText: '',
        headers: fields(response.headers),
        content: {
          size: byteLength(response.body),
          mimeType: headerOf(response, 'content-type'),
          text: response.body,
        },
        redirectURL: '',
        bodySize: byteLength(response.body),
      },
      cache: {},
      timings: { send: 0, wait: took_ms + response.delay_ms, receive: 0 },
      comment: `#${seq}`,
    };
  });
  const creator = { name: FORMAT, version: String(VERSION) };
  return [`${JSON.stringify({ log: { version: '1.2', creator, entries } }, null, 1)}\n`];
}

/** @param {[string, string][]} pairs */
const fields = (pairs) => pairs.map(([name, value]) => ({ name, value }));

/**
 * By the end of the file's name.
 * @type {Map<string, {type: string, parts: (held: Held) => string[]}>}
 */
const FORMATS = new Map([
  ['json', { type: 'application/json', parts: asJson }],
  ['ndjson', { type: 'application/x-ndjson', parts: asLines }],
  ['har', { type: 'application/json', parts: asHar }],
]);

/**
 * @param {string} format json, ndjson or har @param {Held} held
 * @returns {{name: string, type: string, parts: string[]} | null} null if it is longer than a text
 *   can be
 */
export function logFile(format, held) {
  const { type, parts: partsOf } = /** @type {{type: string, parts: (held: Held) => string[]}} */ (
    FORMATS.get(format)
  );
  const { now, endpoint } = held;
  const pad = (/** @type {number} */ number) => String(number).padStart(2, '0');
  const day = `${now.getFullYear()}-${pad(now.getMonth() + 1)}-${pad(now.getDate())}`;
  const name = `webhook-log-${day}-${endpoint.slice(0, 6)}.${format}`;
  try {
    return { name, type, parts: partsOf(held) };
  } catch (error) {
    if (error instanceof RangeError) return null;
    throw error;
  }
}

/** All events of a round. @param {import('../particle/join.js').Trace} trace */
export const eventsOf = ({ event, alone, sents, responses, errors }) =>
  [event, alone, ...[...sents, ...responses, ...errors].map((linked) => linked.event)].filter(
    (one) => one !== null,
  );

// @ts-check
// Which event a request says it comes from: the fields that Particle's webhooks carry, and what
// looks like them anywhere else, because a template may put them anywhere. Pure. Nothing proves
// them: anyone who knows the hook URL can send any values.

import { fromBase64, binaryOf } from '../lib/bytes.js';
import { members, stringOf } from '../lib/json-text.js';
import { perObject } from '../lib/memo.js';
import { fieldsOf, headerOf, headersByOrigin } from '../log/request-body.js';
import { digest, timeOf } from './event.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {{name: string | null, data: string | null, coreid: string | null, published_at: string
 *   | null, at: number | null, dataId: string | null, eventId: string | null, stamp: string,
 *   claim: string}} Origin
 *   `at`: `published_at` in milliseconds, if it can be the time of publishing. `dataId`: the `id`
 *   inside the published data, digit for digit. `eventId`: the ID that the event has if it is
 *   heard, where enough is claimed to tell. `stamp`, `claim`: source and time, source and `dataId`,
 *   by which a delivery finds its event
 */

/** The header by which this page marks what it sends itself. */
export const SENT_BY = 'x-sent-by';

/** Whether this page sent a request, in Particle's place. @param {Delivery['request']} request */
export const isFromPage = (request) => headerOf(request, SENT_BY) !== '';

/**
 * Whether Particle sent a request, or this page in its place; both name themselves.
 * @param {Delivery['request']} request
 */
export const isParticle = (request) =>
  headerOf(request, 'user-agent').startsWith('ParticleBot') || isFromPage(request);

/** A source of events that a webhook can be of. */
const SOURCE = /^(?:[0-9a-f]{24}|api)$/;
/** A time as Particle writes `published_at`, and a Device ID. */
const STAMP = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z/g;
const DEVICE_ID = /(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])/g;
/** So long that a whole event may be in it. */
const BASE64 = /[A-Za-z0-9+/]{80,}={0,2}/;
/** What is looked through of headers, of the query and of the body, in characters. */
const MAX_SCANNED = 64 * 1024;
const MAX_MARKS = 20;
/** Clocks that are further apart than this tell nothing. */
export const APART_MS = 15 * 60_000;

/** @type {(delivery: Delivery) => Origin} */
export const originOf = perObject(({ request, received_at }) => {
  const fields = fieldsOf(request);
  const of = (/** @type {string} */ field) => fields.get(field) ?? null;
  const [published_at, data, source, event] = ['published_at', 'data', 'coreid', 'event'].map(of);
  const stamp = published_at === null ? NaN : timeOf(published_at);
  // A template may put a time of the device's own there: Particle writes milliseconds, and sends at
  // once.
  const isTime =
    /^.{23}Z$/.test(published_at ?? '') && Math.abs(stamp - Date.parse(received_at)) <= APART_MS;
  const at = isTime ? stamp : NaN;
  // A field of one of these names may hold something else: an object, or a name of one's own.
  const name = event !== null && /^\s*[{[]/.test(event) ? null : event;
  const coreid = source !== null && /^\s*[{[]/.test(source) ? null : source;
  const dataId = idIn(data) ?? of('id');
  const isWhole = !Number.isNaN(at) && name !== null && coreid !== null;
  return {
    name,
    data,
    coreid,
    published_at,
    at: Number.isNaN(at) ? null : at,
    dataId,
    stamp: stampOf(coreid, Number.isNaN(at) ? null : at),
    claim: stampOf(coreid, dataId),
    eventId: isWhole ? `${published_at}|${coreid}|${name}|${digest(data ?? '')}|0` : null,
  };
});

/**
 * Whether Particle sent what the tutorial's webhook does not: then there may be more to explain.
 * @param {Delivery} delivery
 */
export const isUnusual = (delivery) => {
  const { name, data, coreid, at } = originOf(delivery);
  const isUsual = ![name, data, coreid, at].includes(null) && !data?.includes('&quot;');
  return isParticle(delivery.request) && !isUsual;
};

/**
 * Whether a request names another source than an event's, or another time of publishing. What the
 * event's own data holds, or the settings of a webhook, may be from there.
 * @param {Origin} origin
 * @param {{coreid: string | null, data: string | null, at: number | null}} event
 * @param {Set<string>} fixed the times and Device IDs in the settings
 */
export const isOfOther = ({ coreid }, event, fixed) =>
  coreid !== null &&
  coreid !== event.coreid &&
  SOURCE.test(coreid) &&
  !fixed.has(coreid) &&
  !marksIn(event.data).has(coreid);

/** @type {typeof isOfOther} */
export const isOfOtherTime = ({ at, published_at }, event, fixed) =>
  at !== null &&
  published_at !== null &&
  at !== event.at &&
  !fixed.has(published_at) &&
  !marksIn(event.data).has(published_at);

/** The times and Device IDs in a text. @param {string | null} text */
export const marksIn = (text) =>
  new Set(text === null ? [] : [...marks(text, STAMP), ...marks(text, DEVICE_ID)]);

/**
 * The times and Device IDs in a request, wherever they are; those of the documented fields alone if
 * it has them.
 * @type {(delivery: Delivery) => {times: number[], ids: string[]}}
 */
export const marksOf = perObject((delivery) => {
  const { at, coreid } = originOf(delivery);
  if (at !== null && coreid !== null) return { times: [at], ids: [coreid] };
  const text = textOf(delivery.request);
  const times = new Set(marks(text, STAMP).map(timeOf));
  if (at !== null) times.add(at);
  return { times: [...times], ids: marks(text, DEVICE_ID) };
});

/** What the sender wrote, as far as it is looked through. @param {Delivery['request']} request */
function textOf(request) {
  const { path, query, body, body_encoding } = request;
  const headers = headersByOrigin(request).sent.map(([, value]) => value);
  const parts = [headers.join('\n'), `${path}?${query}`, body_encoding === 'utf-8' ? body : ''];
  const text = parts.map((part) => part.slice(0, MAX_SCANNED)).join('\n');
  const packed = fromBase64(BASE64.exec(text)?.[0] ?? '');
  const whole = packed ? `${text}\n${binaryOf(packed)}` : text;
  return whole.includes('%') ? whole.replace(/%3a/gi, ':') : whole;
}

/** @param {string} text @param {RegExp} pattern */
function marks(text, pattern) {
  const found = new Set();
  for (const [mark] of text.matchAll(pattern)) if (found.add(mark).size >= MAX_MARKS) break;
  return [...found];
}

/** @param {string | null} coreid @param {number | string | null} what */
export const stampOf = (coreid, what) => `${coreid}|${what}`;

/** The `id` inside published data. @param {string | null} data */
export const idIn = (data) => (data === null ? null : idOf(members(data) ?? []));

/**
 * The `id` of a JSON object: a number digit for digit, a string as it is.
 * @param {{name: string, value: string}[]} list its members
 */
export function idOf(list) {
  const value = list.findLast(({ name }) => name === 'id')?.value;
  if (value === undefined || /^[\s]*[{[tfn]/.test(value)) return null;
  return stringOf(value) ?? value.trim();
}

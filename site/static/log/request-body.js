// @ts-check
// What a request carries: the URL it was sent to, the exact bytes of its body, and the fields of a
// JSON object or a form. Pure.

import { bytesOf } from '../lib/bytes.js';
import { headerParts } from '../lib/header-parts.js';
import { members, stringOf } from '../lib/json-text.js';
import { perObject } from '../lib/memo.js';

/** @typedef {import('../lib/api-client.js').Request} Request */

/**
 * Where the request was sent, as far as it is known: the sender may have used another name.
 * @param {Request} request @param {string} hookUrl
 */
export const urlOf = (request, hookUrl) => hookUrl + belowOf(request);

/** What followed the hook URL. @param {Request} request */
export const belowOf = ({ path, raw_path, query }) =>
  // A delivery of an earlier version does not say whether a slash followed.
  (raw_path ?? (path === '/' ? '' : path)) + (query === '' ? '' : `?${query}`);

/** About how much the bodies of these take in the page. @param {{request: Request}[]} deliveries */
export const heldBytes = (deliveries) =>
  deliveries.reduce((sum, { request }) => sum + request.body.length, 0);

/** Whether a share link shows this in place of a value. @param {string} value */
export const isMasked = (value) => /^•+$/.test(value);

/** The exact bytes, as far as they were kept. @param {Request} request */
export function bodyBytes({ body, body_encoding }) {
  if (body_encoding === 'utf-8') return new TextEncoder().encode(body);
  return bytesOf(atob(body));
}

/**
 * The value of a header of a request or a response; empty if it has none of that name.
 * @param {{headers: [string, string][]}} message
 */
export const headerOf = ({ headers }, /** @type {string} */ wanted) =>
  headers.find(([name]) => name === wanted)?.[1] ?? '';

/**
 * The headers that the sender wrote, and those that the gateway added.
 * @param {Request} request
 */
export function headersByOrigin({ headers, added }) {
  const isAdded = new Set(added);
  return {
    sent: headers.filter(([name]) => !isAdded.has(name)),
    byGateway: headers.filter(([name]) => isAdded.has(name)),
  };
}

/**
 * What the body claims to be, without its parameters; empty if it claims nothing.
 * @param {Request} request
 */
export const contentType = (request) =>
  headerOf(request, 'content-type').split(';')[0].trim().slice(0, 80);

const FORM = 'application/x-www-form-urlencoded';

/** @param {Request} request */
export const isForm = (request) => contentType(request).toLowerCase() === FORM;

/** The content encodings of a body, in the order in which they were applied. */
export const encodingsOf = (/** @type {Request} */ request) =>
  headerOf(request, 'content-encoding')
    .slice(0, 200)
    .toLowerCase()
    .split(',')
    .map((one) => one.trim())
    .filter((one) => one !== '' && one !== 'identity');

/** Types of text that is neither one JSON text nor a form, and has a decoder all the same. */
const DECODED =
  /^multipart\/|[/+]xml$|^application\/(?:x-)?(?:nd-?json|jsonl|json-?lines)$|[/+]json-seq$/;

/**
 * Whether it takes a decoder to show the body as what it is. Decoders are loaded when they are
 * needed (read-body.js).
 * @param {Request} request
 */
export function takesDecoder(request) {
  if (request.body === '') return false;
  const { type, parameters } = headerParts(headerOf(request, 'content-type'));
  return (
    request.body_encoding === 'base64' ||
    encodingsOf(request).length > 0 ||
    DECODED.test(type) ||
    !/^(?:utf-?8|us-ascii)?$/i.test(parameters.get('charset') ?? '')
  );
}

/** The fields that Particle's webhooks send, and that the page looks at. */
const KNOWN = new Set(['event', 'data', 'coreid', 'published_at', 'id']);
/** What a body with one of them has in it: most have none, and may have 100,000 others. */
const MENTION = /(?:event|data|coreid|published_at|id)["=]|\\u|%/;

/**
 * Those of the known fields that a request has, as text: in its body, else in its query, which is
 * all that a GET has. Of fields of one name the last counts in JSON and the first in a form, as for
 * the receiver.
 */
export const fieldsOf = perObject((/** @type {Request} */ request) => {
  const found = bodyFields(request);
  for (const [name, value] of knownFields(request.query))
    if (!found.has(name)) found.set(name, value);
  return found;
});

/** @param {Request} request @returns {Map<string, string>} */
function bodyFields(request) {
  const { body, body_encoding, truncated } = request;
  if (body_encoding !== 'utf-8' || truncated || !MENTION.test(body)) return new Map();
  const list = members(body);
  if (list) return knownMembers(list);
  return isForm(request) ? knownFields(body) : new Map();
}

/** The known fields of a JSON object. @param {{name: string, value: string}[]} list */
export function knownMembers(list) {
  /** @type {Map<string, string>} */
  const found = new Map();
  for (const { name, value } of list) {
    if (KNOWN.has(name)) found.set(name, stringOf(value) ?? value);
  }
  return found;
}

/** Fields of a form that have a known name, or one that is percent-encoded and may be any. */
const MAYBE_KNOWN =
  /(?<=^|&)(?:event|data|coreid|published_at|id|[^=&]*%[^=&]*)(?:=[^&]*)?(?=&|$)/g;

/** The known fields of a form. @param {string} form @param {Decode} [decode] */
export function knownFields(form, decode) {
  /** @type {Map<string, string>} */
  const found = new Map();
  if (!MENTION.test(form)) return found;
  for (const [field] of form.matchAll(MAYBE_KNOWN)) {
    const [[name, value]] = pairsOf([field], decode);
    if (KNOWN.has(name) && !found.has(name)) found.set(name, value);
  }
  return found;
}

/** The offset of the first field named `data`; -1 if the form has none. @param {string} form */
export function dataAt(form) {
  for (const { 0: field, index } of form.matchAll(MAYBE_KNOWN))
    if (pairsOf([field])[0][0] === 'data') return index;
  return -1;
}

/**
 * @typedef {(text: string) => string} Decode undoes the percent-encoding of a name or a value; the
 *   default reads UTF-8
 */

/**
 * The fields of a form from one place to another, and how many there are.
 * @param {string} form @param {number} from @param {number} to
 * @param {{decode?: Decode | undefined, without?: number}} [options] `without`: where a field
 *   begins that is left out
 */
export function formFields(form, from, to, { decode, without = -1 } = {}) {
  /** @type {string[]} */
  const wanted = [];
  let count = 0;
  for (let at = 0; at < form.length;) {
    const next = form.indexOf('&', at);
    const end = next < 0 ? form.length : next;
    if (end > at && at !== without) {
      if (count >= from && count < to) wanted.push(form.slice(at, end));
      count += 1;
    }
    at = end + 1;
  }
  return { fields: pairsOf(wanted, decode).map(([name, value]) => ({ name, value })), count };
}

/** @param {string[]} fields @param {Decode} [decode] @returns {[string, string][]} */
function pairsOf(fields, decode) {
  // Without the first separator, a question mark at the beginning would be taken off.
  if (!decode) return [...new URLSearchParams(`&${fields.join('&')}`)];
  return fields.map((field) => {
    const [name] = field.split('=', 1);
    return [decode(name), decode(field.slice(name.length + 1))];
  });
}

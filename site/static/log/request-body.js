// @ts-check
// What a request carries: the URL it was sent to, the exact bytes of its body, and the fields of a
// JSON object or a form. Pure.

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

/** Whether a share link shows this in place of a value. @param {string} value */
export const isMasked = (value) => /^•+$/.test(value);

/** The exact bytes, as far as they were kept. @param {Request} request */
export function bodyBytes({ body, body_encoding }) {
  if (body_encoding === 'utf-8') return new TextEncoder().encode(body);
  return Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
}

/**
 * What the body claims to be, without its parameters; empty if it claims nothing.
 * @param {Request} request
 */
export const contentType = ({ headers }) =>
  (headers.find(([name]) => name === 'content-type')?.[1] ?? '').split(';')[0].trim().slice(0, 80);

/** @param {Request} request */
export const isForm = (request) =>
  contentType(request).toLowerCase() === 'application/x-www-form-urlencoded';

/** The fields that Particle's webhooks send, and that the page looks at. */
const KNOWN = new Set(['event', 'data', 'coreid', 'published_at', 'id']);
/** What a body with one of them has in it: most have none, and may have 100,000 others. */
const MENTION = /(?:event|data|coreid|published_at|id)["=]|\\u|%/;

/**
 * Those of the known fields that the body has, as text. Of fields of one name the last counts in
 * JSON and the first in a form, as for the receiver.
 */
export const fieldsOf = perObject((/** @type {Request} */ request) => {
  const { body, body_encoding, truncated } = request;
  /** @type {Map<string, string>} */
  const found = new Map();
  if (body_encoding !== 'utf-8' || truncated || !MENTION.test(body)) return found;
  const list = members(body);
  if (list) {
    for (const { name, value } of list) {
      if (KNOWN.has(name)) found.set(name, stringOf(value) ?? value);
    }
  } else if (isForm(request)) {
    for (const [name, value] of new URLSearchParams(body)) {
      if (KNOWN.has(name) && !found.has(name)) found.set(name, value);
    }
  }
  return found;
});

/**
 * The fields of a form from one place to another, and how many there are.
 * @param {string} body @param {number} from @param {number} to
 */
export function formFields(body, from, to) {
  /** @type {string[]} */
  const wanted = [];
  let count = 0;
  for (let at = 0; at < body.length;) {
    const end = body.indexOf('&', at) < 0 ? body.length : body.indexOf('&', at);
    if (end > at) {
      if (count >= from && count < to) wanted.push(body.slice(at, end));
      count += 1;
    }
    at = end + 1;
  }
  const pairs = new URLSearchParams(wanted.join('&'));
  return { fields: Array.from(pairs, ([name, value]) => ({ name, value })), count };
}

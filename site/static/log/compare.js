// @ts-check
// In what two deliveries differ: a row for each difference, with both values. JSON is compared by
// its structure, so that blanks and the order of members don't count. Pure; loaded when asked for.

import { isJson, leaves } from '../lib/json-text.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {import('../lib/api-client.js').Request} Request
 * @typedef {import('./delivery.js').Row} Row
 */

/** Values of a JSON body that are compared. */
const MAX_LEAVES = 5_000;
/** Shown in place of a value that only the other delivery has. */
const NONE = '(none)';

/**
 * @param {Delivery} a @param {Delivery} b
 * @returns {{rows: Row[], isPartial: boolean}} `isPartial`: the bodies differ in what was not kept,
 *   or may differ in what is not compared
 */
export function differences(a, b) {
  const isStructured = [a, b].every(
    ({ request }) => request.body_encoding === 'utf-8' && isJson(request.body),
  );
  const [one, two] = [a, b].map((delivery) => partsOf(delivery, isStructured));
  const names = [...new Set([...one.keys(), ...two.keys()])];
  /** @type {Row[]} */
  const rows = names
    .filter((name) => one.get(name) !== two.get(name))
    .map((name) => ({
      name,
      kind: 'pairs',
      value: '',
      pairs: [
        [`#${a.seq}`, one.get(name) ?? NONE],
        [`#${b.seq}`, two.get(name) ?? NONE],
      ],
    }));
  return { rows, isPartial: isPartial(a.request, b.request, isStructured) };
}

/** @param {Request} a @param {Request} b @param {boolean} isStructured */
function isPartial(a, b, isStructured) {
  if (a.truncated || b.truncated) return a.body_sha256 !== b.body_sha256;
  const isLong = (/** @type {Request} */ { body }) =>
    leaves(body, MAX_LEAVES + 1).size > MAX_LEAVES;
  return isStructured && a.body !== b.body && (isLong(a) || isLong(b));
}

/** @param {Delivery} delivery @param {boolean} isStructured @returns {Map<string, string>} */
function partsOf({ request, response }, isStructured) {
  const parts = new Map([
    ['method', request.method],
    ['path', request.path],
    ['query', request.query],
    ['status', String(response.status)],
    ['response', response.body],
  ]);
  const onTheWay = new Set(request.added);
  for (const [name, value] of request.headers) {
    if (onTheWay.has(name)) continue;
    const before = parts.get(`header ${name}`);
    parts.set(`header ${name}`, before === undefined ? value : `${before}, ${value}`);
  }
  for (const [name, value] of response.headers) parts.set(`response header ${name}`, value);
  if (!isStructured) return parts.set('body', request.body);
  for (const [way, value] of leaves(request.body, MAX_LEAVES)) parts.set(`body ${way}`, value);
  return parts;
}

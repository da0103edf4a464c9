// @ts-check
// Which event a request says it comes from: the fields that Particle's webhooks carry. Pure.
// They are what the request claims. Anyone who knows the hook URL can claim anything.

import { members, stringOf } from '../lib/json-text.js';
import { perObject } from '../lib/memo.js';
import { fieldsOf } from '../log/request-body.js';
import { timeOf } from './event.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {{name: string | null, data: string | null, coreid: string | null, published_at: string
 *   | null,
 *   at: number | null, dataId: string | null}} Origin `at`: `published_at` in milliseconds.
 *   `dataId`: the `id` inside the
 *   published data, digit for digit
 */

/** The header by which this page marks what it sends itself. */
export const SENT_BY = 'x-sent-by';

/** @type {(delivery: Delivery) => Origin} */
export const originOf = perObject(({ request }) => {
  const fields = fieldsOf(request);
  const of = (/** @type {string} */ name) => fields?.get(name) ?? null;
  const published_at = of('published_at');
  const at = published_at === null ? NaN : timeOf(published_at);
  const data = of('data');
  return {
    name: of('event'),
    data,
    coreid: of('coreid'),
    published_at,
    at: Number.isNaN(at) ? null : at,
    dataId: idIn(data) ?? (fields ? of('id') : null),
  };
});

/**
 * The `id` inside published data: a number digit for digit, a string as it is.
 * @param {string | null} data
 */
export function idIn(data) {
  if (data === null) return null;
  const value = members(data)?.findLast(({ name }) => name === 'id')?.value;
  if (value === undefined || /^[\s]*[{[tfn]/.test(value)) return null;
  return stringOf(value) ?? value.trim();
}

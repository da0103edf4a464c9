// @ts-check
// Which event a request says it comes from: the fields that Particle's webhooks carry. Pure.
// They are what the request claims. Anyone who knows the hook URL can claim anything.

import { members, stringOf } from '../lib/json-text.js';
import { perObject } from '../lib/memo.js';
import { fieldsOf } from '../log/request-body.js';
import { digest, timeOf } from './event.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {{name: string | null, data: string | null, coreid: string | null, published_at: string
 *   | null, at: number | null, dataId: string | null, eventId: string | null, stamp: string,
 *   claim: string}} Origin
 *   `at`: `published_at` in milliseconds. `dataId`: the `id` inside the published data, digit for
 *   digit. `eventId`: the ID that the event has if it is heard, where enough is claimed to tell.
 *   `stamp`, `claim`: source and time, source and `dataId`, by which a delivery finds its event
 */

/** The header by which this page marks what it sends itself. */
export const SENT_BY = 'x-sent-by';

/** @type {(delivery: Delivery) => Origin} */
export const originOf = perObject(({ request }) => {
  const fields = fieldsOf(request);
  const of = (/** @type {string} */ field) => fields.get(field) ?? null;
  const published_at = of('published_at');
  const at = published_at === null ? NaN : timeOf(published_at);
  const [name, data, coreid] = [of('event'), of('data'), of('coreid')];
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

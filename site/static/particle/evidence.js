// @ts-check
// What speaks for an answer being that of an event: how long Particle's cloud waits, and what it
// makes of a response. Pure.

import { perObject } from '../lib/memo.js';
import { cut } from './response-parts.js';

/**
 * @typedef {import('../lib/api-client.js').Delivery} Delivery
 * @typedef {import('./event.js').Event} Event
 */

/**
 * A webhook's request is given up after 20 s
 * (https://docs.particle.io/reference/cloud-apis/webhooks/); some more for the way.
 */
export const ANSWER_MS = 30_000;
/** A request goes out at once, unless its event is skipped; that it went out is said then. */
export const SENT_MS = 10_000;
/** Skipped events are tried again after 30 s and a minute, says the same page. */
export const SKIPPED_MS = 120_000;
/** The beginning of the text of a skipped event's hook-error. */
export const SLEEPING = /^(?:Sleeping|Too many errors)/;

/** @param {Event} event */
export const isSleeping = (event) => SLEEPING.test(event.data ?? '');

/** @param {Delivery} delivery */
export const succeeded = ({ response }) =>
  response.status >= 200 && response.status < 300 && response.delay_ms < 19_000;

/** What the cloud would make of a response that our server sent. */
export const partsOfDelivery = perObject((/** @type {Delivery} */ delivery) =>
  succeeded(delivery) ? cut(delivery.response.body) : null,
);

/**
 * Those that fulfil it, or all if none does.
 * @template T
 * @param {T[]} list
 * @param {(one: T) => boolean} wish
 */
export function preferred(list, wish) {
  if (list.length < 2) return list;
  const those = list.filter(wish);
  return those.length > 0 ? those : list;
}

/** @template T, K @param {T[]} list @param {(one: T) => K} keyOf */
export function groups(list, keyOf) {
  /** @type {Map<K, T[]>} */
  const found = new Map();
  for (const one of list) put(found, keyOf(one), one);
  return found;
}

/** @template T, K @param {Map<K, T[]>} map @param {K} key @param {T} one */
export function put(map, key, one) {
  const list = map.get(key);
  if (list) list.push(one);
  else map.set(key, [one]);
}

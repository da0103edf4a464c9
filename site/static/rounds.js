// @ts-check
// Rounds: one event and all that followed from it, as the rail draws them. Pure.
//
// What goes in: deliveries in the order of their numbers, events in the order in which they were seen, and the numbers
// that hold none. What comes out: rounds, the oldest first, each with its blocks in the order of cause.
// The same delivery object gives the same block objects every time, so that the rail can tell by identity what changed.

import { blocksOf } from './delivery.js';
import { runs } from './log-store.js';

/**
 * @typedef {import('./api-client.js').Delivery} Delivery
 * @typedef {import('./delivery.js').Block} Block
 * @typedef {{
 *   key: string,
 *   seq: number | null,
 *   who: string,
 *   status: string,
 *   tone: 'good' | 'bad' | 'plain',
 *   aside: string,
 *   at: string | null,
 *   blocks: Block[],
 * }} Round `key` is the same for as long as the round lives. `who`: which device, or what kind of request. `status`: how it
 *   went, in a few words. `aside`: how long it took, where one clock measured it. A round without blocks is a remark in
 *   the row, such as a number that holds no delivery.
 */

/** @type {WeakMap<Delivery, Round>} */
const known = new WeakMap();

/**
 * @param {Delivery[]} deliveries
 * @param {object[]} _events not yet joined: the page does not listen to a cloud so far
 * @param {{missing: number[], unreadable: number[]}} gaps
 * @returns {Round[]}
 */
export function rounds(deliveries, _events, { missing, unreadable }) {
  const found = deliveries.map((delivery) => {
    const round = known.get(delivery) ?? roundOf(delivery);
    known.set(delivery, round);
    return round;
  });
  for (const [from, to] of runs(missing)) {
    found.push(remark(from, to, 'no delivery: nothing was acknowledged under', ''));
  }
  for (const [from, to] of runs(unreadable)) {
    found.push(remark(from, to, 'a delivery, but what is stored under', ' can’t be read'));
  }
  return found.sort((a, b) => (a.seq ?? 0) - (b.seq ?? 0));
}

/** @param {Delivery} delivery @returns {Round} */
function roundOf(delivery) {
  const { seq, request, response, received_at } = delivery;
  return {
    key: String(seq),
    seq,
    who: `${request.method.slice(0, 16)} ${request.path === '/' ? '' : request.path.slice(0, 40)}`.trim(),
    status: String(response.status),
    tone: response.status < 300 ? 'good' : 'bad',
    aside: '',
    at: received_at,
    blocks: blocksOf(delivery),
  };
}

/** A run of numbers with nothing to show. @param {number} from @param {number} to @param {string} what @param {string} end @returns {Round} */
function remark(from, to, what, end) {
  const status = from === to ? `holds ${what} it${end}` : `hold ${what} them${end}`;
  return { key: `gap:${from}:${to}`, seq: from, who: from === to ? `#${from}` : `#${from}–#${to}`, status, tone: 'plain', aside: '', at: null, blocks: [] };
}

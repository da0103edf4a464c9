// @ts-check
// In which order rounds stand: deliveries by their numbers; what has no number among them, by
// Particle's clock. Pure. No two clocks are compared: the server's and the browser's are read
// through events that carry a stamp of both.

import { perObject } from '../lib/memo.js';

/**
 * @typedef {import('./join.js').Trace} Trace
 * @typedef {import('./event.js').Event} Event
 */

/**
 * How far a request's own claim of its time may be off from what its neighbours say. Anyone can
 * claim any time.
 */
const BELIEVED_MS = 2 * 60_000;
/** The same where there are no neighbours to compare with: room for a clock that is wrong. */
const BELIEVED_ALONE_MS = 15 * 60_000;

const receivedAt = perObject((/** @type {import('./join.js').Delivery} */ delivery) =>
  Date.parse(delivery.received_at),
);

/**
 * Numbered traces in the order of their numbers, the others in between.
 * @template T
 * @param {{seq: number, trace: Trace | null, item: T}[]} numbered @param {{at: number, key: string,
 *   item: T}[]} others
 * @returns {T[]}
 */
export function ordered(numbered, others) {
  const line = [...numbered].sort((a, b) => a.seq - b.seq);
  const times = timesOf(line.map(({ trace }) => trace));
  const rest = [...others].sort(
    (a, b) => a.at - b.at || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0),
  );
  /** @type {T[]} */
  const all = [];
  let next = 0;
  // A retry comes late but keeps its number, so only the latest time so far says where the line is.
  let latest = -Infinity;
  line.forEach(({ item }, i) => {
    latest = Math.max(latest, times[i] ?? -Infinity);
    while (next < rest.length && rest[next].at < latest) all.push(rest[next++].item);
    all.push(item);
  });
  return [...all, ...rest.slice(next).map(({ item }) => item)];
}

/**
 * When each delivery was on its way, by Particle's clock; null where nothing says so.
 * @param {(Trace | null)[]} line in the order of numbers
 */
function timesOf(line) {
  const received = line.map((trace) => (trace?.delivery ? receivedAt(trace.delivery) : NaN));
  const heard = line.map((trace) => trace !== null && trace.event !== null && trace.at !== null);
  const firstHeard = heard.indexOf(true);
  let anchor = firstHeard;
  return line.map((trace, i) => {
    if (heard[i]) {
      anchor = i;
      return /** @type {Trace} */ (trace).at;
    }
    if (Number.isNaN(received[i])) return null;
    const claim = trace?.at ?? null;
    if (anchor < 0)
      return claim !== null && Math.abs(claim - received[i]) <= BELIEVED_ALONE_MS
        ? claim
        : received[i];
    const time = (line[anchor]?.at ?? 0) + (received[i] - received[anchor]);
    return claim !== null && Math.abs(claim - time) <= BELIEVED_MS ? claim : time;
  });
}

/**
 * Reads Particle's clock off this browser's.
 * @param {Event[]} events
 * @returns {(seen: number) => number}
 */
export function clockOf(events) {
  const anchors = events
    .filter(({ at, seen }) => Number.isFinite(at) && Number.isFinite(seen))
    .sort((a, b) => a.seen - b.seen || a.nth - b.nth);
  return (seen) => {
    let low = 0;
    let high = anchors.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (anchors[middle].seen <= seen) low = middle + 1;
      else high = middle;
    }
    const anchor = anchors[low - 1] ?? anchors[0];
    return anchor ? anchor.at + (seen - anchor.seen) : seen;
  };
}

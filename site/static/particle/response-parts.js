// @ts-check
// Responses travel to the device as events of 512 bytes, in any order and without a count. Pure.
// https://docs.particle.io/reference/cloud-apis/webhooks/ says the size, the numbers in the names
// and the 100 KB.

/** @typedef {import('./event.js').Event} Event */

/** Every part but the last is this long, in bytes. */
export const PART_BYTES = 512;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/**
 * The parts that a response body is cut into, as the text that each arrives as.
 * @param {string} body
 */
export function cut(body) {
  const bytes = encoder.encode(body);
  const parts = [];
  // A character that is cut in two arrives as signs for what can't be decoded, in both parts.
  for (let at = 0; at < bytes.length; at += PART_BYTES)
    parts.push(decoder.decode(bytes.subarray(at, at + PART_BYTES)));
  return parts;
}

/**
 * Parts put together, whatever order they came in.
 * @template {{event: Event, part: number | null}} T
 * @param {T[]} parts
 * @returns {{text: string, missing: number[], complete: boolean, reordered: boolean, inOrder: T[]}}
 *   `missing`: numbers below the highest that did not come. `complete`: nothing is missing and the
 *   last part is a short one;
 *   a last part of full length may or may not be the end. `reordered`: they were not heard in the
 *   order of their numbers
 */
export function joined(parts) {
  const inOrder = [...parts].sort(
    (a, b) => (a.part ?? 0) - (b.part ?? 0) || byTime(a.event, b.event),
  );
  const came = [...parts].sort((a, b) => a.event.seen - b.event.seen || a.event.nth - b.event.nth);
  const first = new Map();
  for (const one of inOrder) if (!first.has(one.part ?? 0)) first.set(one.part ?? 0, one);
  const highest = Math.max(...first.keys());
  const missing = [];
  let text = '';
  for (let number = 0; number <= highest && number < 1000; number += 1) {
    const one = first.get(number);
    if (one) text += one.event.data ?? '';
    else missing.push(number);
  }
  const last = first.get(highest)?.event.data ?? '';
  return {
    text,
    missing,
    complete: missing.length === 0 && encoder.encode(last).length < PART_BYTES,
    reordered: came.some((one, i) => i > 0 && (one.part ?? 0) < (came[i - 1].part ?? 0)),
    inOrder,
  };
}

/** @param {Event} a @param {Event} b */
export const byTime = (a, b) => a.at - b.at || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0);

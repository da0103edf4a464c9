// @ts-check
// What is known of what is left to remove: what this page sees now, and otherwise what it saw when
// it last looked; clearing the log and forgetting the endpoint take nothing of that away. Pure.

import { SILENT_MS } from './rules.js';

/**
 * @typedef {import('./rules.js').World} World
 * @typedef {{wasConnected: boolean, hook: 'ours' | 'absent' | 'elsewhere' | null, deviceEventAt:
 *   number | null, silentAt: number | null}} Known
 *   what was seen of one endpoint. `hook`: what the account had last. `deviceEventAt`: when a
 *   device was heard last; `silentAt`:
 *   when it was known that none had been heard for long enough; by this browser's clock
 */

/** @type {Known} */
export const NOTHING_KNOWN = {
  wasConnected: false,
  hook: null,
  deviceEventAt: null,
  silentAt: null,
};

/** Whether this is what was kept of an earlier look. @param {any} one @returns {one is Known} */
export const isKnown = (one) =>
  typeof one?.wasConnected === 'boolean' &&
  [null, 'ours', 'absent', 'elsewhere'].includes(one.hook) &&
  [one.deviceEventAt, one.silentAt].every((at) => at === null || Number.isFinite(at));

/**
 * What is known after a look. The same object if nothing is new.
 * @param {Known} known
 * @param {World} world
 * @returns {Known}
 */
export function learn(known, { hook, login, deviceEventAt, listeningSince, now }) {
  const seen =
    hook.kind === 'ours' || hook.kind === 'absent' || hook.kind === 'elsewhere'
      ? hook.kind
      : known.hook;
  const last = Math.max(deviceEventAt ?? -Infinity, known.deviceEventAt ?? -Infinity);
  const isSilent = listeningSince !== null && now - Math.max(last, listeningSince) >= SILENT_MS;
  /** @type {Known} */
  const next = {
    wasConnected: known.wasConnected || login !== null,
    hook: seen,
    deviceEventAt: Number.isFinite(last) ? last : null,
    silentAt: isSilent && !wasSilent(known, last) ? now : known.silentAt,
  };
  return Object.entries(next).every(
    ([name, value]) => value === known[/** @type {keyof Known} */ (name)],
  )
    ? known
    : next;
}

/**
 * Whether it was known to be silent after it was heard last.
 * @param {Known} known
 * @param {number | null} last
 */
export const wasSilent = ({ silentAt }, last) =>
  silentAt !== null && silentAt > (last ?? -Infinity);

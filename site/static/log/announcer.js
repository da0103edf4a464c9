// @ts-check
// What a screen reader hears of the log: one polite sentence at a time, at most every ten seconds,
// never a flood.

import { effect } from '../lib/signal.js';

/** @typedef {import('./rounds.js').Round} Round */

const LEAST_GAP_MS = 10_000;
/** A round comes in pieces; one sentence about all of it is better than one about its beginning. */
const SETTLE_MS = 1_500;

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, listed }) {
  const later = (/** @type {() => void} */ act, /** @type {number} */ ms) =>
    void setTimeout(act, ms);
  announce({
    arrived: () => state.arrived.value,
    listed: () => listed.value,
    isMuted: () => state.muted.value !== null,
    say: (sentence) => (state.announcement.value = sentence),
    now: () => performance.now(),
    later,
  });
  effect(() => void (root.textContent = state.announcement.value));
}

/**
 * Says which rounds arrived, of those that are listed.
 * @param {{arrived: () => ReadonlySet<string>, listed: () => Round[], isMuted: () => boolean, say:
 *   (sentence: string) => void,
 *   now: () => number, later: (act: () => void, ms: number) => void}} options
 */
export function announce({ arrived, listed, isMuted, say, now, later }) {
  let saidAt = -Infinity;
  let isPlanned = false;
  /** How many of those that arrived were said, or are not to be. */
  let count = 0;
  /** @type {Set<string>} */
  let waiting = new Set();
  const speak = () => {
    isPlanned = false;
    const rounds = listed().filter(({ key }) => waiting.has(key));
    waiting = new Set();
    if (rounds.length === 0 || isMuted()) return;
    saidAt = now();
    say(sentence(rounds));
  };
  effect(() => {
    const all = [...arrived()];
    waiting = new Set([...waiting, ...all.slice(count)]);
    // Another log begins with none.
    if (all.length < count) waiting.clear();
    count = all.length;
    if (isPlanned || waiting.size === 0) return;
    isPlanned = true;
    later(speak, Math.max(SETTLE_MS, saidAt + LEAST_GAP_MS - now()));
  });
}

/** @param {Round[]} rounds in order, at least one */
function sentence(rounds) {
  const { seq, who, status, isRemark } = rounds[rounds.length - 1];
  const name = seq !== null && !isRemark ? `#${seq}, ${who}` : who;
  if (rounds.length === 1) return `${name}: ${status}.`;
  return `${rounds.length} new rounds, the newest is ${name}: ${status}.`;
}

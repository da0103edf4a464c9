// @ts-check
// What a screen reader hears of the log: one polite sentence at a time, at most every ten seconds, never a flood.

import { ranges } from './log-store.js';

/** @typedef {import('./rounds.js').Round} Round */

const LEAST_GAP_MS = 10_000;

/**
 * @param {HTMLElement} region a polite live region
 * @param {{now: () => number, later: (act: () => void, ms: number) => void}} clock
 */
export function mountHeard(region, { now, later }) {
  let saidAt = -Infinity;
  let planned = false;
  /** @type {Round[]} */
  let waiting = [];
  const say = () => {
    planned = false;
    if (waiting.length === 0) return;
    saidAt = now();
    region.textContent = sentence(waiting);
    waiting = [];
  };
  return {
    /** @param {Round[]} rounds those that came */
    add(rounds) {
      waiting.push(...rounds);
      if (planned || waiting.length === 0) return;
      planned = true;
      later(say, Math.max(0, saidAt + LEAST_GAP_MS - now()));
    },
  };
}

/** @param {Round[]} rounds in order, at least one */
export function sentence(rounds) {
  const last = rounds[rounds.length - 1];
  if (rounds.length > 1) return `${rounds.length} new rounds, the newest is ${last.seq === null ? last.who : ranges([last.seq])}.`;
  const number = last.blocks.length > 0 && last.seq !== null ? `#${last.seq}, ` : '';
  return `${number}${last.who}: ${last.status}.`;
}

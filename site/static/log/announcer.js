// @ts-check
// What a screen reader hears of the log: one polite sentence at a time, at most every ten seconds, never a flood.

/** @typedef {import('./rounds.js').Round} Round */

const LEAST_GAP_MS = 10_000;
/** A round comes in pieces; one sentence about all of it is better than one about its beginning. */
const SETTLE_MS = 1_500;

/**
 * @param {HTMLElement} region a polite live region
 * @param {{now: () => number, later: (act: () => void, ms: number) => void, find: (key: string) => Round | undefined, isMuted: () => boolean}} with_
 *   `find`: a round as it is by then
 */
export function mountAnnouncer(region, { now, later, find, isMuted }) {
  let saidAt = -Infinity;
  let planned = false;
  /** @type {Set<string>} */
  let waiting = new Set();
  const say = () => {
    planned = false;
    const rounds = [...waiting].map(find).filter((round) => round !== undefined);
    waiting = new Set();
    if (rounds.length === 0 || isMuted()) return;
    saidAt = now();
    region.textContent = sentence(rounds);
  };
  return {
    /** @param {Round[]} rounds those that came */
    add(rounds) {
      for (const { key } of rounds) waiting.add(key);
      if (planned || waiting.size === 0) return;
      planned = true;
      later(say, Math.max(SETTLE_MS, saidAt + LEAST_GAP_MS - now()));
    },
  };
}

/** @param {Round[]} rounds in order, at least one */
function sentence(rounds) {
  const { seq, who, status, blocks } = rounds[rounds.length - 1];
  const name = seq !== null && blocks.length > 0 ? `#${seq}, ${who}` : who;
  return rounds.length === 1 ? `${name}: ${status}.` : `${rounds.length} new rounds, the newest is ${name}: ${status}.`;
}

// @ts-check
// Where it is kept what was done, for each endpoint: in this browser, bounded.

const MAX_ENDPOINTS = 12;

/**
 * @typedef {import('./rules.js').Done} Done
 * @typedef {{done: Done, since: number, after: number}} Kept `since`, `after`: since when, by this
 *   browser's clock, and after which delivery the tasks are there; what happened before does not
 *   count
 */

/** @param {import('../lib/storage.js').Kept} steps */
export function stepsStorage(steps) {
  /** @returns {[string, Kept][]} */
  const all = () => {
    const list = steps.json();
    return Array.isArray(list) ? list.filter(isEntry) : [];
  };
  return {
    /** @param {string} endpoint @returns {Kept | null} null if its tasks were never there */
    get(endpoint) {
      const kept = all().find(([name]) => name === endpoint)?.[1];
      return kept ? { ...kept, after: kept.after ?? 0 } : null;
    },
    /** @param {string} endpoint @param {Kept} kept */
    set(endpoint, kept) {
      steps.keepJson(
        [[endpoint, kept], ...all().filter(([name]) => name !== endpoint)].slice(0, MAX_ENDPOINTS),
      );
    },
  };
}

/** @param {any} one @returns {one is [string, Kept]} */
const isEntry = (one) =>
  Array.isArray(one) &&
  typeof one[0] === 'string' &&
  Number.isFinite(one[1]?.since) &&
  one[1].done !== null &&
  typeof one[1].done === 'object' &&
  Object.values(one[1].done).every((said) => typeof said === 'string');

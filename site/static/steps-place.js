// @ts-check
// Where it is kept what was done, for each endpoint: in this browser, bounded.

const KEPT = 'webhook-tutorial/steps';
const MOST = 12;

/**
 * @typedef {import('./steps.js').Done} Done
 * @typedef {{done: Done, since: number}} Kept `since`: what happened before does not count, because the reader began anew
 */

/** @param {() => Pick<Storage, 'getItem' | 'setItem'>} storage which may throw */
export function stepsPlace(storage) {
  /** @returns {[string, Kept][]} */
  const all = () => {
    try {
      const list = JSON.parse(storage().getItem(KEPT) ?? '[]');
      return Array.isArray(list) ? list.filter(isEntry) : [];
    } catch {
      return [];
    }
  };
  return {
    /** @param {string} endpoint @returns {Kept} */
    get: (endpoint) => all().find(([name]) => name === endpoint)?.[1] ?? { done: {}, since: 0 },
    /** @param {string} endpoint @param {Kept} kept */
    set(endpoint, kept) {
      try {
        storage().setItem(KEPT, JSON.stringify([[endpoint, kept], ...all().filter(([name]) => name !== endpoint)].slice(0, MOST)));
      } catch {
        // Then a reload begins anew, with what the log still shows.
      }
    },
  };
}

/** @param {any} one @returns {one is [string, Kept]} */
const isEntry = (one) =>
  Array.isArray(one) && typeof one[0] === 'string' && Number.isFinite(one[1]?.since) && one[1].done !== null && typeof one[1].done === 'object' &&
  Object.values(one[1].done).every((said) => typeof said === 'string');

// @ts-check
// What this browser keeps for the page: in localStorage, or in sessionStorage for one tab. A
// browser may refuse to keep anything, and what lies there may be another version's or somebody's
// at the console; so nothing here throws. Not for keys, which have a place of their own
// (key-ring.js).

import { signal } from './signal.js';

/**
 * @typedef {Pick<Storage, 'getItem' | 'setItem' | 'removeItem'>} Place
 * @typedef {ReturnType<typeof kept>} Kept one thing that is kept, under one name
 */

/** @param {string} name */
export const inBrowser = (name) => kept(() => localStorage, name);

/** @param {string} name */
export const inTab = (name) => kept(() => sessionStorage, name);

/** A text that this browser keeps, as a signal. @param {string} name */
export const keptText = (name) => keptSignal(inBrowser(name).text(), inBrowser(name).keep);

/**
 * The same with whatever can be JSON; what is there may be another version's.
 * @param {string} name
 */
export const keptJson = (name) => {
  const place = inBrowser(name);
  const keep = (/** @type {any} */ value) =>
    value === null ? place.keep(null) : place.keepJson(value);
  return keptSignal(/** @type {any} */ (place.json()), keep);
};

/**
 * @template T
 * @param {T} first
 * @param {(value: T) => unknown} keep
 * @returns {import('./signal.js').Signal<T>}
 */
function keptSignal(first, keep) {
  const own = signal(first);
  return {
    get value() {
      return own.value;
    },
    set value(next) {
      own.value = next;
      keep(next);
    },
    peek: own.peek,
  };
}

/** @param {() => Place} place how to get at it, which may throw @param {string} name */
export function kept(place, name) {
  /** @template T @param {() => T} act @param {T} otherwise */
  const attempt = (act, otherwise) => {
    try {
      return act();
    } catch {
      return otherwise;
    }
  };
  const text = () => attempt(() => place().getItem(name), null);
  /**
   * @param {string | null} next null to keep it no longer
   * @returns {boolean} whether that was done
   */
  const keep = (next) =>
    attempt(() => {
      if (next === null) place().removeItem(name);
      else place().setItem(name, next);
      return true;
    }, false);
  return {
    text,
    keep,
    /**
     * What was kept as JSON, whatever that is; null if nothing was, or nothing that is JSON.
     * @returns {any}
     */
    json: () => attempt(() => JSON.parse(text() ?? 'null'), null),
    /** @param {unknown} value */
    keepJson: (value) => keep(JSON.stringify(value)),
  };
}

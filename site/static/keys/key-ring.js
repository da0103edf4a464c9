// @ts-check
// Where keys lie in this browser: one's own in localStorage, a stranger's share key in this tab
// alone. A browser may refuse storage altogether; then everything works until the page is closed,
// and `lasting` is false.

import { isOwnerKey, isShareKey } from './keys.js';
import { kept } from '../lib/storage.js';

const OWN = 'webhook-tutorial/own';
const OTHERS = 'webhook-tutorial/other-own';
const READ = 'webhook-tutorial/read';

/** @typedef {import('../lib/storage.js').Place} Place */

/**
 * @param {() => Place} local how to get at localStorage, which may throw
 * @param {() => Place} tab how to get at sessionStorage, which may throw
 */
export function keyRing(local, tab) {
  const own = guarded(local);
  const here = guarded(tab);

  const others = () => {
    try {
      const list = JSON.parse(own.get(OTHERS) ?? '[]');
      return Array.isArray(list) ? list.filter(isOwnerKey) : [];
    } catch {
      return [];
    }
  };
  const setOthers = (/** @type {string[]} */ keys) =>
    own.set(OTHERS, JSON.stringify([...new Set(keys)]));

  return {
    /** False if what is kept here is gone when the page closes. */
    lasting: () => own.lasting(),
    /** The owner key in use. @returns {string | null} */
    own: () => {
      const key = own.get(OWN);
      return isOwnerKey(key) ? key : null;
    },
    /** Owner keys that were in use before. @returns {string[]} */
    others,
    /** Puts an owner key in use; the one before is kept among the others. @param {string} key */
    use(key) {
      const before = this.own();
      setOthers([...(before ? [before] : []), ...others()].filter((other) => other !== key));
      own.set(OWN, key);
    },
    /** Drops the owner key in use. */
    drop() {
      own.remove(OWN);
    },
    /** The share key that this tab reads with. @returns {string | null} */
    read: () => {
      const key = here.get(READ);
      return isShareKey(key) ? key : null;
    },
    /** @param {string} key */
    setRead: (key) => here.set(READ, key),
    leaveRead: () => here.remove(READ),
    /** Whether a storage event is about the owner key. @param {string | null} name */
    concerns: (name) => name === OWN || name === OTHERS || name === null,
  };
}

/** Storage that falls back to memory when the browser refuses it. @param {() => Place} open */
function guarded(open) {
  /** @type {Map<string, string>} */
  const memory = new Map();
  return {
    /** What is here is what the browser did not take. */
    lasting: () => memory.size === 0,
    get: (/** @type {string} */ name) => memory.get(name) ?? kept(open, name).text(),
    set(/** @type {string} */ name, /** @type {string} */ value) {
      if (kept(open, name).keep(value)) memory.delete(name);
      else memory.set(name, value);
    },
    remove(/** @type {string} */ name) {
      memory.delete(name);
      kept(open, name).keep(null);
    },
  };
}

// @ts-check
// Where keys lie in this browser: one's own in localStorage, and which of them a tab looks at in
// that tab, as a stranger's share key. A browser may refuse storage altogether; then everything
// works until the page is closed, and `lasting` is false.

import { isOwnerKey, isShareKey } from './keys.js';
import { kept } from '../lib/storage.js';

/** The owner key that was put in use last: a new tab begins with it. */
const OWN = 'webhook-tutorial/own';
/** The owner key of this tab. */
const OF_TAB = 'webhook-tutorial/own-of-tab';
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
  const last = () => {
    const key = own.get(OWN);
    return isOwnerKey(key) ? key : null;
  };
  const ofTab = () => {
    const key = here.get(OF_TAB) ?? '';
    return isOwnerKey(key) && all().includes(key) ? key : last();
  };
  /** @returns {string[]} */
  const all = () => [...new Set([last() ?? [], others()].flat())];
  const setOthers = (/** @type {string[]} */ keys) =>
    own.set(OTHERS, JSON.stringify([...new Set(keys)]));

  return {
    /** False if what is kept here is gone when the page closes. */
    lasting: () => own.lasting(),
    /** The owner key that this tab uses. @returns {string | null} */
    own: ofTab,
    /** All other owner keys, those used last first. @returns {string[]} */
    others: () => all().filter((key) => key !== ofTab()),
    /** From now on this tab stays with the owner key that it uses. */
    stay() {
      const key = ofTab();
      if (key) here.set(OF_TAB, key);
    },
    /** Puts an owner key in use in this tab, and in those to come. @param {string} key */
    use(key) {
      setOthers(all().filter((other) => other !== key));
      own.set(OWN, key);
      here.set(OF_TAB, key);
    },
    /** Keeps an owner key without using it. @param {string} key */
    add(key) {
      if (!all().includes(key)) setOthers([...others(), key]);
    },
    /** Drops the owner key that this tab uses. */
    drop() {
      const key = ofTab();
      if (own.get(OWN) === key) own.remove(OWN);
      setOthers(others().filter((other) => other !== key));
      here.remove(OF_TAB);
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

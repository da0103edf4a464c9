// @ts-check
// Start: makes an endpoint, with the code that a server may ask for, and says what went wrong.

import { failure } from '../lib/api-client.js';
import { askForCode, closeCode } from '../keys/creation-code.js';
import { part, slot } from '../lib/dom.js';

/** @param {{make: (anew: boolean, code: string) => Promise<import('../lib/api-client.js').ApiProblem | null>}} with_ `make`: `anew` with a new key, and so a new URL */
export function mountStartCard({ make }) {
  /** @param {string} words empty if nothing is wrong */
  function complain(words) {
    slot('start-problem').textContent = words;
    slot('start-problem').hidden = words === '';
  }

  /** @param {boolean} anew @param {string} [code] */
  async function attempt(anew, code = '') {
    const why = await make(anew, code);
    if (why !== null) return why;
    closeCode();
    slot('hook-url').focus();
    return null;
  }

  /** @param {boolean} anew */
  async function start(anew) {
    complain('');
    const why = await attempt(anew);
    if (why?.field === 'creation_code') askForCode((code) => attempt(anew, code));
    else if (why) complain(failure(why));
  }

  return {
    actions: {
      start: () => start(false),
      'start-ahead': () => start(false),
      'start-new': () => start(true),
    },
    complain,
    /** @param {{isOpen: boolean, gone: string | null, reading: boolean}} view `gone`: why what was open is there no more */
    update({ isOpen, gone, reading }) {
      part('start-row').hidden = isOpen || gone !== null || reading;
      part('start-again').hidden = gone === null || reading;
      part('start-done').hidden = !isOpen || reading;
      slot('gone-what').textContent = gone ?? '';
    },
  };
}

// @ts-check
// What the page needs before anybody has started: which sections are shown, where the reader is, and in which mode the page
// is. Everything else is loaded when it is wanted.

import { mountContents } from './steps/contents.js';
import { part, slot, write } from './lib/dom.js';
import { modeOf, modeWords } from './lib/mode.js';
import { mountStarted } from './steps/started.js';
import { inBrowser } from './lib/storage.js';

/** The mode of the last visit, so that the next one begins with the right words. */
const keptMode = inBrowser('webhook-tutorial/mode');

/** @typedef {{clouds: {id: string, api: string}[], longest_wait_ms?: number}} Config which clouds can reach this server, and
 * the longest wait between two questions to it, if it is not paid by the question */

export const started = mountStarted();
export const contents = mountContents(part('contents'), part('steps-button'));

/** What config.json says; null if it could not be read: the mode stays unnamed then, and everything else works. @type {Promise<Config | null>} */
export const config = (async () => {
  try {
    const answer = await fetch('/config.json', { cache: 'no-cache', credentials: 'omit' });
    const read = await answer.json();
    return Array.isArray(read?.clouds) ? read : null;
  } catch {
    return null;
  }
})();

/** The mode that was kept last: to keep it takes longer than to say it. */
let drawn = '';

/** Says the mode, once it is known. @param {Config | null} known @param {{cloud: string, username: string} | null} login */
export function drawMode(known, login) {
  const mode = modeOf({ login, clouds: known?.clouds ?? [] });
  const [name, more] = modeWords(mode, login?.username);
  if (known !== null) {
    if (drawn !== mode) keptMode.keep(mode);
    document.documentElement.dataset.mode = drawn = mode;
  }
  write(slot('mode'), name);
  write(slot('mode-more'), `: ${more}`);
  /** @type {HTMLElement} */ (document.querySelector('.top-mode')).hidden = known === null;
}

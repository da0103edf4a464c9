// @ts-check
// The question before something that can't be undone.

import { failure } from './api-client.js';
import { dialog, slot } from './dom.js';
import { isOff, setOff } from './wants.js';

/** @typedef {(done: (words: string) => void) => Promise<void>} Act `done`: one step of it is done, and stays so if a later one fails */

/** Asks, and does it only if the answer is yes. @param {string} name of the dialog @param {Act} act */
export function confirm(name, act) {
  const asked = dialog(name);
  const problem = slot('problem', asked);
  const button = /** @type {HTMLButtonElement} */ (asked.querySelector('[data-do="confirm"]'));
  problem.hidden = true;
  button.onclick = async () => {
    if (isOff(button)) return;
    setOff(button, true);
    const words = await attempt(act);
    setOff(button, false);
    if (words === '') return asked.close();
    problem.textContent = words;
    problem.hidden = false;
  };
  asked.showModal();
}

/** Does it. If that fails it says what is true then: what was done before, and what may have been. @param {Act} act @returns {Promise<string>} empty if all is done */
export async function attempt(act) {
  let before = '';
  try {
    await act((words) => (before += `${words} `));
    return '';
  } catch (error) {
    return before + failure(/** @type {Error} */ (error));
  }
}

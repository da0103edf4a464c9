// @ts-check
// The question before something that can't be undone.

import { dialog, slot } from './dom.js';

/** Asks, and does it only if the answer is yes. @param {string} name of the dialog @param {() => Promise<void>} act */
export function confirm(name, act) {
  const asked = dialog(name);
  const problem = slot('problem', asked);
  const button = /** @type {HTMLButtonElement} */ (asked.querySelector('[data-do="confirm"]'));
  if (problem) problem.hidden = true;
  button.onclick = async () => {
    button.disabled = true;
    try {
      await act();
      asked.close();
    } catch (error) {
      problem.textContent = `That did not work: ${/** @type {Error} */ (error).message}. Nothing was changed.`;
      problem.hidden = false;
    } finally {
      button.disabled = false;
    }
  };
  asked.showModal();
}

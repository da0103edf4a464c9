// @ts-check
// Doing something that may fail half-way, and saying what is true then.

import { failure } from './api-client.js';

/**
 * @typedef {(done: (words: string) => void) => Promise<void>} Act `done`: one step of it is done,
 *   and stays so if a later one fails
 */

/**
 * Does it. If that fails it says what was done before, and what may have been.
 * @param {Act} act
 * @returns {Promise<string>} empty if all is done
 */
export async function attempt(act) {
  let before = '';
  try {
    await act((words) => (before += `${words} `));
    return '';
  } catch (error) {
    return before + failure(/** @type {Error} */ (error));
  }
}

// @ts-check
// The question for the code that a server may ask for before it makes an endpoint.

import { failure } from '../lib/api-client.js';
import { dialog, slot, write } from '../lib/dom.js';
import { isOff, setOff } from '../lib/wants.js';

const asked = () => dialog('creation-code');

/**
 * Asks for the code until there is an endpoint, or the reader closes the question.
 * @param {(code: string) => Promise<Error | null>} make makes the endpoint, or says what went wrong
 */
export function askForCode(make) {
  const form = /** @type {HTMLFormElement} */ (asked().querySelector('form'));
  const field = /** @type {HTMLInputElement} */ (form.elements.namedItem('code'));
  const button = /** @type {HTMLButtonElement} */ (form.querySelector('[type="submit"]'));
  const problem = slot('problem', form);
  problem.hidden = true;
  form.onsubmit = async (event) => {
    event.preventDefault();
    if (isOff(button)) return;
    setOff(button, true);
    const why = await make(field.value.trim());
    setOff(button, false);
    if (why === null) return;
    write(problem, failure(why));
    problem.hidden = false;
    field.focus();
    field.select();
  };
  asked().showModal();
}

/** The code is kept nowhere. */
export function closeCode() {
  const field = /** @type {HTMLInputElement} */ (asked().querySelector('input'));
  field.value = '';
  asked().close();
}

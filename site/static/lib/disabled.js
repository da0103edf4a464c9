// @ts-check
// Controls that are disabled but keep the focus, so that somebody who comes by keyboard hears why.

/** Whether a press of a control does nothing. @param {Element} control */
export const isDisabled = (control) => control.getAttribute('aria-disabled') === 'true';

/** @param {Element} control @param {boolean} is */
export const setDisabled = (control, is) =>
  is ? control.setAttribute('aria-disabled', 'true') : control.removeAttribute('aria-disabled');

/** A form whose submit button is disabled is not submitted. */
export function guardForms() {
  document.addEventListener(
    'submit',
    (event) => {
      const form = /** @type {HTMLFormElement} */ (event.target);
      if (![...form.querySelectorAll('[type="submit"]')].some(isDisabled)) return;
      event.preventDefault();
      event.stopPropagation();
    },
    { capture: true },
  );
}

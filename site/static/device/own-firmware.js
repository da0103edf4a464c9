// @ts-check
// The lines with which a firmware of one's own takes part, each part to be copied.

import { copyFrom } from '../lib/copy.js';

/** @param {HTMLElement} root */
export function mount(root) {
  return {
    copy: (/** @type {HTMLElement} */ button) => {
      const part = [...root.querySelectorAll('.own-code')].find((one) => one.contains(button));
      return copyFrom(button, part?.querySelector('code')?.textContent ?? '');
    },
  };
}

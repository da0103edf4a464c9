// @ts-check
// What the words of the page gain from a script: code to copy, commands with the reader's own addresses in them, and folds
// that are open on paper.

import { copyButton } from '../lib/copy.js';

/** @param {ParentNode} page */
export function mountProse(page) {
  for (const code of page.querySelectorAll('.page-section .code-lines')) {
    // These have tools of their own.
    if (code.closest('[data-part], .own-code')) continue;
    const button = copyButton('Copy', () => code.textContent ?? '');
    button.classList.add('code-copy');
    code.before(button);
  }
  // Browsers that can't do it by style; what was shut is shut again afterwards.
  /** @type {HTMLDetailsElement[]} */
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [.../** @type {NodeListOf<HTMLDetailsElement>} */ (page.querySelectorAll('.prose-fold:not([open])'))];
    for (const fold of opened) fold.open = true;
  });
  addEventListener('afterprint', () => {
    for (const fold of opened) fold.open = false;
    opened = [];
  });

  return {
    /** Puts the reader's own into the commands; what is not known yet stays as it is. @param {Record<string, string | null>} own by name */
    fill(own) {
      for (const place of /** @type {NodeListOf<HTMLElement>} */ (page.querySelectorAll('[data-fill]'))) {
        place.dataset.as ??= place.textContent ?? '';
        const text = own[place.dataset.fill ?? ''] ?? place.dataset.as;
        if (place.textContent !== text) place.textContent = text;
      }
    },
  };
}

// @ts-check
// The text of the tutorial: its tasks, its code and commands, its folds, and its examples.

import { copyButton } from '../lib/copy.js';
import { effect } from '../lib/signal.js';
import { mountTasks } from './tasks.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, page) {
  page.state.isTutorial.value = true;
  const actions = mountTasks(root, page);
  mountCopyButtons(root);
  mountCommands(root, page);
  openFoldsOnPaper(root);
  mountExamples(page);
  return actions;
}

/** @param {HTMLElement} root */
function mountCopyButtons(root) {
  for (const code of root.querySelectorAll('.page-section .code-lines')) {
    // These have tools of their own.
    if (code.closest('[data-component]') !== root) continue;
    const button = copyButton('Copy', () => code.textContent ?? '');
    button.classList.add('code-copy');
    code.before(button);
  }
}

/**
 * Commands have the reader's own addresses in them; what is not known yet stays as it is.
 * @param {HTMLElement} root
 * @param {import('../page.js').Page} page
 */
function mountCommands(root, { state, particle }) {
  const places = /** @type {HTMLElement[]} */ ([...root.querySelectorAll('[data-fill]')]);
  const written = places.map((place) => place.textContent ?? '');
  effect(() => {
    const id = particle.connection.value?.offer.id ?? 'simulated';
    const own = new Map([
      ['hook-url', state.info.value?.hook_url],
      ['api', state.config.value?.clouds.find((cloud) => cloud.id === id)?.api],
    ]);
    places.forEach((place, i) => {
      const text = own.get(place.dataset.fill ?? '') ?? written[i];
      if (place.textContent !== text) place.textContent = text;
    });
  });
}

/**
 * For browsers that can't do it by style; what was closed is closed again afterwards.
 * @param {HTMLElement} root
 */
function openFoldsOnPaper(root) {
  /** @type {HTMLDetailsElement[]} */
  let opened = [];
  addEventListener('beforeprint', () => {
    opened = [...root.querySelectorAll('.prose-fold:not([open])')].map(
      (fold) => /** @type {HTMLDetailsElement} */ (fold),
    );
    for (const fold of opened) fold.open = true;
  });
  addEventListener('afterprint', () => {
    for (const fold of opened) fold.open = false;
    opened = [];
  });
}

/**
 * Examples become the reader's own once there is a round to show.
 * @param {import('../page.js').Page} page
 */
function mountExamples({ state, rounds }) {
  /** @type {Promise<unknown> | null} */
  let loading = null;
  effect(() => {
    if (loading !== null || state.reading.value) return;
    const isWhole = rounds.value.some(
      ({ trace, kinds }) => trace?.event && trace.delivery && kinds.size > 3,
    );
    if (!isWhole) return;
    loading = import('./examples.js').then(({ mountExamples: mount }) =>
      mount(() => (state.reading.value ? [] : rounds.value)),
    );
    loading.catch(() => (loading = null));
  });
}

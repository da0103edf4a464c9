// @ts-check
// The application, once somebody has started or is about to (begin.js): it makes the page, mounts
// its components, and opens what this browser was last looking at.

import { mountAll, mountLater } from './lib/component.js';
import { guardForms } from './lib/disabled.js';
import { keepFocus } from './lib/keep-focus.js';
import { effect, flush } from './lib/signal.js';
import { mountWants } from './lib/wants.js';
import { canMakeKeys } from './keys/keys.js';
import { mountTitle } from './log/title.js';
import { createPage } from './page.js';
import { keepSectionHeights } from './steps/section-heights.js';

/**
 * Somebody who does something on the page may be waiting for something on it; but not with every
 * key.
 */
const ACTIVITY_GAP_MS = 3_000;
const NO_KEYS =
  'This browser lets a page make keys only on https or on this computer’s own address ' +
  '(http://127.0.0.1). Open the page there.';

/** @param {import('./state.js').State} state */
export async function open(state) {
  const root = document.documentElement;
  const form = await fetch(new URL('./particle/webhook.json', import.meta.url), {
    credentials: 'omit',
  });
  const page = createPage(state, await form.json());
  await mountAll(document, page);
  mountLater(document, page);
  for (const node of document.querySelectorAll('[data-component]')) {
    mountWants(/** @type {HTMLElement} */ (node), () => page.available.value);
  }
  guardForms();
  keepFocus();
  keepSectionHeights();
  mountTitle(state, document);
  effect(() => root.toggleAttribute('data-reading', state.reading.value));
  root.dataset.script = 'on';
  follow(page);
  page.open();
  if (!canMakeKeys(globalThis.crypto)) state.startProblem.value = NO_KEYS;
  else if (!(await page.endpoint.takeKey())) await page.endpoint.reopen();
}

/** What this tab, and the others, do to the page. @param {import('./page.js').Page} page */
function follow(page) {
  const { endpoint } = page;
  const poke = () => endpoint.poke();
  // What somebody did is drawn before anything else happens.
  for (const name of ['click', 'input', 'change', 'keydown', 'submit'])
    addEventListener(name, flush);
  let activeAt = -Infinity;
  const noteActivity = () => {
    if (performance.now() - activeAt < ACTIVITY_GAP_MS) return;
    activeAt = performance.now();
    poke();
  };
  for (const name of ['pointerdown', 'keydown', 'focus']) {
    addEventListener(name, noteActivity, { capture: true, passive: true });
  }
  addEventListener('online', poke);
  document.addEventListener('visibilitychange', poke);
  addEventListener('pagehide', () => page.close());
  addEventListener('pageshow', (event) => {
    if (!event.persisted) return;
    page.open();
    void endpoint.follow();
    poke();
  });
  addEventListener('storage', ({ key }) => void endpoint.follow(key));
  addEventListener('hashchange', () => void endpoint.takeKey());
}

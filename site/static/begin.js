// @ts-check
// The first script of a page. It shows what there is before Start, and loads the rest, app.js and
// all components, when somebody has started, is about to, or reads ahead. What was pressed before
// that is there is not lost.

import { mount as mountMode } from './cards/mode.js';
import { mountOne } from './lib/component.js';
import { isDisabled } from './lib/disabled.js';
import { effect } from './lib/signal.js';
import { createState } from './state.js';
import { mount as mountContents } from './steps/contents.js';
import { mount as mountProgress } from './steps/progress.js';
import { mount as mountReadingAhead } from './steps/reading-ahead.js';

const root = document.documentElement;
/** What somebody does who is about to press something. */
const INTENT = ['pointerover', 'pointerdown', 'touchstart', 'focusin'];
const CONTROLS = '[data-action], summary, input, select, textarea';
const state = createState();

/** The components that work before anything else is loaded. */
const FIRST = new Map([
  ['cards/mode', mountMode],
  ['steps/contents', mountContents],
  ['steps/progress', mountProgress],
  ['steps/reading-ahead', mountReadingAhead],
]);

/** @type {Promise<unknown> | null} */
let loading = null;
/**
 * The last control that was pressed before anything could come of it.
 * @type {HTMLElement | null}
 */
let pressed = null;

function load() {
  loading ??= (async () => {
    try {
      // All of it is asked for at once, and not level by level of imports.
      const later = /** @type {HTMLTemplateElement} */ (document.getElementById('later-scripts'));
      document.head.append(later.content);
      const { open } = await import('./app.js');
      await open(state);
    } catch (error) {
      showAll();
      throw error;
    }
    // first.js remembers Start itself, from before any module ran.
    if (root.dataset.pressed && state.keys.peek() === null) state.startRequests.value += 1;
    else if (pressed?.dataset.action !== 'start') pressed?.click();
  })();
  return loading;
}

/** Without its script the page shows everything, as plain reading. */
function showAll() {
  delete root.dataset.mode;
  delete root.dataset.started;
  delete root.dataset.reading;
  const notices = /** @type {NodeListOf<HTMLElement>} */ (
    document.querySelectorAll('.load-failed')
  );
  for (const notice of notices) notice.hidden = false;
}

/** Null if it could not be read: the mode stays unnamed then, and everything else works. */
async function readConfig() {
  try {
    const answer = await fetch('/config.json', { cache: 'no-cache', credentials: 'omit' });
    const read = await answer.json();
    return Array.isArray(read?.clouds) ? read : null;
  } catch {
    return null;
  }
}

const isUp = () => root.dataset.script === 'on';
const intend = (/** @type {Event} */ { target }) => {
  if (/** @type {Element} */ (target).closest?.(CONTROLS)) void load();
};
for (const name of INTENT) addEventListener(name, intend, { capture: true, passive: true });
addEventListener('click', ({ target }) => {
  if (isUp()) return;
  const control = /** @type {Element} */ (target).closest?.('[data-action]');
  if (!control || isDisabled(control)) return;
  const component = /** @type {HTMLElement | null} */ (control.closest('[data-component]'));
  if (FIRST.has(component?.dataset.component ?? '')) return;
  pressed = /** @type {HTMLElement} */ (control);
  void load();
});
// A file that is dropped on the page is opened by it and not by the browser.
addEventListener('dragenter', () => void load());
// Another tab has started, or the address has a key in it or leads to a later section.
for (const name of ['storage', 'hashchange']) addEventListener(name, () => void load());

for (const node of /** @type {NodeListOf<HTMLElement>} */ (
  document.querySelectorAll('[data-component]')
)) {
  const mount = FIRST.get(node.dataset.component ?? '');
  // These take nothing but the state.
  if (mount) mountOne(node, mount, /** @type {any} */ ({ state }));
}
effect(() => void (state.startRequests.value > 0 && load()));
void readConfig().then((config) => (state.config.value = config));
const readsAhead = document.querySelector('.page-section[data-opened]') !== null;
if (root.dataset.started !== 'no' || readsAhead || root.dataset.pressed) void load();

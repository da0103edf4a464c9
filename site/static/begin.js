// @ts-check
// The first script of the page. It shows what there is before Start, and loads the rest, app.js and all that belongs to it,
// when somebody has started, is about to, or reads ahead. What was pressed before that is there is not lost.

import { config, contents, drawMode, started } from './first-view.js';
import { isOff } from './lib/wants.js';

const root = document.documentElement;
/** What somebody does who is about to press something. */
const INTENT = ['pointerover', 'pointerdown', 'touchstart', 'focusin'];
const CONTROLS = '[data-do], input, select, textarea';

/** @type {Promise<unknown> | null} */
let loading = null;
/** The last control that was pressed before anything could come of it. @type {HTMLElement | null} */
let pressed = null;

function load() {
  loading ??= (async () => {
    try {
      // All of it is asked for at once, and not level by level of imports.
      document.head.append(/** @type {HTMLTemplateElement} */ (document.getElementById('later-scripts')).content);
      const { opened } = await import('./app.js');
      await opened;
    } catch {
      failed();
      return;
    }
    // first.js remembers Start itself, from before any module ran.
    if (pressed && !pressed.matches('[data-do="start"], [data-do="start-ahead"]')) pressed.click();
  })();
  return loading;
}

/** Without its script the page shows everything, as plain reading. */
function failed() {
  delete root.dataset.mode;
  delete root.dataset.started;
  delete root.dataset.reading;
  for (const node of document.querySelectorAll('.load-failed')) /** @type {HTMLElement} */ (node).hidden = false;
}

const isUp = () => root.dataset.script === 'on';
for (const name of INTENT) {
  addEventListener(name, ({ target }) => void (/** @type {Element} */ (target).closest?.(CONTROLS) && load()), { capture: true, passive: true });
}
addEventListener('click', ({ target }) => {
  if (isUp()) return;
  const button = /** @type {HTMLElement | null} */ (/** @type {Element} */ (target).closest?.('[data-do]'));
  if (!button || isOff(button)) return;
  if (button.dataset.do === 'contents') return contents.toggle();
  pressed = button;
  void load();
});
// Another tab has started, or the address has a key in it or leads to a later section.
for (const name of ['storage', 'hashchange']) addEventListener(name, () => void load());

if (root.dataset.started === 'no') {
  started.set(false);
  const readsAhead = document.querySelector('.page-section[data-opened]') !== null;
  if (readsAhead || root.dataset.pressed) void load();
  void config.then((known) => isUp() || drawMode(known, null));
} else {
  void load();
}

// @ts-check
// The log at the foot of the window: how high, open or collapsed.

import { slots } from '../lib/component.js';
import { effect } from '../lib/signal.js';
import { HIGHEST, LOWEST, bounded, dockOf, isRoomy, viewOf } from './dock-place.js';
import { mountNewest } from './newest.js';

/** How much of the window one press of an arrow key is. */
const STEP = 0.04;

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state }) {
  const { handle, collapse, strip, newest, view } = slots(root);
  const page = document.documentElement;
  const place = () => {
    const now = dockOf(state.dock.value);
    // Whoever follows a link to a log came to see it.
    const opens = state.dock.value === null && state.reading.value && isRoomy();
    return opens ? { ...now, collapsed: false } : now;
  };

  effect(() => {
    const isShown = state.keys.value !== null;
    const { collapsed, height } = place();
    root.hidden = !isShown;
    root.toggleAttribute('data-collapsed', collapsed);
    root.style.setProperty('--dock-height', collapsed ? 'auto' : `${(height * 100).toFixed(1)}dvh`);
    handle.hidden = collapsed;
    strip.hidden = !collapsed;
    handle.setAttribute('aria-valuenow', String(Math.round(height * 100)));
    handle.setAttribute('aria-valuemin', String(LOWEST * 100));
    handle.setAttribute('aria-valuemax', String(HIGHEST * 100));
    collapse.textContent = collapsed ? 'Expand' : 'Collapse';
    collapse.setAttribute('aria-expanded', String(!collapsed));
  });

  mountNewest(newest, state);
  effect(() => void (view.textContent = viewOf(state) === 'list' ? 'Side by side' : 'As a list'));

  /** @param {number} height */
  const setHeight = (height) => (state.dock.value = { ...place(), height: bounded(height) });

  // The page keeps as much room at its foot as the log takes, so that nothing, and no focus, is
  // under it.
  new ResizeObserver(() => {
    page.style.setProperty('--dock-room', `${root.hidden ? 0 : root.offsetHeight}px`);
    uncover(document.activeElement ?? document.body);
  }).observe(root);
  // A browser brings the caret of a field into view, not the field.
  document.addEventListener('focusin', ({ target }) => uncover(/** @type {Element} */ (target)));

  /** @param {Element} node */
  function uncover(node) {
    if (node === document.body || root.hidden || root.contains(node) || node.closest('dialog'))
      return;
    if (node.getBoundingClientRect().bottom <= root.getBoundingClientRect().top) return;
    node.scrollIntoView({ block: 'nearest', behavior: 'instant' });
  }

  handle.addEventListener('pointerdown', (/** @type {PointerEvent} */ event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ { clientY }) =>
      setHeight((innerHeight - clientY) / innerHeight);
    const end = () => handle.removeEventListener('pointermove', move);
    handle.addEventListener('pointermove', move);
    handle.addEventListener('lostpointercapture', end, { once: true });
  });
  handle.addEventListener('keydown', (/** @type {KeyboardEvent} */ event) => {
    const { height } = place();
    const heights = new Map([
      ['ArrowUp', height + STEP],
      ['ArrowDown', height - STEP],
      ['Home', LOWEST],
      ['End', HIGHEST],
    ]);
    const next = heights.get(event.key);
    if (next === undefined) return;
    event.preventDefault();
    setHeight(next);
  });

  const toggle = () => (state.dock.value = { ...place(), collapsed: !place().collapsed });
  return {
    collapse: toggle,
    expand: toggle,
    table: () => (state.dataTable.value = true),
    oldest: () => (state.place.value = 'oldest'),
    newest: () => (state.place.value = 'newest'),
    view: () => (state.view.value = viewOf(state) === 'list' ? 'rail' : 'list'),
  };
}

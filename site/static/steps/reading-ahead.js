// @ts-check
// What is shown before Start. The later sections are hidden by script alone, so a script that fails
// shows everything; a link that leads to one of them opens it as plain reading, under a bar that
// offers to start.

import { effect } from '../lib/signal.js';

/** By then everything that the page restores is there, or will not be. */
const RESTORED_MS = 10_000;
/** By then what is loaded near a place that somebody went to is there. */
const ARRIVED_MS = 3_000;

/** What the address names; null if it names nothing, or nothing that can be a name. */
function named() {
  try {
    return document.getElementById(decodeURIComponent(location.hash.slice(1)));
  } catch {
    return null;
  }
}

/** @param {HTMLElement | null} node */
const sectionOf = (node) =>
  /** @type {HTMLElement | null} */ (node?.closest('.page-section') ?? null);

/** @param {() => void} act */
export const whenRestored = (act) => void setTimeout(act, RESTORED_MS);

/** Calls back when the reader first does something. @param {() => void} act */
export function whenMoved(act) {
  for (const name of ['wheel', 'touchstart', 'pointerdown', 'keydown']) {
    addEventListener(name, act, { capture: true, once: true, passive: true });
  }
}

/**
 * Goes to a place and stays there while what belongs above it is loaded, or until the reader moves.
 * @param {HTMLElement | null} target
 * @param {number} ms by then it is loaded
 */
function stayAt(target, ms) {
  const sizes = new ResizeObserver(() => target?.scrollIntoView({ behavior: 'instant' }));
  sizes.observe(/** @type {HTMLElement} */ (document.querySelector('main')));
  const leave = () => sizes.disconnect();
  setTimeout(leave, ms);
  whenMoved(leave);
}

/** @type {import('../lib/component.js').Mount} */
export function mount(bar, { state }) {
  const root = document.documentElement;
  const sections = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('.page-section')]);

  /**
   * Opens the section that the address names, and stays at what it names: it was hidden until now.
   */
  function openNamed() {
    if (root.dataset.started !== 'no') return;
    const target = named();
    const section = sectionOf(target);
    if (section && section !== sections[0] && section.dataset.opened === undefined) {
      section.dataset.opened = '';
      target?.scrollIntoView();
    }
    bar.hidden = !sections.some((one) => one.dataset.opened !== undefined);
  }

  addEventListener('hashchange', () => {
    openNamed();
    if (root.dataset.started !== 'no' && sectionOf(named())) stayAt(named(), ARRIVED_MS);
  });
  openNamed();
  let isFirst = true;
  effect(() => {
    const isStarted = state.isStarted.value;
    if (isStarted === null) return;
    root.dataset.started = isStarted ? 'yes' : 'no';
    bar.hidden = true;
    if (isStarted) for (const section of sections) delete section.dataset.opened;
    else openNamed();
    // What the address names may have been hidden when the browser looked for it.
    const [navigation] = performance.getEntriesByType('navigation');
    const isReturn = /** @type {PerformanceNavigationTiming} */ (navigation)?.type !== 'navigate';
    if (isStarted && isFirst && !isReturn && sectionOf(named())) stayAt(named(), RESTORED_MS);
    isFirst = false;
  });
  return { start: () => (state.startRequests.value += 1) };
}

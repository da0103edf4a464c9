// @ts-check
// What is shown before Start. The later sections are hidden by script alone, so a script that fails shows everything; a link
// that leads to one of them opens it as plain reading, under a bar that offers to start.

import { part } from '../lib/dom.js';

/** @typedef {'no' | 'yes'} Started */

/** What the address names. */
const named = () => (location.hash.length < 2 ? null : document.getElementById(decodeURIComponent(location.hash.slice(1))));
const sectionOf = (/** @type {HTMLElement | null} */ node) => /** @type {HTMLElement | null} */ (node?.closest('.page-section') ?? null);

/** By then everything that the page restores is there, or will not be. */
const RESTORED_MS = 10_000;

/** @param {() => void} then */
export const whenRestored = (then) => void setTimeout(then, RESTORED_MS);

/** Calls back when the reader first does something. @param {() => void} then */
export function whenMoved(then) {
  for (const name of ['wheel', 'touchstart', 'pointerdown', 'keydown']) addEventListener(name, then, { capture: true, once: true, passive: true });
}

/** Goes to a place and stays there while what belongs above it is being restored, or until the reader moves. @param {HTMLElement | null} target */
function stayAt(target) {
  const align = () => target?.scrollIntoView({ behavior: 'instant' });
  const sizes = new ResizeObserver(align);
  sizes.observe(/** @type {HTMLElement} */ (document.querySelector('main')));
  const leave = () => sizes.disconnect();
  whenRestored(leave);
  whenMoved(leave);
}

/** Mounts it. Gives back how to say whether there is something to work with. */
export function mountStarted() {
  const root = document.documentElement;
  const bar = part('start-bar');
  const sections = /** @type {HTMLElement[]} */ ([...document.querySelectorAll('.page-section')]);

  /** Opens the section that the address names, and stays at what it names: it was hidden until now. */
  function openNamed() {
    if (root.dataset.started !== 'no') return;
    const target = named();
    const section = sectionOf(target);
    const isLater = section !== null && section !== sections[0];
    if (isLater && section.dataset.opened === undefined) {
      section.dataset.opened = '';
      target?.scrollIntoView();
    }
    bar.hidden = !sections.some((one) => one.dataset.opened !== undefined);
  }

  addEventListener('hashchange', openNamed);
  let isFirst = true;
  return {
    /** @param {boolean} is */
    set(is) {
      // first.js has guessed, so the first time may change nothing and still be the first.
      const now = is ? 'yes' : 'no';
      if (root.dataset.started === now && !isFirst) return;
      root.dataset.started = now;
      bar.hidden = true;
      if (is) for (const section of sections) delete section.dataset.opened;
      else openNamed();
      // What the address names may have been hidden when the browser looked for it.
      const isReturn = /** @type {PerformanceNavigationTiming | undefined} */ (performance.getEntriesByType('navigation')[0])?.type !== 'navigate';
      if (is && isFirst && !isReturn && sectionOf(named())) stayAt(named());
      isFirst = false;
    },
  };
}

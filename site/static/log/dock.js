// @ts-check
// Where the log stands: in the page or docked at the foot of the window, how high, open or collapsed. Remembered.

import { inBrowser } from '../lib/storage.js';

/**
 * @typedef {{docked: boolean, collapsed: boolean, height: number}} Place `height`: of the docked log, as a part of the window's
 */

const keptPlace = inBrowser('webhook-tutorial/dock');
/** Enough for a block with its headers and the beginning of its body, in pixels. */
const USUAL = 392;
const LOWEST = 0.2;
const HIGHEST = 0.85;
const STEP = 0.04;

/**
 * @param {{panel: HTMLElement, handle: HTMLElement, strip: HTMLElement, away: HTMLElement}} parts
 * @param {{onMove: () => void}} with_ `onMove`: its size or place changed
 */
export function mountDock({ panel, handle, strip, away }, { onMove }) {
  const root = document.documentElement;
  // The open log needs room beside the text; where there is little, the strip shows that something comes.
  const isRoomy = () => innerWidth >= 860 && innerHeight >= 700;
  const before = kept();
  /** Whether the reader chose a place for the log, or had one chosen. */
  let isDecided = before !== null;
  // Before there is anything in it, the log is a strip.
  let now = before ?? { docked: true, collapsed: true, height: within((isRoomy() ? USUAL : 0.62 * innerHeight) / innerHeight) };
  let started = false;

  /** @returns {Place | null} */
  function kept() {
    const { docked, collapsed, height } = keptPlace.json() ?? {};
    return docked === undefined ? null : { docked: docked === true, collapsed: collapsed === true, height: within(Number(height)) };
  }

  function show() {
    const docked = now.docked && started;
    const collapsed = docked && now.collapsed;
    panel.toggleAttribute('data-docked', docked);
    panel.toggleAttribute('data-collapsed', collapsed);
    away.hidden = !docked;
    handle.hidden = !docked || collapsed;
    strip.hidden = !collapsed;
    handle.setAttribute('aria-valuenow', String(Math.round(now.height * 100)));
    handle.setAttribute('aria-valuemin', String(LOWEST * 100));
    handle.setAttribute('aria-valuemax', String(HIGHEST * 100));
    const height = docked ? (collapsed ? 'auto' : `${(now.height * 100).toFixed(1)}dvh`) : 'auto';
    panel.style.setProperty('--dock-height', height);
    const button = (/** @type {string} */ name) => /** @type {HTMLElement} */ (panel.querySelector(`[data-do="${name}"]`));
    button('dock').textContent = now.docked ? 'Undock' : 'Dock';
    button('dock').hidden = !started;
    button('collapse').hidden = !docked;
    button('collapse').textContent = collapsed ? 'Open' : 'Collapse';
    button('collapse').setAttribute('aria-expanded', String(!collapsed));
    onMove();
  }

  /** @param {Partial<Place>} change */
  const set = (change) => {
    now = { ...now, ...change };
    isDecided = true;
    show();
    keptPlace.keepJson(now);
  };

  // The page keeps as much room at its foot as the docked log takes, so that nothing, and no focus, is under it.
  new ResizeObserver(() => {
    const taken = panel.hasAttribute('data-docked') ? panel.offsetHeight : 0;
    root.style.setProperty('--dock-room', `${taken}px`);
    // What had the focus before the log was docked is not to be under it either.
    uncover(document.activeElement ?? document.body);
  }).observe(panel);

  // A browser brings the caret of a field into view, not the field.
  document.addEventListener('focusin', ({ target }) => uncover(/** @type {Element} */ (target)));

  /** @param {Element} node */
  function uncover(node) {
    if (node === document.body || !panel.hasAttribute('data-docked') || panel.contains(node) || node.closest('dialog')) return;
    if (node.getBoundingClientRect().bottom > panel.getBoundingClientRect().top) node.scrollIntoView({ block: 'nearest', behavior: 'instant' });
  }

  handle.addEventListener('pointerdown', (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ at) => set({ height: within((innerHeight - at.clientY) / innerHeight) });
    handle.addEventListener('pointermove', move);
    handle.addEventListener('lostpointercapture', () => handle.removeEventListener('pointermove', move), { once: true });
  });
  handle.addEventListener('keydown', (event) => {
    const heights = { ArrowUp: now.height + STEP, ArrowDown: now.height - STEP, Home: LOWEST, End: HIGHEST };
    const height = heights[/** @type {keyof typeof heights} */ (event.key)];
    if (height === undefined) return;
    event.preventDefault();
    set({ height: within(height) });
  });

  show();
  return {
    /** Docks only once there is a log to look at. @param {boolean} is @param {boolean} reading who follows a link to a log came to see it */
    setStarted(is, reading) {
      if (started === is) return;
      started = is;
      if (reading && !isDecided && isRoomy()) now = { ...now, collapsed: false };
      show();
    },
    toggleDocked() {
      set({ docked: !now.docked });
      // Who pressed it by keyboard goes with the log.
      panel.querySelector('[data-do="dock"]:focus-visible')?.scrollIntoView({ block: 'nearest' });
    },
    toggleCollapsed: () => set({ collapsed: !now.collapsed }),
    /** Opens where there is room, unless its reader has decided how it stands. */
    openFirst() {
      if (!isDecided && isRoomy()) set({ collapsed: false });
    },
  };
}

/** @param {number} height */
const within = (height) => Math.min(HIGHEST, Math.max(LOWEST, Number.isFinite(height) ? height : 0.42));

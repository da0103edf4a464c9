// @ts-check
// How high the docked log is, and whether it is open. Kept in this browser once somebody has
// decided.

import { signal } from '../lib/signal.js';

/** @typedef {import('../state.js').Dock} Dock */

/** Enough for a block with its headers and the beginning of its body, in pixels. */
const USUAL = 392;
export const LOWEST = 0.2;
export const HIGHEST = 0.85;

/**
 * The open log needs room beside the text; where there is little, the strip shows that something
 * comes.
 */
export const isRoomy = () => innerWidth >= 860 && innerHeight >= 700;

/** @param {unknown} height */
export const bounded = (height) =>
  Math.min(HIGHEST, Math.max(LOWEST, Number.isFinite(height) ? Number(height) : 0.42));

/**
 * Where the log is: what was decided, or else a strip, for there is nothing in it yet.
 * @param {any} kept
 * @returns {Dock}
 */
export function dockOf(kept) {
  if (kept !== null) return { collapsed: kept?.collapsed === true, height: bounded(kept?.height) };
  const height = bounded((isRoomy() ? USUAL : 0.62 * innerHeight) / innerHeight);
  return { collapsed: true, height };
}

/** Until somebody chooses how rounds are shown, the width of the window does. */
const isNarrow = signal(false);
if ('matchMedia' in globalThis) {
  const narrow = matchMedia('(max-width: 600px)');
  isNarrow.value = narrow.matches;
  narrow.addEventListener('change', () => (isNarrow.value = narrow.matches));
}
/**
 * Rounds side by side or as a list.
 * @param {import('../state.js').State} state
 * @returns {'rail' | 'list'}
 */
export function viewOf({ view }) {
  const chosen = view.value ?? (isNarrow.value ? 'list' : 'rail');
  return chosen === 'list' ? 'list' : 'rail';
}

/**
 * Opens it where there is room, unless its reader has decided how it is.
 * @param {import('../state.js').State} state
 */
export function openFirst({ dock }) {
  if (dock.peek() === null && isRoomy()) dock.value = { ...dockOf(null), collapsed: false };
}

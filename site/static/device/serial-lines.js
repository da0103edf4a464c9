// @ts-check
// The lines of a serial monitor: bounded, and told apart from those that a new connection repeats.
// Pure.

import { pieces } from '../lib/text.js';

/** What is kept; a device that prints without end must not fill the browser's memory. */
export const MAX_LINES = 500;
/**
 * A device's log handler cuts a message at 200 characters; a firmware of one's own may print more
 * on a line.
 */
const MAX_CHARACTERS = 1024;

/** @typedef {{text: string, level: 'error' | 'warn' | ''}} Line fit to be seen */

/** What a stranger's firmware printed, fit to be seen. @param {string} printed @returns {Line} */
export function lineOf(printed) {
  const text = pieces(printed.slice(0, MAX_CHARACTERS))
    .map((piece) => piece.text)
    .join('');
  const level = /^\d{10} \[[^\]]{1,60}\] (ERROR|WARN):/.exec(text)?.[1];
  return { text, level: level === 'ERROR' ? 'error' : level === 'WARN' ? 'warn' : '' };
}

/**
 * What is new in the lines that a connection begins with: those that are there already are told
 * again.
 * @param {string[]} known @param {string[]} repeated
 */
export function newIn(known, repeated) {
  for (let size = Math.min(known.length, repeated.length); size > 0; size -= 1) {
    const at = known.length - size;
    if (repeated.slice(0, size).every((line, i) => line === known[at + i]))
      return repeated.slice(size);
  }
  return repeated;
}

// @ts-check
// A block as DOM, for the log and for an example that is the reader's own: the page's one template of it, filled.

import { drawRow } from './row.js';
import { copyOf, slot } from '../lib/dom.js';
import { timeOfDay } from '../lib/time.js';

/** @typedef {import('./delivery.js').Block} Block */

/** @param {Block} block @param {Date} now @returns {HTMLElement} */
export function drawBlock(block, now) {
  const node = copyOf('block-template');
  node.dataset.kind = block.kind;
  node.dataset.key = block.key;
  const time = block.at ? timeOfDay(block.at, now) : '';
  const number = block.seq === null ? '' : `#${block.seq}`;
  node.setAttribute('aria-label', [block.title, number, time].filter(Boolean).join(', '));
  /** @type {HTMLElement} */ (node.querySelector('header')).dataset.way = block.way;
  slot('title', node).textContent = block.title;
  slot('seq', node).textContent = number;
  const at = /** @type {HTMLTimeElement} */ (slot('time', node));
  at.textContent = time;
  if (block.at) {
    at.dateTime = block.at;
    at.title = `${block.at} (UTC)`;
  }
  slot('rows', node).append(...block.rows.filter((row) => !row.openOnly).map((row) => drawRow(row, 'rail')));
  const note = slot('note', node);
  note.textContent = block.note;
  note.hidden = block.note === '';
  return node;
}

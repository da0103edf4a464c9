// @ts-check
// A block as DOM, in the log and in the examples: the page's one template of it, filled.

import { fromTemplate, slot, writeOrHide } from '../lib/dom.js';
import { timeOfDay } from '../lib/time.js';
import { drawRows } from './row.js';

/** @typedef {import('./delivery.js').Block} Block */

/**
 * @param {Block} block
 * @param {Date} now
 * @param {import('./row.js').Size} [fit]
 * @returns {HTMLElement}
 */
export function drawBlock(block, now, fit = 'closed') {
  const node = fromTemplate('block-template');
  node.dataset.kind = block.kind;
  node.dataset.key = block.key;
  const time = block.at ? timeOfDay(block.at, now) : '';
  const number = block.seq === null ? '' : `#${block.seq}`;
  node.setAttribute('aria-label', [block.title, number, time].filter(Boolean).join(', '));
  /** @type {HTMLElement} */ (node.querySelector('header')).dataset.direction = block.direction;
  slot(node, 'title').textContent = block.title;
  slot(node, 'seq').textContent = number;
  const at = /** @type {HTMLTimeElement} */ (slot(node, 'time'));
  at.textContent = time;
  if (block.at) {
    at.dateTime = block.at;
    at.title = `${block.at} (UTC)`;
  }
  showRead(block, (read) => {
    try {
      slot(node, 'rows').replaceChildren(...drawRows(read, fit));
      writeOrHide(slot(node, 'note'), read.note);
    } catch (error) {
      // One block that can't be drawn takes no other with it.
      const why = String(error).slice(0, 200);
      writeOrHide(slot(node, 'note'), `This block could not be drawn: ${why}`);
    }
  });
  return node;
}

/**
 * Shows a block, and once more when what takes a decoder was read.
 * @param {Block} block @param {(block: Block) => void} show
 */
export function showRead(block, show) {
  show(block);
  block.read?.().then(
    (content) => show({ ...block, ...content }),
    (error) => show({ ...block, note: `Not decoded: ${String(error).slice(0, 200)}` }),
  );
}

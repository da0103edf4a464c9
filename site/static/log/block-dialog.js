// @ts-check
// A block at full size: everything in it, each value whole and ready to be taken along.

import { drawRow } from './row.js';
import { part, slot } from '../lib/dom.js';

/**
 * @typedef {import('./delivery.js').Block} Block
 */

/**
 * @param {HTMLDialogElement} dialog
 * @param {{onOpen: (block: Block) => void, onClose: (block: Block) => void}} tell
 */
export function mountBlockDialog(dialog, { onOpen, onClose }) {
  const wrap = /** @type {HTMLInputElement} */ (part('wrap'));
  /** @type {Block | null} */
  let shown = null;
  const setWrap = () => dialog.toggleAttribute('data-wrap', wrap.checked);
  wrap.addEventListener('change', setWrap);
  dialog.addEventListener('close', () => {
    const block = shown;
    shown = null;
    slot('rows', dialog).replaceChildren();
    if (block) onClose(block);
  });
  // A press beside the dialog is on the dialog element itself, which has no padding.
  dialog.addEventListener('click', (event) => {
    if (event.target === dialog) dialog.close();
  });

  return {
    /** What is open. @returns {Block | null} */
    shown: () => shown,
    /** @param {Block} block */
    open(block) {
      shown = block;
      dialog.dataset.kind = block.kind;
      slot('title', dialog).textContent = block.seq === null ? block.title : `${block.title} #${block.seq}`;
      slot('rows', dialog).replaceChildren(...block.rows.map((row) => drawRow(row, 'open')));
      const note = slot('note', dialog);
      note.textContent = block.note;
      note.hidden = block.note === '';
      setWrap();
      onOpen(block);
      if (!dialog.open) dialog.showModal();
      dialog.scrollTop = 0;
    },
  };
}

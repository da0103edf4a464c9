// @ts-check
// A block at full size: everything in it, each value whole and ready to be taken along.

import { drawRow } from './block-row.js';

/**
 * @typedef {import('./delivery.js').Block} Block
 */

/**
 * @param {HTMLDialogElement} dialog
 * @param {{onOpen: (block: Block) => void, onClose: (block: Block) => void}} tell
 */
export function mountBlockDialog(dialog, { onOpen, onClose }) {
  const find = (/** @type {string} */ name) => /** @type {HTMLElement} */ (dialog.querySelector(`[data-slot="${name}"]`));
  const wrap = /** @type {HTMLInputElement} */ (dialog.querySelector('[data-part="wrap"]'));
  /** @type {Block | null} */
  let shown = null;
  const setWrap = () => dialog.toggleAttribute('data-wrap', wrap.checked);
  wrap.addEventListener('change', setWrap);
  dialog.addEventListener('close', () => {
    const block = shown;
    shown = null;
    find('rows').replaceChildren();
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
      find('title').textContent = block.seq === null ? block.title : `${block.title} #${block.seq}`;
      find('rows').replaceChildren(...block.rows.map((row) => drawRow(row, 'open')));
      const note = find('note');
      note.textContent = block.note;
      note.hidden = block.note === '';
      setWrap();
      onOpen(block);
      if (!dialog.open) dialog.showModal();
      dialog.scrollTop = 0;
    },
  };
}

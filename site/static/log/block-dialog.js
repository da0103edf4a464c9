// @ts-check
// A block at full size: everything in it, each value whole and ready to be taken along.

import { mountLate, slots } from '../lib/component.js';
import { writeOrHide } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { showRead } from './block.js';
import { drawLinks } from './explained.js';
import { drawRows } from './row.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, page) {
  const { state } = page;
  const dialog = /** @type {HTMLDialogElement} */ (root);
  const { wrap, title, rows, note, links } = slots(root);
  const setWrap = () => dialog.toggleAttribute('data-wrap', wrap.checked);
  wrap.addEventListener('change', setWrap);
  setWrap();
  dialog.addEventListener('close', () => (state.openBlock.value = null));
  links.addEventListener('click', (/** @type {Event} */ { target }) => {
    if (/** @type {Element} */ (target).closest('a')) dialog.close();
  });
  // A press beside the dialog is on the dialog element itself, which has no padding.
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());

  effect(() => {
    const block = state.openBlock.value;
    rows.replaceChildren();
    if (!block) return;
    showRead(block, (read) => {
      if (state.openBlock.peek() !== block) return;
      rows.replaceChildren(...drawRows(read, 'open'));
      writeOrHide(note, read.note);
    });
    dialog.dataset.kind = block.kind;
    title.textContent = block.seq === null ? block.title : `${block.title} #${block.seq}`;
    links.replaceChildren(drawLinks(block));
    const { deliveries } = state.log.peek();
    state.openDelivery.value =
      block.kind === 'received' ? (deliveries.find(({ seq }) => seq === block.seq) ?? null) : null;
    void mountLate(root, page);
    if (!dialog.open) dialog.showModal();
    dialog.scrollTop = 0;
  });

  return { close: () => dialog.close() };
}

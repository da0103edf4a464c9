// @ts-check
// The table of the decoded data of all events. Loaded when it is opened.

import { slots } from '../lib/component.js';
import { element, write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { timeOfDay } from '../lib/time.js';
import { dataRows } from './data-rows.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, listed }) {
  const dialog = /** @type {HTMLDialogElement} */ (root);
  const { head, rows, note } = slots(root);
  dialog.addEventListener('close', () => (state.dataTable.value = false));
  dialog.addEventListener('click', (event) => event.target === dialog && dialog.close());

  effect(() => {
    if (!state.dataTable.value) return;
    const table = dataRows(listed.value, state.deviceNames.value);
    const now = new Date();
    const titles = ['Number', 'Time', 'Device', ...table.columns];
    head.replaceChildren(...titles.map(headCell));
    rows.replaceChildren(
      ...table.rows.map(({ number, at, device, cells }) => {
        const time = at === '' ? '' : timeOfDay(at, now);
        const texts = [number, time, device, ...cells];
        return element('tr', '', ...texts.map((text) => element('td', '', text)));
      }),
    );
    write(note, noteOf(table));
    if (!dialog.open) dialog.showModal();
  });

  return { close: () => dialog.close() };
}

/** @param {string} title */
function headCell(title) {
  const cell = element('th', '', title);
  cell.setAttribute('scope', 'col');
  return cell;
}

/** @param {ReturnType<typeof dataRows>} table */
function noteOf({ rows, leftOut }) {
  if (rows.length === 0) return 'No event with data has arrived yet.';
  const older = leftOut.rows > 0 ? ` ${leftOut.rows} older ones are not in it.` : '';
  const more = leftOut.columns > 0 ? ` ${leftOut.columns} more members are not in it.` : '';
  return `The newest first, and a column for each member of the data.${older}${more}`;
}

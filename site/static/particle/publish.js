// @ts-check
// Publishing any event by the API: name, data, and the line that does the same from a terminal.

import { slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { write } from '../lib/dom.js';
import { quoteFor } from '../lib/shell-line.js';
import { effect, signal } from '../lib/signal.js';
import { publishLine, unfit } from './webhook.js';

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, particle, expectRound }) {
  const { name, data, status, command, line } = slots(root);
  const fields = signal({ name: name.value, data: data.value });
  let isBusy = false;

  root.addEventListener('input', () => (fields.value = { name: name.value, data: data.value }));
  root.addEventListener('submit', async (event) => {
    event.preventDefault();
    const { name: event_, data: text } = { name: name.value, data: data.value };
    const wrong = unfit(event_, text);
    if (wrong !== null) return write(status, wrong);
    if (isBusy) return;
    isBusy = true;
    expectRound();
    write(status, 'Publishing …');
    const problem = await particle.publish(event_, text === '' ? null : text);
    write(status, problem ?? `Published “${event_}”.`);
    isBusy = false;
  });
  effect(() => {
    const now = particle.connection.value;
    root.dataset.shown = String(now !== null && particle.mine.value !== null);
    // The command would not reach the simulated cloud.
    command.hidden = now === null || now.isSimulated;
    write(line, publishLine(fields.value.name, fields.value.data, quoteFor(state.shell.value)));
  });
  return { copy: (button) => copyFrom(button, line.textContent) };
}

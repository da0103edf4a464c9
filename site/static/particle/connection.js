// @ts-check
// Which cloud is connected, with whose account and which devices, and whether its events are heard.

import { slots } from '../lib/component.js';
import { write, writeOrHide } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { noneWords, streamWords } from './connect-words.js';

/** @typedef {import('./cloud.js').Device} Device */

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, particle }) {
  const at = slots(root);
  effect(() => {
    const now = particle.connection.value;
    const offers = particle.offers.value ?? [];
    at.before.hidden = now !== null;
    at.done.hidden = now === null;
    writeOrHide(at.only, now?.isSimulated && offers.length === 1 ? noneWords(offers) : '');
    if (!now) return;
    const stream = streamWords(state.stream.value);
    const devices = state.devices.value;
    const as = now.username === '' ? '' : ` as ${now.username}`;
    at.done.dataset.state = stream.failing ? 'failing' : 'well';
    write(at.who, `Connected to ${now.offer.name}${as}.`);
    write(at.devices, devices === null ? '' : devicesLine(devices));
    write(at.stream, stream.words);
  });
  return { 'sign-out': () => particle.signOut() };
}

/** @param {Device[]} devices */
function devicesLine(devices) {
  if (devices.length === 0) {
    return 'No devices in this account: everything up to the device works without one.';
  }
  const named = devices
    .slice(0, 3)
    .map(({ name, id, online }) => `${name ?? id} (${online ? 'online' : 'offline'})`);
  const more = devices.length > 3 ? ` and ${devices.length - 3} more` : '';
  return `${devices.length === 1 ? 'Device' : 'Devices'}: ${named.join(', ')}${more}.`;
}

// @ts-check
// The device's side of the page, wired: the panel of a virtual device, and the firmware with its Flash button.

import { copyFrom } from '../lib/copy.js';
import { mountCodeBox } from './code-box.js';
import { mountDevicePanel } from './panel.js';

/** @typedef {ReturnType<typeof import('../particle/page.js').mountParticle>} Particle */

/**
 * @param {{clock: import('../particle/stream.js').Clock, particle: () => Particle | null, onReason: () => void}} with_
 */
export function mountDeviceRoom({ clock, particle, onReason }) {
  const connection = () => particle()?.connection() ?? null;
  const panel = mountDevicePanel({ wait: clock.wait, onReason });
  const box = mountCodeBox({
    clock,
    connection,
    refused: (token) => particle()?.refused(token),
    onFlashed: () => void particle()?.learnAgain(),
  });
  return {
    /** @type {Record<string, (button: HTMLElement) => unknown>} */
    actions: {
      ...panel.actions,
      ...box.actions,
      'own-copy': (button) => copyFrom(button, button.closest('.own-code')?.querySelector('code')?.textContent ?? ''),
    },
    /** Something happened in the account. @param {import('../particle/event.js').Event} event */
    hear: (event) => box.hear(event),
    update() {
      panel.update({ connection: connection(), simulates: particle()?.simulates() ?? false });
    },
  };
}

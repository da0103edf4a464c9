// @ts-check
// The button inside a task that does what the task asks for.

import { sendFromPage } from '../cards/send.js';

/**
 * @typedef {import('../page.js').Page} Page
 * @typedef {{label: string, want: import('../lib/wants.js').Want, modes?: string, act: (page: Page)
 *   => unknown}} Trigger `modes`: in which it is there, if not in all. `act`: gives back what to
 *   say, if anything
 */

/**
 * Publishes an event through the API.
 * @param {(event: string) => string} nameOf from the event name of the webhook
 * @param {string} [data] that of the test button if none is given
 */
const publish =
  (nameOf, data) =>
  async (/** @type {Page} */ { particle, expectRound }) => {
    const name = nameOf(particle.event);
    expectRound();
    const problem = await particle.publish(name, data ?? particle.testData());
    return problem ?? `Published “${name}”.`;
  };

/**
 * Does something to a virtual device.
 * @param {(controls: ReturnType<typeof import('../device/controls.js').controls>, id: string) =>
 *   Promise<string | null>} act
 * @param {string} done
 */
const onDevice = (act, done) => async (/** @type {Page} */ page) => {
  const { firstDevice } = await import('../device/controls.js');
  const device = firstDevice(page);
  if (device === null) return '';
  page.expectRound();
  return (await act(device.controls, device.id)) ?? done;
};

/** By the IDs of the tasks. @type {Map<string, Trigger>} */
export const TRIGGERS = new Map(
  Object.entries(
    /** @type {Record<string, Trigger>} */ ({
      'send-one': {
        label: 'Send one from this page',
        want: 'start',
        act: (page) => sendFromPage(page, page.particle.sample()),
      },
      'test-press': { label: 'Test webhook', want: 'account', act: publish((event) => event) },
      'prefix-match': {
        label: 'Publish WebhookTutorial01/kitchen',
        want: 'account',
        act: publish((event) => `${event}/kitchen`, '{}'),
      },
      'wrong-case': {
        label: 'Publish webhooktutorial01',
        want: 'account',
        act: publish((event) => event.toLowerCase(), '{}'),
      },
      'not-json': {
        label: 'Publish hello',
        want: 'account',
        act: publish((event) => event, 'hello'),
      },
      'device-event': {
        label: 'Tap MODE',
        want: 'device',
        modes: 'simulated',
        act: onDevice((controls, id) => controls.press(id, 1), 'Tapped once.'),
      },
      'stop-device': {
        label: 'Unplug the virtual device',
        want: 'device',
        modes: 'simulated',
        act: onDevice((controls, id) => controls.plug(id, false), 'Unplugged.'),
      },
      'remove-webhook': {
        label: 'Remove the webhook…',
        want: 'webhook',
        act: ({ state }) => void (state.dialog.value = { name: 'remove-webhook' }),
      },
      'forget-endpoint': {
        label: 'Forget endpoint…',
        want: 'start',
        act: ({ state }) => void (state.dialog.value = { name: 'forget' }),
      },
    }),
  ),
);

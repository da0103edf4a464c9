// @ts-check
// The buttons inside a task that do what the task asks for.

import { failure } from '../lib/api-client.js';
import { sendFromPage } from '../cards/send.js';

/**
 * @typedef {import('../page.js').Page} Page
 * @typedef {(words: string) => void} Say what came of it so far
 * @typedef {{label: string | ((page: Page) => string), want: import('../lib/wants.js').Want,
 *   modes?: string, flashes?: true, act: (page: Page, say: Say, line: HTMLElement) => unknown}}
 *   Trigger `modes`: in which it is there, if not in all. `flashes`: the component of the firmware
 *   says what comes of it. `act`: gets the line of the task, and gives back what to say at last, if
 *   anything
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
    return problem ?? `Published “${name}”${data ? ` with the data ${data}` : ''}.`;
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

/**
 * Sets what the server answers once, and triggers the webhook as far as this page can.
 * @param {string} preset @param {string} words
 * @returns {Trigger[]}
 */
const answerOnce = (preset, words) => {
  /** @param {Page} page @param {(answer: string) => unknown} then */
  const set = async ({ state, endpoint }, then) => {
    const { PRESETS, settingWords } = await import('../cards/reply-setting.js');
    const max_delay_ms = state.info.peek()?.limits.max_delay_ms ?? 0;
    const setting = { ...PRESETS[preset]({ max_delay_ms }), times: 1 };
    try {
      await endpoint.setReply(setting);
    } catch (error) {
      return failure(/** @type {Error} */ (error));
    }
    return then(settingWords(setting));
  };
  return [
    {
      label: `${words}, and tap MODE`,
      want: 'webhook',
      modes: 'simulated',
      act: (page, say) =>
        set(page, async () => {
          const { tapAndWatch } = await import('../device/tap.js');
          const { problem, said } = await tapAndWatch(page, say);
          // Some other request would get this answer.
          if (problem) await page.endpoint.setReply(null);
          return problem || said;
        }),
    },
    {
      label: words,
      want: 'start',
      modes: 'account',
      act: (page) =>
        set(page, (answer) => `The server answers the next request with ${answer}. Now tap MODE.`),
    },
    {
      label: `${words}, and send a request`,
      want: 'start',
      modes: 'none',
      act: (page) => set(page, () => sendFromPage(page, page.particle.sample())),
    },
  ];
};

/** @type {Trigger} */
const TEST = { label: 'Test webhook', want: 'account', act: publish((event) => event) };
/** @type {Trigger} */
const TAP = {
  label: 'Tap MODE',
  want: 'device',
  modes: 'simulated',
  act: onDevice((controls, id) => controls.press(id, 1), 'Tapped once.'),
};
/** @param {'expectWrong' | 'expectRight'} name */
const expected = (name) => async (/** @type {Page} */ page) =>
  (await import('../cards/credential.js'))[name](page);

/** By the IDs of the tasks. @type {Map<string, Trigger[]>} */
export const TRIGGERS = new Map(
  Object.entries(
    /** @type {Record<string, Trigger | Trigger[]>} */ ({
      'send-one': {
        label: 'Send a request',
        want: 'start',
        act: (page) => sendFromPage(page, page.particle.sample()),
      },
      'test-press': TEST,
      'prefix-match': {
        label: ({ particle }) => `Publish ${particle.event}/kitchen`,
        want: 'account',
        act: publish((event) => `${event}/kitchen`, '{}'),
      },
      'wrong-case': {
        label: ({ particle }) => `Publish ${particle.event.toLowerCase()}`,
        want: 'account',
        act: publish((event) => event.toLowerCase(), '{}'),
      },
      'not-json': {
        label: 'Publish the data hello',
        want: 'account',
        act: publish((event) => event, 'hello'),
      },
      flash: {
        label: 'Flash a device…',
        want: 'account',
        flashes: true,
        act: ({ state }) => void (state.flashRequest.value = { lines: null }),
      },
      'typed-publish': [
        {
          label: 'Put these lines into the firmware, and flash…',
          want: 'account',
          flashes: true,
          act({ state }, _, line) {
            const code = line.closest('.page-section')?.querySelector('.code-lines');
            state.flashRequest.value = { lines: code?.textContent ?? null };
          },
        },
        TAP,
      ],
      'set-error': answerOnce('500', 'Answer 500 once'),
      'long-response': answerOnce('long', 'Give a long answer once'),
      'slow-response': answerOnce('slow', 'Answer late once'),
      credential: [
        { label: 'Expect another token', want: 'webhook', act: expected('expectWrong') },
        { ...TEST, want: 'webhook' },
        { label: 'Expect the right token', want: 'webhook', act: expected('expectRight') },
      ],
      'device-event': TAP,
      'stop-device': {
        label: 'Unplug the virtual device',
        want: 'device',
        modes: 'simulated',
        act: onDevice(
          (controls, id) => controls.plug(id, false),
          'Unplugged. This is done two minutes after its last event.',
        ),
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
  ).map(([id, triggers]) => [id, [triggers].flat()]),
);

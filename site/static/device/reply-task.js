// @ts-check
// The two presses of a task about answers: set what the server answers, then trigger the webhook,
// by MODE of the device. What the device printed shows that it got the result.

import { failure } from '../lib/api-client.js';
import { slots } from '../lib/component.js';
import { write } from '../lib/dom.js';
import { effect } from '../lib/signal.js';
import { PRESETS, settingWords } from '../cards/reply-setting.js';
import { sendFromPage } from '../cards/send.js';
import { firstDevice } from './controls.js';
import { keepResults } from './results.js';

/** Longer than the cloud waits for a server, and the device for the last part of a response. */
const WATCH_MS = 60_000;

/** @type {import('../lib/component.js').Mount} */
export function mount(root, page) {
  const { state, endpoint, particle, mode, expectRound } = page;
  const at = slots(root);
  let watched = new AbortController();
  const say = (/** @type {string} */ words) => write(at.status, words);

  effect(() => {
    at.tap.hidden = mode.value !== 'simulated';
    at.hand.hidden = mode.value !== 'account';
    at.send.hidden = mode.value !== 'none';
  });

  /** The device's MODE button, and what it prints from then on. */
  async function tap() {
    const device = firstDevice(page);
    if (device === null) return;
    const { id, controls } = device;
    watched.abort();
    watched = new AbortController();
    const ended = AbortSignal.any([watched.signal, AbortSignal.timeout(WATCH_MS)]);
    say('Tapping MODE …');
    /** @type {string | null} */
    let problem = '';
    // What it prints is watched first, so that nothing is missed.
    await new Promise((watching) => {
      void controls.watch(id, {
        signal: ended,
        onFirst: watching,
        onLine(line) {
          keepResults(state, id, [line]);
          if (!ended.aborted && line.includes(' hook ')) say(`The device printed: ${line}`);
        },
        onState() {},
        onLost: (why) => watching((problem = why)),
      });
    });
    expectRound();
    problem ||= await controls.press(id, 1);
    say(problem ?? 'MODE was tapped. What the device gets, it prints; that appears here.');
  }

  async function set() {
    const max_delay_ms = state.info.peek()?.limits.max_delay_ms ?? 0;
    const setting = { ...PRESETS[root.dataset.preset ?? '']({ max_delay_ms }), times: 1 };
    try {
      await endpoint.setReply(setting);
      say(`The server answers the next delivery with ${settingWords(setting)}.`);
    } catch (error) {
      say(failure(/** @type {Error} */ (error)));
    }
  }

  return {
    set: () => set(),
    tap: () => tap(),
    send: async () => say(await sendFromPage(page, particle.sample())),
  };
}

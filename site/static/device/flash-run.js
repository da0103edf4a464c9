// @ts-check
// One flash, from the request to the device that is back online. What is known comes from the
// events of the flash; the answer to the request says only that it began. No DOM.

import { CloudProblem } from '../particle/cloud.js';

/**
 * @typedef {import('../particle/cloud.js').Device} Device
 * @typedef {'compiling' | 'sent' | 'delivered' | 'back'} Step
 * @typedef {{kind: 'going', steps: Step[], slow: boolean} | {kind: 'back', steps: Step[]} | {kind:
 *   'errors', text: string}
 *   | {kind: 'stopped', steps: Step[], words: string}} FlashState `steps`: what is certain, in
 *   order
 */

/** How often the device is asked after, in case an event was missed. */
const LOOK_MS = 5_000;
/** Without news for this long, the reader is told that it can take long. */
const SLOW_MS = 60_000;
/**
 * Over a bad cellular connection a flash takes minutes; after this much silence nobody waits for it
 * any more.
 */
const GIVEN_UP_MS = 15 * 60_000;

/**
 * @param {{
 *   cloud: Pick<ReturnType<typeof import('../particle/cloud.js').cloud>, 'flash' | 'device'>,
 *   token: string, device: Device,
 *   name: string, text: string, version: string, clock: import('../particle/stream.js').Clock,
 *   onChange: () => void,
 * }} options `name`: of the file; its ending tells the cloud that it is source.
 *   `version`: of Device OS
 */
export function flashRun({ cloud, token, device, name, text, version, clock, onChange }) {
  /** @type {FlashState} */
  let state = { kind: 'going', steps: ['compiling'], slow: false };
  let newsAt = clock.now();
  const over = new AbortController();

  /** @param {FlashState} next */
  const become = (next) => {
    if (state.kind !== 'going') return;
    state = next;
    if (state.kind !== 'going') over.abort();
    onChange();
  };
  /** @param {Step} step */
  const reach = (step) => {
    if (state.kind !== 'going' || state.steps.includes(step)) return;
    newsAt = clock.now();
    // Being further along proves what came before, heard or not.
    const order = /** @type {Step[]} */ (['compiling', 'sent', 'delivered', 'back']);
    const steps = order.slice(0, order.indexOf(step) + 1);
    become(step === 'back' ? { kind: 'back', steps } : { kind: 'going', steps, slow: false });
  };
  const stop = (/** @type {string} */ words) =>
    state.kind === 'going' && become({ kind: 'stopped', steps: state.steps, words });
  const has = (/** @type {Step} */ step) => state.kind === 'going' && state.steps.includes(step);

  const asked = (async () => {
    try {
      const { errors } = await cloud.flash(token, device.id, { name, text, version });
      if (errors !== null) become({ kind: 'errors', text: errors });
      else reach('sent');
    } catch (error) {
      if (!(error instanceof CloudProblem)) stop('Something went wrong in this page.');
      else if (error.cause !== 'late') stop(`Nothing was flashed. ${error.message}`);
      // A late answer is no answer: the events say whether it goes on.
    }
  })();

  const looking = (async () => {
    while (!over.signal.aborted) {
      await clock.wait(LOOK_MS, over.signal);
      if (over.signal.aborted) return;
      const silent = clock.now() - newsAt;
      if (silent > GIVEN_UP_MS)
        stop(
          'Nothing was heard of it for 15 minutes. It may still be under way; the device’s own ' +
            'output tells.',
        );
      else if (silent > SLOW_MS && state.kind === 'going' && !state.slow)
        become({ ...state, slow: true });
      if (!has('delivered')) continue;
      try {
        const now = await cloud.device(token, device.id);
        // Online by a newer connection than before: it has restarted.
        if (
          now.online &&
          now.last_handshake_at !== null &&
          now.last_handshake_at !== device.last_handshake_at
        )
          reach('back');
      } catch {
        // The next look may tell.
      }
    }
  })();

  return {
    deviceId: device.id,
    state: () => state,
    /** Ends when there is nothing more to wait for. */
    done: Promise.all([asked, looking]),
    /**
     * Something happened in the account.
     * @param {{name: string, data: string | null, coreid: string}} event
     */
    hear({ name: what, data, coreid }) {
      if (coreid !== device.id || state.kind !== 'going') return;
      // Particle puts a space behind some of these words.
      const word = (data ?? '').trim();
      if (what === 'spark/flash/status') {
        if (word === 'started') reach('sent');
        if (word === 'success') reach('delivered');
        if (word === 'failed') {
          stop(
            has('delivered')
              ? 'The firmware was sent, but the device did not come back with it: it crashes, ' +
                  'hangs, or lost its power. What it prints tells.'
              : 'The cloud says that the flash failed. The device most likely still runs what ' +
                  'it ran before.',
          );
        }
      }
      if (what === 'spark/status' && word === 'online' && has('delivered')) reach('back');
    },
  };
}

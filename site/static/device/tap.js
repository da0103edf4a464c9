// @ts-check
// A tap of a virtual device's MODE button, and what the device prints of its result.

import { firstDevice } from './controls.js';
import { keepResults } from './results.js';

/** Longer than the cloud waits for a server, and the device for the last part of a response. */
const WATCH_MS = 60_000;
let watched = new AbortController();

/**
 * @param {import('../page.js').Page} page
 * @param {(words: string) => void} say what the device prints of the event that this tap publishes
 * @returns {Promise<{problem: string | null, said: string}>} `problem`: why it was not tapped.
 *   `said`: the last words
 */
export async function tapAndWatch(page, say) {
  const device = firstDevice(page);
  if (device === null) return { problem: 'There is no virtual device in this account.', said: '' };
  const { id, controls } = device;
  watched.abort();
  watched = new AbortController();
  const ended = AbortSignal.any([watched.signal, AbortSignal.timeout(WATCH_MS)]);
  let said = '';
  const show = (/** @type {string} */ words) => say((said = words));
  show('Tapping MODE …');
  /** The `id` in the data of the event that this tap published. @type {string | undefined} */
  let own;
  // What it prints is watched first, so that nothing is missed.
  const lost = await new Promise((watching) => {
    void controls.watch(id, {
      signal: ended,
      onFirst: () => watching(''),
      onLine(line) {
        keepResults(page.state, id, [line]);
        if (ended.aborted) return;
        if (line.includes('"op":"button"')) own = idIn(line);
        // The event that the firmware publishes every minute has a response of its own.
        const isOther = idIn(line) !== undefined && idIn(line) !== own;
        if (line.includes(' hook ') && !isOther) show(`The device printed: ${line}`);
      },
      onState() {},
      onLost: watching,
    });
  });
  page.expectRound();
  show('MODE was tapped. What the device prints appears here.');
  return { problem: lost || (await controls.press(id, 1)), said };
}

/** @param {string} line */
const idIn = (line) => /"id":(\d+)/.exec(line)?.[1];

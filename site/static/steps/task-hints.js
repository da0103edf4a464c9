// @ts-check
// What is missing for a task that stays open, in a sentence. Pure; loaded when a hint is due.

import { isJson } from '../lib/json-text.js';
import { byteLength } from '../lib/text.js';
import { PART_BYTES } from '../particle/response-parts.js';
import { isWrongCase, short } from './rules.js';

/**
 * @typedef {import('./rules.js').World} World
 * @typedef {import('./rules.js').Needs} Needs
 * @typedef {(world: World) => string | null} Hint
 */

/**
 * @param {string} id of the task
 * @param {Needs} needs
 * @param {World} world
 * @returns {string | null} null if there is nothing to say
 */
export const hintOf = (id, needs, world) =>
  missing(id, needs, world) ?? HINTS.get(id)?.(world) ?? null;

/**
 * What has to be there before the task can be done.
 * @param {string} id
 * @param {Needs} needs
 * @param {World} world
 */
function missing(id, needs, { endpoint, mode, login, hook, prefix, listeningSince }) {
  if (endpoint === null) return id === 'start' ? null : 'There is no hook URL yet: press “Start”.';
  if (needs === 'nothing' && (id !== 'start' || mode === 'none')) return null;
  if (login === null)
    return 'Nobody is signed in to a Particle cloud. Sign in at the top of the page.';
  if (id === 'remove-webhook') return null;
  if (id === 'stop-device' && hook.kind === 'absent') return null;
  const where = 'See “Webhook configuration”.';
  if (hook.kind === 'absent') return `The account has no webhook “${prefix}”. ${where}`;
  if (hook.kind === 'elsewhere') return `The webhook “${prefix}” leads elsewhere. ${where}`;
  if (hook.kind === 'failed') return `The webhook could not be looked up. ${where}`;
  if (id !== 'start' && listeningSince === null)
    return `This page does not receive events now. ${where}`;
  return null;
}

/**
 * About the newest event that was published through the API.
 * @param {(name: string, data: string, prefix: string) => string | null} words
 * @returns {Hint}
 */
const published =
  (words) =>
  ({ rounds, prefix }) => {
    const trace = rounds.findLast((round) => round.trace?.event?.coreid === 'api')?.trace;
    if (!trace?.event) return 'No event has been published yet. Press the button above.';
    const { name, data } = trace.event;
    const said = words(name, data ?? '', prefix);
    if (said !== null) return said;
    return trace.delivery
      ? null
      : `“${short(name)}” was published, but no request has arrived yet.`;
  };

/**
 * About the responses.
 * @param {(response: import('../lib/api-client.js').Delivery['response']) => boolean} fits
 * @returns {Hint}
 */
const answered =
  (fits) =>
  ({ rounds }) => {
    const received = rounds.filter(({ trace }) => trace?.delivery);
    const asked = received.findLast(
      ({ trace }) => trace?.delivery && fits(trace.delivery.response),
    );
    if (asked)
      return asked.trace?.event?.coreid === 'api'
        ? `#${asked.seq} got this answer, but no device published its event. Try again with MODE.`
        : `#${asked.seq} gets this answer. Its result has not come back yet.`;
    const newest = received.at(-1);
    return newest
      ? `#${newest.seq} got another answer. Set the answer first, then tap MODE.`
      : 'No request has arrived yet. Set the answer, then tap MODE.';
  };

/** By the IDs of the tasks. @type {Map<string, Hint>} */
const HINTS = new Map(
  Object.entries(
    /** @type {Record<string, Hint>} */ ({
      'send-one': ({ rounds }) =>
        rounds.some(({ trace }) => trace?.delivery)
          ? 'What arrived came from the Particle cloud. Press the button, or run the line.'
          : 'Nothing has arrived at your hook URL yet. Press the button, or run the whole line.',
      'test-press': published((name, data, prefix) =>
        name === prefix && data.includes('"op":"test"')
          ? null
          : `“${short(name)}” was published, but not by the test button.`,
      ),
      'prefix-match': published((name, _, prefix) => {
        if (name === prefix) return `“${name}” is the whole name. Add something after it.`;
        if (name.startsWith(prefix)) return null;
        return isWrongCase(name, prefix)
          ? `“${short(name)}” has the wrong case.`
          : `“${short(name)}” does not begin with “${prefix}”.`;
      }),
      'wrong-case': published((name, _, prefix) => {
        if (name.startsWith(prefix))
          return (
            `“${short(name)}” was published, but its case is right, so it triggers ` +
            'the webhook.'
          );
        return isWrongCase(name, prefix) ? null : `“${short(name)}” differs in more than its case.`;
      }),
      'not-json': published((name, data, prefix) => {
        if (!name.startsWith(prefix)) return `“${short(name)}” does not trigger the webhook.`;
        if (data === '') return 'The event had no data. Publish plain text.';
        return isJson(data) ? `“${short(data)}” is JSON. Publish plain text.` : null;
      }),
      flash: ({ devices }) =>
        devices?.length === 0
          ? null
          : 'No flash has succeeded so far. Press the button, choose the device, and confirm.',
      'device-event': ({ deviceEventAt }) =>
        deviceEventAt === null
          ? 'No event of a device has arrived. Flash the firmware first, then tap MODE once.'
          : null,
      'made-up-coreid': () => 'Type a coreid of your own in place of the zeros, and send the line.',
      'set-error': answered(({ status }) => status >= 300),
      'long-response': answered(({ body }) => byteLength(body) > PART_BYTES),
      'slow-response': answered(({ delay_ms }) => delay_ms > 0),
      credential: ({ rounds }) => {
        const refused = rounds.findLast(({ trace }) => trace?.delivery?.verified === 'wrong');
        return refused
          ? `#${refused.seq} was refused. Once the right token is expected again, test once more.`
          : 'No request was refused yet. Expect another token, and test.';
      },
      'template-box': ({ template }) =>
        template === null ? 'The template is still the example, or has a mistake.' : null,
      'remove-webhook': ({ hook }) =>
        hook.kind === 'ours' ? 'The webhook is still in the account.' : null,
      'stop-device': ({ deviceEventAt }) =>
        deviceEventAt === null
          ? 'No device has published an event yet.'
          : `The last event came at ${new Date(deviceEventAt).toLocaleTimeString('en-GB')}. This ` +
            'is done after two minutes without another.',
      'forget-endpoint': ({ forgotten }) =>
        forgotten === null ? 'Your hook URL still takes requests.' : null,
    }),
  ),
);

// @ts-check
// When a task is done: by what arrived, never by a click. Pure: a world in, the tasks that are done
// out, each with what really happened.

import { isJson } from '../lib/json-text.js';
import { byteLength } from '../lib/text.js';
import { isSleeping } from '../particle/evidence.js';
import { isFromPage } from '../particle/origin.js';
import { PART_BYTES } from '../particle/response-parts.js';
import { span } from '../lib/time.js';

/**
 * @typedef {import('../log/rounds.js').Round} Round
 * @typedef {import('../particle/join.js').Trace} Trace
 * @typedef {import('../cards/mode-words.js').Mode} Mode
 * @typedef {'nothing' | 'account' | 'device'} Needs
 * @typedef {{
 *   mode: Mode,
 *   endpoint: string | null,
 *   login: {cloud: string, username: string} | null,
 *   hook: {kind: string, created_at?: string | null},
 *   prefix: string,
 *   rounds: Round[],
 *   names: Map<string, string>,
 *   devices: {id: string}[] | null,
 *   flashed: {coreid: string, at: number} | null,
 *   results: import('../device/results.js').Result[],
 *   deviceEventAt: number | null,
 *   listeningSince: number | null,
 *   maxDelayMs: number | null,
 *   template: {bytes: number} | null,
 *   forgotten: string | null,
 *   now: number,
 * }} World everything a rule may look at. `prefix`: the event name of the webhook. `flashed`: the
 * last flash that succeeded. `results`: what virtual devices printed about results.
 *   `deviceEventAt`: when an event of a device was last heard; `listeningSince`: since when every
 *   event is heard, null if
 *   none is; both and `now` in milliseconds by this browser's clock. `maxDelayMs`: the longest that
 *   the server may be told to
 *   wait; null if unknown. `template`: what the template box made of the reader's own template
 *   without a mistake. `forgotten`: the
 *   endpoint that was forgotten here
 * @typedef {(world: World, done: Done) => string | null} Rule what to say once it is done, or null
 * @typedef {Record<string, string>} Done what is done, and what was said of it
 */

/** A device of the tutorial publishes every minute, so after two it has been stopped. */
export const SILENT_MS = 120_000;
/**
 * A webhook's request is given up after this long:
 * https://docs.particle.io/reference/cloud-apis/webhooks/
 */
const GIVEN_UP_MS = 20_000;

const DEVICE_ID = /^[0-9a-f]{24}$/;
/** A data URL, or a buffer within JSON. */
export const TYPED = /^data:[^,]+;base64,|"_type":"buffer"/;

/** The rules, in the order of the page. @type {Record<string, Rule>} */
export const RULES = {
  start: ({ endpoint, mode, hook, prefix }) => {
    if (endpoint === null || (mode !== 'none' && hook.kind !== 'ours')) return null;
    return hook.kind === 'ours'
      ? `Your hook URL and the webhook “${prefix}” were created.`
      : 'Your hook URL was created.';
  },
  'send-one': ({ rounds }) =>
    last(rounds, ({ trace: { event, delivery } }) =>
      !event && delivery && !isOfCloud(delivery) ? `#${delivery.seq} arrived.` : null,
    ),
  'test-press': ({ rounds }) =>
    last(rounds, ({ trace, isTest }) => {
      const { event, delivery, sents, responses } = trace;
      if (!isTest || !event || !delivery || sents.length === 0 || responses.length === 0)
        return null;
      return `Yours is #${delivery.seq}. ${took(trace)}`;
    }),
  'prefix-match': ({ rounds, prefix }) =>
    last(rounds, ({ trace: { event, delivery } }) =>
      event && delivery && event.name.startsWith(prefix) && event.name !== prefix
        ? `“${short(event.name)}” came through as #${delivery.seq}.`
        : null,
    ),
  'wrong-case': ({ rounds, prefix }) =>
    last(rounds, ({ trace: { event, delivery, sents } }) =>
      event && !delivery && sents.length === 0 && isWrongCase(event.name, prefix)
        ? `“${short(event.name)}” was published and triggered nothing.`
        : null,
    ),
  'not-json': ({ rounds, prefix }) =>
    last(rounds, ({ trace: { event, delivery } }) =>
      event &&
      delivery &&
      event.name.startsWith(prefix) &&
      (event.data ?? '') !== '' &&
      !isJson(event.data ?? '')
        ? `“${short(event.data ?? '')}” arrived as text, in #${delivery.seq}.`
        : null,
    ),
  flash: ({ flashed, names }) => (flashed ? `${nameOf(flashed.coreid, names)} has it.` : null),
  'device-event': ({ rounds, prefix, names }) =>
    last(rounds, ({ trace }) => {
      const { event, delivery } = trace;
      if (!event || !delivery || !DEVICE_ID.test(event.coreid) || !event.name.startsWith(prefix))
        return null;
      return `#${delivery.seq} came from ${nameOf(event.coreid, names)}. ${took(trace)}`;
    }),
  'typed-publish': ({ rounds, names }) =>
    last(rounds, (round) => {
      const { event, delivery } = round.trace;
      if (!event || !delivery || isPeriodic(round)) return null;
      return DEVICE_ID.test(event.coreid) && TYPED.test(event.data ?? '')
        ? `${nameOf(event.coreid, names)} published typed data, in #${delivery.seq}.`
        : null;
    }),
  'made-up-coreid': ({ rounds, devices }) =>
    last(rounds, ({ trace }) =>
      isMadeUp(trace) && !devices?.some(({ id }) => id === trace.coreid)
        ? `#${trace.delivery?.seq} claims to be from “${short(trace.coreid ?? '')}”.`
        : null,
    ),
  'set-error': (world) =>
    last(world.rounds, (round) => {
      const { delivery } = round.trace;
      const { reply_use, status = 0, delay_ms = 0 } = delivery?.response ?? {};
      if (!delivery || !reply_use || status < 300 || delay_ms >= GIVEN_UP_MS) return null;
      const came = cameBack('error', round, world);
      return came === null ? null : `${which(round)} was answered ${status}${came}.`;
    }),
  'long-response': (world) =>
    last(world.rounds, (round) => {
      const { delivery, responses } = round.trace;
      const bytes = delivery ? byteLength(delivery.response.body) : 0;
      const came = cameBack('response', round, world);
      if (!delivery || bytes <= PART_BYTES || came === null) return null;
      if (world.mode !== 'none' && responses.length < 2) return null;
      const parts = responses.length > 1 ? ` in ${responses.length} parts` : '';
      const size = bytes.toLocaleString('en-GB');
      return `${which(round)} was answered with ${size} bytes${parts}${came}.`;
    }),
  'slow-response': (world) =>
    last(world.rounds, (round) => {
      const { delivery, errors } = round.trace;
      const { delay_ms = 0 } = delivery?.response ?? {};
      if (!delivery || delay_ms <= 0 || errors.some(({ event }) => isSleeping(event))) return null;
      const isLate = delay_ms >= GIVEN_UP_MS;
      const came = cameBack(isLate ? 'error' : 'response', round, world);
      const gaveUp = isLate && round.trace.event ? '; the cloud gave up before that' : '';
      return came === null
        ? null
        : `${which(round)} was answered after ${span(delay_ms)}${gaveUp}${came}.`;
    }),
  credential: ({ rounds }) => {
    const refused = rounds.find(
      ({ trace }) =>
        trace?.delivery?.verified === 'wrong' &&
        trace.delivery.response.status === 401 &&
        trace.errors.length > 0,
    );
    if (!refused) return null;
    return last(rounds.slice(rounds.indexOf(refused)), ({ trace: { delivery } }) =>
      delivery?.verified === 'ok'
        ? `#${refused.seq} got 401 and a hook-error; the credential of #${delivery.seq} was right.`
        : null,
    );
  },
  'template-box': ({ template }) =>
    template && `Yours renders to ${template.bytes} bytes, without a mistake.`,
  'remove-webhook': ({ hook, prefix }, done) =>
    hook.kind === 'absent' && done.start !== undefined
      ? `“${prefix}” is no longer in the account.`
      : null,
  'stop-device': ({ deviceEventAt, listeningSince, now }) => {
    if (deviceEventAt === null || listeningSince === null) return null;
    return now - Math.max(deviceEventAt, listeningSince) >= SILENT_MS
      ? 'No event from a device for two minutes.'
      : null;
  },
  'forget-endpoint': ({ forgotten }) => (forgotten === null ? null : 'Its URL answers 404 now.'),
};

/**
 * What was done can be undone by what happens later: the device publishes again, the webhook is
 * made again.
 * @type {Map<string, (world: World) => boolean>}
 */
const UNDONE = new Map(
  Object.entries({
    'remove-webhook': ({ hook }) => hook.kind === 'ours',
    'stop-device': ({ deviceEventAt, now }) =>
      deviceEventAt !== null && now - deviceEventAt < SILENT_MS,
  }),
);

/**
 * What is done by now. The same object if nothing changed.
 * @param {World} world @param {Done} done what was done before
 * @returns {Done}
 */
export function stepsDone(world, done) {
  let next = done;
  for (const [id, rule] of Object.entries(RULES)) {
    if (next[id] !== undefined) {
      if (!UNDONE.get(id)?.(world)) continue;
      next = { ...next };
      delete next[id];
      continue;
    }
    const said = rule(world, next);
    if (said !== null) next = { ...next, [id]: said };
  }
  return next;
}

/**
 * Why a task can't be done as things are, in a few words; null if it can. Such a task is optional
 * and is not counted.
 * @param {string} id @param {Needs} needs @param {Pick<World, 'mode' | 'devices' | 'maxDelayMs'>}
 *   world
 */
export function optional(id, needs, { mode, devices, maxDelayMs }) {
  if (needs !== 'nothing' && mode === 'none')
    return needs === 'device'
      ? 'Optional: needs a Particle account and a device.'
      : 'Optional: needs a Particle account.';
  if (needs === 'device' && devices?.length === 0)
    return 'Optional: there is no device in this account.';
  if (id === 'slow-response' && maxDelayMs !== null && maxDelayMs < GIVEN_UP_MS)
    return 'Optional: this server may not be told to wait that long.';
  return null;
}

/**
 * How the result of a round is known to have reached its device, to end a sentence with; null if it
 * is not known. A virtual device has printed it. Of a real one, and in an account without devices,
 * all that can be heard is the event. Without an account the server has answered.
 * @param {'response' | 'error'} kind
 * @param {Round & {trace: Trace}} round
 * @param {World} world
 */
function cameBack(kind, { trace, isWaiting }, { mode, devices, results }) {
  if (mode === 'none') return isWaiting ? null : '';
  const { event, delivery } = trace;
  const back = kind === 'error' ? trace.errors : trace.responses;
  if (!event || !delivery || back.length === 0) return null;
  const came = `, and the hook-${kind}`;
  if (devices?.length === 0) return `${came} was published`;
  if (!DEVICE_ID.test(event.coreid)) return null;
  if (mode === 'account') return `${came} for the device was published`;
  const whole = kind === 'error' ? (back[0].event.data ?? '') : delivery.response.body;
  const isPrinted = results.some(
    (one) => one.coreid === event.coreid && one.kind === kind && whole.startsWith(one.text),
  );
  return isPrinted ? `${came} reached the device` : null;
}

/**
 * What the last round that fits says.
 * @param {Round[]} rounds
 * @param {(round: Round & {trace: Trace}) => string | null} says
 */
function last(rounds, says) {
  for (let i = rounds.length - 1; i >= 0; i -= 1) {
    const said =
      rounds[i].trace === null ? null : says(/** @type {Round & {trace: Trace}} */ (rounds[i]));
    if (said !== null) return said;
  }
  return null;
}

/** @param {import('../lib/api-client.js').Delivery} delivery */
const isOfCloud = ({ request }) =>
  request.headers.some(([name, value]) => name === 'user-agent' && value.startsWith('ParticleBot'));

/**
 * Whether a request with a coreid of the reader's own came from somewhere else than Particle.
 * @param {Trace} trace
 */
export const isMadeUp = ({ event, delivery, coreid }) =>
  !event &&
  delivery !== null &&
  coreid !== null &&
  !/^0*$|^api$/.test(coreid) &&
  !isOfCloud(delivery) &&
  !isFromPage(delivery.request);

/** @param {string} name @param {string} prefix */
export const isWrongCase = (name, prefix) =>
  !name.startsWith(prefix) && name.toLowerCase().startsWith(prefix.toLowerCase());

/** From the event to the last that came back, by Particle's clock. @param {Trace} trace */
function took({ event, responses }) {
  if (!event || responses.length === 0) return '';
  const ms = Math.max(...responses.map((one) => one.event.at)) - event.at;
  return ms < 0 ? '' : `It took ${span(ms)}.`;
}

/**
 * Whether the firmware published the event by itself, a minute after the last.
 * @param {Round} round
 */
export const isPeriodic = ({ trace }) => /"op":\s*"periodic"/.test(trace?.event?.data ?? '');

/** A delivery by its number, and what caused it if that was not the reader. @param {Round} round */
const which = (round) =>
  `#${round.trace?.delivery?.seq}${isPeriodic(round) ? ' (the event of the minute)' : ''}`;

/** @param {string} coreid @param {Map<string, string>} names */
const nameOf = (coreid, names) => `“${short(names.get(coreid) ?? coreid)}”`;

/** @param {string} text */
export const short = (text) => (text.length > 40 ? `${text.slice(0, 39)}…` : text);

/**
 * What happened before the tasks appeared, or before the reader began again, does not count. A
 * delivery is judged by its number, for the server has a clock of its own.
 * @param {World} world
 * @param {{since: number, after: number}} from
 * @returns {World}
 */
export function counted(world, { since, after }) {
  const { flashed } = world;
  return {
    ...world,
    rounds: world.rounds.filter(({ trace }) =>
      trace?.delivery ? trace.delivery.seq > after : (trace?.event?.seen ?? 0) >= since,
    ),
    flashed: flashed && flashed.at >= since ? flashed : null,
  };
}

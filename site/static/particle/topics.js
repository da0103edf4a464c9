// @ts-check
// Under which names the cloud publishes what came of a webhook: by default, or as the webhook's
// configuration says. Pure. https://docs.particle.io/reference/cloud-apis/webhooks/

import { perObject } from '../lib/memo.js';
import { FROM_CLOUD, meaningOf } from './event.js';
import { preferred } from './evidence.js';
import { render } from './template.js';
import { contextsOf } from './variables.js';

/**
 * @typedef {import('./event.js').Event} Event
 * @typedef {import('./event.js').Kind} Kind
 * @typedef {Record<string, any> & {event: string}} Hook the settings of a webhook that leads here
 * @typedef {{name: string | null, coreid: string | null, data: string | null, at: number | null}}
 *   Published what is known of an event
 * @typedef {import('./join.js').Trace} Trace
 * @typedef {{kind: Kind, source: string | null, of: string | null, part: number | null,
 *   isOwnTopic: boolean, fits: (trace: Trace) => boolean}} Reading what the name of an event says.
 *   `source`: the device, or `api`. `of`: the name of the event that it is about; null if it does
 *   not say. `isOwnTopic`: the settings of a webhook say so. `fits`: whether it can be about that
 *   one
 * @typedef {{kind: Kind, hook: Hook, template: string, pattern: RegExp | null, groups: string[]}}
 *   Topic `pattern`: null if no name can be read back
 * @typedef {Topic & {pattern: RegExp}} ReadableTopic
 */

/** The variables in a topic that a name can be read back from, by what they are. */
const READABLE = new Map([
  ['PARTICLE_DEVICE_ID', 'source'],
  ['SPARK_CORE_ID', 'source'],
  ['PARTICLE_EVENT_NAME', 'of'],
  ['SPARK_EVENT_NAME', 'of'],
]);
const TAG = /\{\{\{\s*([\w.]+)\s*\}\}\}|\{\{&?\s*([\w.]+)\s*\}\}/g;
/** A device, or `api`, within a name. */
const SOURCE_WITHIN = /(?<![0-9a-f])[0-9a-f]{24}(?![0-9a-f])|(?<![^/_-])api(?![^/_-])/;
/** How the data of a hook-error begins. */
const OF_ERROR =
  /^(?:error status \d|Sleeping|Too many errors|template error: |.{0,40}\b(?:E(?:SOCKET)?TIMEDOUT|ECONN|EHOSTUNREACH|ENETUNREACH|ENOTFOUND|EAI_AGAIN|certificate\b))/;
const MAX_TOPIC = 256;
/** Each part of a name that may be anything multiplies the ways to read it. */
const MAX_WILD = 2;
const MAX_HOOKS = 8;
const LATEST_GUESS_MS = 30_000;
/** Skipped events are answered as late as this. */
const LATEST_MADE_MS = 120_000;

/**
 * Reads the names of events by the settings of these webhooks.
 * @type {(hooks: Hook[]) => (event: Event) => Reading}
 */
export const readerOf = perObject((/** @type {Hook[]} */ hooks) => {
  const topics = topicsOfAll(hooks).filter(isReadable);
  return perObject((/** @type {Event} */ event) => read(event, topics));
});

/** @param {Hook[]} hooks */
const topicsOfAll = (hooks) => hooks.slice(0, MAX_HOOKS).flatMap(topicsOf);

/** @param {Topic} topic @returns {topic is ReadableTopic} */
const isReadable = (topic) => topic.pattern !== null;

/**
 * Whether a topic that no name can be read back from makes the name of an event, filled from
 * another that was published shortly before.
 * @param {Hook[]} hooks @returns {(event: Event, heard: Event[]) => boolean}
 */
export function madeBy(hooks) {
  const topics = topicsOfAll(hooks).filter((topic) => !isReadable(topic));
  return (event, heard) =>
    topics.length > 0 &&
    event.coreid === FROM_CLOUD &&
    heard.some((one) => one.coreid !== FROM_CLOUD && isMade(event, one, topics));
}

/** @param {Event} event @param {Published} published @param {Topic[]} topics */
function isMade({ name, at }, published, topics) {
  const age = at - (published.at ?? -Infinity);
  const topicName = name.replace(/\/\d{1,6}$/, '');
  return (
    age >= 0 &&
    age <= LATEST_MADE_MS &&
    topics.some(
      ({ hook, template }) =>
        (published.name ?? '').startsWith(hook.event) && filled(template, published) === topicName,
    )
  );
}

/**
 * Ways to read what no topic says, the surest first: by the names that other topics make, filled
 * from each event that it may be about; else by what a name holds.
 * @param {Hook[]} hooks @returns {((event: Event) => Reading)[]}
 */
export function guessesOf(hooks) {
  const topics = topicsOfAll(hooks).filter((topic) => !isReadable(topic));
  const made = (/** @type {Kind} */ kind) => (/** @type {Event} */ event) => {
    const [those, others] = [true, false].map((is) =>
      topics.filter((topic) => (topic.kind === kind) === is),
    );
    const isOther = OF_ERROR.test(event.data ?? '') !== (kind === 'error');
    return {
      kind,
      source: null,
      of: null,
      part: partIn(event.name),
      isOwnTopic: true,
      fits: (/** @type {Published} */ published) =>
        isMade(event, published, those) && !(isOther && isMade(event, published, others)),
    };
  };
  return topics.length > 0 ? [made('error'), made('response'), guess] : [guess];
}

/**
 * What an event is about if no topic says so: the event within half a minute whose name, and
 * source, its own name holds.
 * @param {Event} event @returns {Reading}
 */
export function guess(event) {
  const { name, data, at } = event;
  const { kind, of } = meaningOf(event);
  const [source = null] = SOURCE_WITHIN.exec(name) ?? [];
  // Behind `hook-response/` is the whole name, but for a Device ID.
  const holds = (/** @type {string} */ published) =>
    kind === 'internal'
      ? isWithin(name, published)
      : [published, `${published}/${source}`].includes(of);
  return {
    kind: kind !== 'internal' ? kind : OF_ERROR.test(data ?? '') ? 'error' : 'response',
    source,
    of: null,
    part: partIn(name),
    isOwnTopic: false,
    fits: (published) =>
      holds(published.name ?? '') && at - (published.at ?? -Infinity) <= LATEST_GUESS_MS,
  };
}

/** The number of a part at the end of a name. @param {string} name */
function partIn(name) {
  const part = /\/(\d{1,6})$/.exec(name)?.[1];
  return part === undefined ? null : Number(part);
}

/** Whether a name is in another, as a word of its own. */
function isWithin(/** @type {string} */ name, /** @type {string} */ part) {
  const at = part.length > 2 ? name.indexOf(part) : -1;
  return (
    at >= 0 &&
    !/[a-z0-9]$/i.test(name.slice(0, at)) &&
    !/^[a-z0-9]/i.test(name.slice(at + part.length))
  );
}

/**
 * The name that a topic makes for an event, without the number of a part; null if it makes none.
 * @param {string} topic a template @param {Published} published
 */
export function filled(topic, published) {
  try {
    return render(topic, contextsOf(published)) || null;
  } catch {
    return null;
  }
}

/** @param {Hook} hook @returns {Topic[]} */
const topicsOf = (hook) => [
  ...topic(hook, 'response', hook.responseTopic),
  ...topic(hook, 'error', hook.errorResponseTopic),
];

/** @param {Hook} hook @param {Kind} kind @param {unknown} template @returns {Topic[]} */
function topic(hook, kind, template) {
  if (typeof template !== 'string' || template === '' || template.length > MAX_TOPIC) return [];
  /** @type {string[]} */
  const groups = [];
  let source = '';
  let at = 0;
  for (const { 0: tag, 1: tripled, 2: doubled, index } of template.matchAll(TAG)) {
    const what = READABLE.get(tripled ?? doubled) ?? 'data';
    source += literal(template.slice(at, index));
    source += what === 'source' ? '([0-9a-f]{24}|api)' : what === 'of' ? '([^]+?)' : '([^]*?)';
    groups.push(what);
    at = index + tag.length;
  }
  source += literal(template.slice(at));
  // Sections may leave out what is in them, and a name of nothing but data may be any name.
  const isWild =
    groups.filter((what) => what !== 'source').length > MAX_WILD ||
    /\{\{/.test(template.replace(TAG, '')) ||
    source === '([^]*?)';
  const pattern = isWild ? null : new RegExp(`^${source}(?:/(\\d{1,6}))?$`);
  return [{ kind, hook, template, groups, pattern }];
}

/** @param {string} text */
const literal = (text) => text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&');

/** @param {Event} event @param {ReadableTopic[]} topics @returns {Reading} */
function read(event, topics) {
  const meaning = meaningOf(event);
  const named = (/** @type {ReadableTopic} */ { pattern }) => pattern.test(event.name);
  const all = event.coreid === FROM_CLOUD && meaning.kind !== 'sent' ? topics.filter(named) : [];
  // Errors may have the same topic as responses.
  const likely = OF_ERROR.test(event.data ?? '') ? 'error' : 'response';
  const fitting = preferred(all, (topic) => topic.kind === likely);
  if (fitting.length === 0) return { ...meaning, isOwnTopic: false, fits: () => true };
  const [{ kind, pattern, groups }] = fitting;
  const found = /** @type {RegExpExecArray} */ (pattern.exec(event.name));
  const part = found[groups.length + 1];
  const group = (/** @type {string} */ what) => found[groups.indexOf(what) + 1];
  const topicName = part === undefined ? event.name : event.name.slice(0, -part.length - 1);
  return {
    kind,
    source: groups.includes('source') ? group('source') : null,
    of: groups.includes('of') ? group('of') : null,
    part: part === undefined ? null : Number(part),
    isOwnTopic: true,
    // Data in a topic can only be told by filling it.
    fits: (published) =>
      fitting.some(
        ({ hook, template, groups: parts }) =>
          (published.name ?? '').startsWith(hook.event) &&
          (!parts.includes('data') || filled(template, published) === topicName),
      ),
  };
}

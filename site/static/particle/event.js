// @ts-check
// An event as the stream brings it, made safe to keep, and what its name says. Pure.

import { perObject } from '../lib/memo.js';

/**
 * @typedef {{
 *   id: string,
 *   name: string,
 *   data: string | null,
 *   published_at: string,
 *   at: number,
 *   coreid: string,
 *   seen: number,
 *   nth: number,
 *   guesses: string[],
 * }} Event `id`: the same wherever in this browser the event was heard. `at`: `published_at` in
 * milliseconds, by Particle's
 *   clock. `seen`: when it was heard, by this browser's clock; `nth`: its ordinal on its
 *   connection. `guesses`: what the simulated cloud had to guess for it.
 * @typedef {'trigger' | 'sent' | 'response' | 'error' | 'internal'} Kind `trigger`: a device or the
 *   API published it
 * @typedef {{kind: Kind, source: string | null, of: string, part: number | null}} Meaning `source`:
 *   the device in front of
 *   the name, or `api`; `of`: the name of the event that this one is about; `part`: the number
 *   behind it
 */

/** The source of events that the cloud itself makes. */
export const FROM_CLOUD = 'particle-internal';

// Particle's own limits are 64 characters and 100 KB; what is longer than these is not from there,
// and is cut.
const MAX_NAME = 512;
const MAX_DATA = 128 * 1024;

/**
 * @param {string} name as on the `event:` line
 * @param {string} json as on the `data:` lines
 * @param {{seen: number, nth: number, count: (content: string) => number}} options `count`: how
 *   many of exactly this content the stream
 *   brought before. Two hooks can fire in one millisecond, so content alone does not tell events
 *   apart.
 * @returns {Event | null} null if it is not an event
 */
export function eventOf(name, json, { seen, nth, count }) {
  let fields;
  try {
    fields = JSON.parse(json);
  } catch {
    return null;
  }
  if (fields === null || typeof fields !== 'object' || Array.isArray(fields)) return null;
  const text = (/** @type {unknown} */ value, /** @type {number} */ most) =>
    typeof value === 'string'
      ? whole(value, most)
      : value === null || value === undefined
        ? null
        : whole(JSON.stringify(value), most);
  const published = text(fields.published_at, 64) ?? '';
  const at = timeOf(published);
  const event = {
    name: whole(name, MAX_NAME),
    data: text(fields.data, MAX_DATA),
    published_at: Number.isNaN(at) ? new Date(seen).toISOString() : published,
    at: Number.isNaN(at) ? seen : at,
    coreid: text(fields.coreid, 64) ?? '',
    seen,
    nth,
    guesses: Array.isArray(fields.simulated_guess)
      ? fields.simulated_guess
          .filter((/** @type {unknown} */ guess) => typeof guess === 'string')
          .slice(0, 8)
          .map((/** @type {string} */ guess) => guess.slice(0, 64))
      : [],
  };
  const content = `${event.published_at}|${event.coreid}|${event.name}|${digest(event.data ?? '')}`;
  return { id: `${content}|${count(content)}`, ...event };
}

/**
 * An RFC 3339 time in milliseconds; NaN for another text, even one that `Date.parse` accepts.
 * @param {string} text
 */
export const timeOf = (text) => (/^\d{4}-\d\d-\d\dT\d\d:\d\d:/.test(text) ? Date.parse(text) : NaN);

/**
 * A counter of contents for one connection. It forgets the oldest: the same content comes again at
 * once or never.
 */
export function contentCounter(most = 2_000) {
  /** @type {Map<string, number>} */
  const counts = new Map();
  return (/** @type {string} */ content) => {
    const before = counts.get(content) ?? 0;
    counts.delete(content);
    counts.set(content, before + 1);
    if (counts.size > most) counts.delete(/** @type {string} */ (counts.keys().next().value));
    return before;
  };
}

/** What an event is about, by its name and source. */
export const meaningOf = perObject(read);

/** @param {Event} event @returns {Meaning} */
function read({ name, coreid }) {
  // A device may publish any name; only the cloud's own say what became of a webhook.
  if (coreid !== FROM_CLOUD) return { kind: 'trigger', source: coreid, of: name, part: null };
  const match = /^(?:([0-9a-f]{24}|api)\/)?hook-(sent|response|error)\/([^]+)$/.exec(name);
  if (!match) return { kind: 'internal', source: null, of: name, part: null };
  const [, source = null, kind, rest] = match;
  const parted = /^([^]+)\/(\d{1,6})$/.exec(rest);
  // A plain hook-sent has no number, and the name it is about may itself end in one.
  if (kind === 'sent')
    return { kind, source, of: source && parted?.[2] === '0' ? parted[1] : rest, part: null };
  if (!parted)
    return { kind: kind === 'error' ? 'error' : 'response', source, of: rest, part: null };
  return {
    kind: kind === 'error' ? 'error' : 'response',
    source,
    of: parted[1],
    part: Number(parted[2]),
  };
}

/**
 * Whether the log keeps an event: its name contains the webhook's, in upper or lower case. So one
 * that does *not* fire for
 * a wrong letter is seen not to.
 * @param {{name: string}} event @param {string} webhookName
 */
export const concerns = (event, webhookName) =>
  event.name.toLowerCase().includes(webhookName.toLowerCase());

/** At most so many characters, never half of one. @param {string} text @param {number} most */
function whole(text, most) {
  if (text.length <= most) return text;
  return text.slice(0, /[\ud800-\udbff]/.test(text[most - 1]) ? most - 1 : most);
}

/**
 * A short mark of a text, to tell texts apart; two hashes of 32 bits (FNV-1a with two starts).
 * @param {string} text
 */
export function digest(text) {
  let a = 0x811c9dc5;
  let b = 0x2f0b4a27;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    a = Math.imul(a ^ code, 0x01000193);
    b = Math.imul(b ^ code, 0x01000197) ^ (b >>> 15);
  }
  return (a >>> 0).toString(36) + (b >>> 0).toString(36);
}

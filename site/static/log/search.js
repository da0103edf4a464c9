// @ts-check
// The search of the log: words, and terms such as `status:4xx`. Pure. Terms are rows of one table.

import { perObject } from '../lib/memo.js';
import { bodyBytes, isForm } from './request-body.js';

/**
 * @typedef {import('./rounds.js').Round} Round
 * @typedef {(round: Round) => boolean} Test
 * @typedef {{name: string, example: string, words: string, test: (value: string) => Test | null}}
 *   Term `test`: null if the value is not one
 * @typedef {{test: Test, problems: string[]}} Search
 */

/** @type {Term[]} */
export const TERMS = [
  {
    name: 'method',
    example: 'method:post',
    words: 'The method of the request.',
    test: (value) => ofDelivery(({ request }) => same(request.method, value)),
  },
  {
    name: 'path',
    example: 'path:/orders',
    words: 'The path contains it.',
    test: (value) => ofDelivery(({ request }) => hasAny(value, spellings(request.path))),
  },
  {
    name: 'query',
    example: 'query:page=2',
    words: 'The query contains it.',
    test: (value) => ofDelivery(({ request }) => hasAny(value, spellings(request.query, true))),
  },
  {
    name: 'header',
    example: 'header:user-agent=curl',
    words: 'A header of this name, whose value contains what follows “=”.',
    test(value) {
      const [, name, part] = /^([^=]*)=?(.*)$/s.exec(value) ?? [];
      return ofDelivery(({ request }) =>
        request.headers.some(([own, text]) => same(own, name) && has(part, text)),
      );
    },
  },
  {
    name: 'body',
    example: 'body:needle',
    words: 'The body of the request contains it, as it was sent or without its escapes.',
    test: (value) => ofDelivery(({ request }) => hasAny(value, bodyTexts(request))),
  },
  {
    name: 'response',
    example: 'response:error',
    words: 'The body of the response contains it.',
    test: (value) => ofDelivery(({ response }) => has(value, response.body)),
  },
  {
    name: 'status',
    example: 'status:4xx',
    words: 'The status of the response: one, a class, or a range such as 400-499.',
    test(value) {
      const [from, to] = rangeOf(value.replace(/^([1-5])xx$/i, '$100-$199')) ?? [];
      if (from === undefined || to === undefined) return null;
      return ofDelivery(({ response }) => from <= response.status && response.status <= to);
    },
  },
  {
    name: 'number',
    example: 'number:10-20',
    words: 'The number of the delivery.',
    test(value) {
      const [from, to] = rangeOf(value.replaceAll('#', '')) ?? [];
      if (from === undefined || to === undefined) return null;
      return ({ seq }) => seq !== null && from <= seq && seq <= to;
    },
  },
  {
    name: 'device',
    example: 'device:e00fce68',
    words: 'The Device ID, or the name of the device, contains it.',
    test:
      (value) =>
      ({ who, trace }) => {
        const coreid = trace?.event?.coreid ?? trace?.coreid ?? '';
        return coreid !== '' && (has(value, coreid) || has(value, who));
      },
  },
  {
    name: 'event',
    example: 'event:Tutorial',
    words: 'The name of the event contains it.',
    test:
      (value) =>
      ({ trace }) =>
        has(value, trace?.event?.name ?? trace?.name ?? ''),
  },
  {
    name: 'after',
    example: 'after:2026-11-28T09:00',
    words: 'Received then or later; a time without a date is of today.',
    test(value) {
      const from = timeOf(value);
      return from === null ? null : ({ at }) => at !== null && Date.parse(at) >= from;
    },
  },
  {
    name: 'before',
    example: 'before:09:30',
    words: 'Received earlier.',
    test(value) {
      const to = timeOf(value);
      return to === null ? null : ({ at }) => at !== null && Date.parse(at) < to;
    },
  },
  {
    name: 'is',
    example: 'is:failed',
    words: 'failed: a status from 300 on, or a hook-error. again: seen before. hint: with a hint.',
    test(value) {
      switch (value.toLowerCase()) {
        case 'failed':
          return ({ severity }) => severity === 'bad';
        case 'again':
          return ({ trace }) => trace?.earlier != null;
        case 'hint':
          return ({ hasHint }) => hasHint;
        default:
          return null;
      }
    },
  },
];

/**
 * What a text searches for: all of its words and terms; a minus in front of one excludes it.
 * @param {string} text @returns {Search}
 */
export function searchOf(text) {
  /** @type {Test[]} */
  const tests = [];
  /** @type {string[]} */
  const problems = [];
  // Quotes hold words together at the beginning of a word or after a term; else they are text.
  for (const [whole] of text.matchAll(/-?(?:[a-z]+:)?"[^"]*"?|\S+/g)) {
    const isExcluded = whole.length > 1 && whole.startsWith('-');
    const said = isExcluded ? whole.slice(1) : whole;
    const [, name, rest] = /^([a-z]+):(.*)$/s.exec(said) ?? [];
    const term = TERMS.find((one) => one.name === name);
    const value = (term ? rest : said).replace(/^"([^"]*)"?$/, '$1');
    if (value === '') continue;
    const test = term ? term.test(value) : anywhere(value);
    if (test === null) problems.push(`${said} is not valid; an example: ${term?.example}.`);
    else tests.push(isExcluded ? (round) => !test(round) : test);
  }
  return { test: (round) => !round.isRemark && tests.every((test) => test(round)), problems };
}

/** @param {string} value @returns {Test} */
function anywhere(value) {
  const isIn = matcher(value);
  const isInAny = (/** @type {string[]} */ texts) => texts.some(isIn);
  return ({ who, trace }) => {
    if (isIn(who)) return true;
    if (!trace) return false;
    const { delivery, event, alone, sents, responses, errors } = trace;
    if (delivery) {
      const { request, response } = delivery;
      if (isIn(`${request.method} ${request.path}?${request.query}`)) return true;
      if (isInAny(spellings(request.path)) || isInAny(spellings(request.query, true))) return true;
      if (isInAny(bodyTexts(request)) || isIn(response.body)) return true;
      if ([...request.headers, ...response.headers].some((pair) => isIn(pair.join(': '))))
        return true;
    }
    const linked = [...sents, ...responses, ...errors].map((one) => one.event);
    return [event, alone, ...linked].some(
      (one) => one !== null && (isIn(one.name) || isIn(one.data ?? '') || isIn(one.coreid ?? '')),
    );
  };
}

/** Whether a text contains another, in upper or lower case. @param {string} needle */
function matcher(needle) {
  const pattern = new RegExp(needle.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'), 'i');
  return (/** @type {string} */ text) => pattern.test(text);
}

/** @param {string} needle @param {string} text */
const has = (needle, text) => matcher(needle)(text);
/** @param {string} needle @param {string[]} texts */
const hasAny = (needle, texts) => texts.some(matcher(needle));
/** @param {string} a @param {string} b */
const same = (a, b) => a.toLowerCase() === b.toLowerCase();

/** @param {(delivery: import('../lib/api-client.js').Delivery) => boolean} test @returns {Test} */
const ofDelivery =
  (test) =>
  ({ trace }) =>
    trace?.delivery != null && test(trace.delivery);

/** The body as text; of one that is not UTF-8, a character for each byte. */
const bodyTexts = perObject((/** @type {import('../lib/api-client.js').Request} */ request) =>
  spellings(
    request.body_encoding === 'utf-8'
      ? request.body
      : new TextDecoder('latin1').decode(bodyBytes(request)),
    isForm(request),
  ),
);

/**
 * A text as it was sent and, if it has escapes of JSON or of a URL, without them.
 * @param {string} text @param {boolean} [isFormText] a plus means a blank
 */
function spellings(text, isFormText = false) {
  const plain = (isFormText ? text.replaceAll('+', ' ') : text)
    .replace(/(?:%[0-9a-f]{2})+/gi, percentDecoded)
    .replace(/\\(?:u([0-9a-f]{4})|(["/\\]))/gi, (_, hex, sign) =>
      hex ? String.fromCharCode(parseInt(hex, 16)) : sign,
    );
  return plain === text ? [text] : [text, plain];
}

/** @param {string} escapes */
function percentDecoded(escapes) {
  try {
    return decodeURIComponent(escapes);
  } catch {
    return escapes;
  }
}

/** @param {string} value @returns {[number, number] | null} */
function rangeOf(value) {
  const found = /^(\d{1,15})(?:-(\d{1,15}))?$/.exec(value);
  return found ? [Number(found[1]), Number(found[2] ?? found[1])] : null;
}

/**
 * A time in milliseconds; without a zone it is this computer's, without a date it is of today.
 * @param {string} value
 */
function timeOf(value) {
  const isOfToday = /^\d{1,2}:\d{2}(:\d{2})?$/.test(value);
  const isDay = /^\d{4}-\d{2}-\d{2}$/.test(value);
  if (!isOfToday && !/^\d{4}-\d{2}-\d{2}/.test(value)) return null;
  const today = new Date();
  const [hours, minutes, seconds = 0] = isOfToday ? value.split(':').map(Number) : [];
  const at = isOfToday
    ? today.setHours(hours, minutes, seconds, 0)
    : Date.parse(isDay ? `${value}T00:00` : value);
  return Number.isNaN(at) ? null : at;
}

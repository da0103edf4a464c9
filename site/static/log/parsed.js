// @ts-check
// What is parsed of a body that is a JSON text or a form: every field, and which of them were taken
// as the event, its data and its ID. Pure.

import { MAX_DEPTH, depth, isJson, members } from '../lib/json-text.js';
import { quotable } from '../lib/text.js';
import { idOf } from '../particle/origin.js';
import { envelopeWords } from './envelope.js';
import {
  contentType,
  dataAt,
  formFields,
  isForm,
  knownFields,
  knownMembers,
} from './request-body.js';
import { fieldRow } from './value-row.js';

/**
 * @typedef {import('./delivery.js').Row} Row
 * @typedef {import('./delivery.js').Content} Content
 * @typedef {import('./value-row.js').Field} Field
 * @typedef {{rows: Row[], count: number, note: string}} Parsed some rows, and how many there are
 */

/** Rows of a block that are made at once. */
const MAX_ROWS = 100;
/** Longest ID that counts as one, in characters, as for the receiver. */
const MAX_ID = 64;
/** What Particle sends besides `data`. */
const OF_PARTICLE = ['event', 'coreid', 'published_at'];

/**
 * What a block shows of what was parsed: some rows at once; the rest is parsed again when it is
 * asked for, and is not kept.
 * @param {(from: number, to: number) => Parsed} parse
 * @returns {Content & {note: string}}
 */
export function contentOf(parse) {
  const { rows, count, note } = parse(0, MAX_ROWS);
  const further = (/** @type {number} */ from, /** @type {number} */ to) => parse(from, to).rows;
  const more = count > rows.length ? { count: count - rows.length, rows: further } : undefined;
  return { rows, more, note };
}

/** Nothing was parsed. @param {string} note @returns {Parsed} */
export const nothing = (note) => ({ rows: [], count: 0, note });

/**
 * The rows of a JSON text or a form from one place to another.
 * @param {string} text @param {import('./request-body.js').Request} request
 * @param {number} from @param {number} to
 * @param {import('./request-body.js').Decode} [decode] of a form
 * @returns {Parsed}
 */
export function parsedText(text, request, from, to, decode) {
  const list = members(text);
  const isOther = list === null && isJson(text);
  const envelope = envelopeWords(request.headers, list ?? []);
  if (isOther) {
    const row = fieldRow({ name: 'body', value: text, isJson: true });
    return { rows: [row], count: 1, note: envelope };
  }
  const found = list
    ? objectFields(list, from, to)
    : isForm(request)
      ? formRows(text, from, to, decode)
      : null;
  if (found) {
    const { fields, count, notes } = found;
    const note = [envelope, ...notes].filter(Boolean).join(' ');
    return { rows: fields.map(fieldRow), count, note };
  }
  if (depth(text) > MAX_DEPTH)
    return nothing(`Nested deeper than ${MAX_DEPTH} levels, which counts as not JSON.`);
  const claim = contentType(request);
  return nothing(
    /[/+]json$/i.test(claim)
      ? 'Its content-type says JSON, but the body is not valid JSON.'
      : `The body is not JSON${claim === '' ? '' : ` (${claim})`}, so there is nothing to parse.`,
  );
}

/**
 * The rows of a query, from one place to another: all that a request without a body has.
 * @param {string} query @param {number} from @param {number} to @returns {Parsed}
 */
export function parsedQuery(query, from, to) {
  const { fields, count } = formRows(query, from, to);
  return { rows: fields.map(fieldRow), count, note: 'No body: this is the query.' };
}

/** @typedef {{name: string, value: string}[]} Members of a JSON object */

/** @param {Members} list @param {number} from @param {number} to */
function objectFields(list, from, to) {
  if (list.length === 0) return { fields: [], count: 0, notes: ['An object without members.'] };
  const known = knownMembers(list);
  const data = dataOf(known);
  const notes = [twice(list), takenWords(known, data.list, list), sourceWords(known)];
  if (!isOpened(known, list.length === 1))
    return { fields: asJson(list.slice(from, to)), count: list.length, notes };
  const at = list.findLastIndex(({ name }) => name === 'data');
  const others = [...list.slice(0, at), ...list.slice(at + 1)];
  const rest = asJson(others.slice(...beyond(data.fields, from, to)));
  return {
    fields: [...asJson(data.fields.slice(from, to), data.isText), ...beside(rest, data.fields)],
    count: data.fields.length + others.length,
    notes: [data.note, ...notes],
  };
}

/**
 * @param {string} form @param {number} from @param {number} to
 * @param {import('./request-body.js').Decode} [decode]
 */
function formRows(form, from, to, decode) {
  const known = knownFields(form, decode);
  const data = dataOf(known);
  const notes = [takenWords(known, data.list, []), sourceWords(known)];
  if (!isOpened(known, /^&*[^&]+&*$/.test(form)))
    return { ...formFields(form, from, to, { decode }), notes };
  const [start, end] = beyond(data.fields, from, to);
  const others = formFields(form, start, end, { decode, without: dataAt(form) });
  return {
    fields: [
      ...asJson(data.fields.slice(from, to), data.isText),
      ...beside(others.fields, data.fields),
    ],
    count: data.fields.length + others.count,
    notes: [data.note, ...notes],
  };
}

/**
 * Whether the members of `data` are shown in its place: of what Particle sends, and of a body that
 * has nothing else.
 * @param {Map<string, string>} known @param {boolean} isAlone
 */
const isOpened = (known, isAlone) =>
  known.has('data') && (isAlone || OF_PARTICLE.some((name) => known.has(name)));

/**
 * The members of the published data, and the fields that it is shown as: those, or the data itself.
 * @param {Map<string, string>} known
 */
function dataOf(known) {
  const data = known.get('data') ?? '';
  const list = members(data) ?? [];
  if (list.length > 0) return { list, fields: list, isText: false, note: twice(list) };
  const isText = !isJson(data);
  const note = isText ? 'The field “data” is not JSON, so it is shown as it is.' : '';
  return { list, fields: [{ name: 'data', value: data }], isText, note };
}

/**
 * @param {Members} list @param {boolean} [isText] whether the values are plain text
 * @returns {Field[]}
 */
const asJson = (list, isText = false) => list.map((field) => ({ ...field, isJson: !isText }));

/**
 * Places in the fields that follow those of the data.
 * @param {Members} data @param {number} from @param {number} to @returns {[number, number]}
 */
const beyond = ({ length }, from, to) => [Math.max(0, from - length), Math.max(0, to - length)];

/**
 * Fields beside the data; one with the name of a member of it says so.
 * @param {Field[]} others @param {Members} data
 */
function beside(others, data) {
  const names = new Set(others.map(({ name }) => name));
  const shared = new Set(data.map(({ name }) => name).filter((name) => names.has(name)));
  return others.map((field) =>
    shared.has(field.name) ? { ...field, remark: 'beside “data”' } : field,
  );
}

/** @param {{name: string}[]} list */
function twice(list) {
  const seen = new Set();
  const found = list.find(({ name }) => seen.size === seen.add(name).size);
  return found ? `“${quotable(found.name)}” is there twice: most programs keep the last.` : '';
}

/**
 * Which fields the page and the receiver read as the event, its data and its ID.
 * @param {Map<string, string>} known @param {Members} data the members of the data
 * @param {Members} list those of the body, if it is a JSON object
 */
function takenWords(known, data, list) {
  const isId = (/** @type {string | null} */ id) => id !== null && [...id].length <= MAX_ID;
  const id = isId(idOf(data)) ? '“id” in “data” as the ID' : isId(idOf(list)) && '“id” as the ID';
  const taken = [
    known.has('event') && '“event” as the event',
    known.has('data') && '“data” as the data',
    id,
  ].filter(Boolean);
  return taken.length > 0
    ? `The log took ${taken.join(', ')}.`
    : 'It has no field “event”, “data” or “id”.';
}

/** @param {Map<string, string>} known */
const sourceWords = (known) =>
  known.get('coreid') === 'api' && known.has('data')
    ? 'coreid “api” means the API, the Test button or this page, not a device.'
    : '';

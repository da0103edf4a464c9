// @ts-check
// What is parsed of a body that is a JSON text or a form: every field, and which of them were taken
// as the event, its data and its ID. Pure.

import { MAX_DEPTH, depth, isJson, members } from '../lib/json-text.js';
import { quotable } from '../lib/text.js';
import { idOf } from '../particle/origin.js';
import { envelopeWords } from './envelope.js';
import { formFields, isForm, knownFields, knownMembers, contentType } from './request-body.js';
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
    /json/i.test(claim)
      ? 'Its content-type says JSON, but the body is not valid JSON.'
      : `The body is not JSON${claim === '' ? '' : ` (${claim})`}, so there is nothing to parse.`,
  );
}

/** @param {{name: string, value: string}[]} list @param {number} from @param {number} to */
function objectFields(list, from, to) {
  if (list.length === 0) return { fields: [], count: 0, notes: ['An object without members.'] };
  const known = knownMembers(list);
  const all = list.map((field) => ({ ...field, isJson: true }));
  const data = isOpened(known, list.length)
    ? list.findLastIndex(({ name }) => name === 'data')
    : -1;
  const opened = data < 0 ? null : dataFields(known);
  const others = opened ? all.filter((_, at) => at !== data) : all;
  const fields = opened ? [...opened.fields, ...beside(others, opened.fields)] : all;
  const notes = [twice(list), opened?.note ?? '', takenWords(known, list), sourceWords(known)];
  return { fields: fields.slice(from, to), count: fields.length, notes };
}

/**
 * @param {string} form @param {number} from @param {number} to
 * @param {import('./request-body.js').Decode} [decode]
 */
function formRows(form, from, to, decode) {
  const known = knownFields(form, decode);
  const { count } = formFields(form, 0, 0);
  const notes = [takenWords(known, []), sourceWords(known)];
  if (!isOpened(known, count)) return { ...formFields(form, from, to, { decode }), notes };
  const { fields: first, note } = dataFields(known);
  const others = formFields(
    form,
    Math.max(0, from - first.length),
    Math.max(0, to - first.length),
    {
      decode,
      without: 'data',
    },
  );
  return {
    fields: [...first.slice(from, to), ...beside(others.fields, first)],
    count: first.length + others.count,
    notes: [note, ...notes],
  };
}

/**
 * Whether the members of `data` are shown in its place: of what Particle sends, and of a body that
 * has nothing else.
 * @param {Map<string, string>} known @param {number} count of all fields
 */
const isOpened = (known, count) =>
  known.has('data') && (count === 1 || OF_PARTICLE.some((name) => known.has(name)));

/**
 * The members of the published data, or the data as one field.
 * @param {Map<string, string>} known
 */
function dataFields(known) {
  const data = known.get('data') ?? '';
  const list = members(data) ?? [];
  if (list.length > 0) {
    /** @type {Field[]} */
    const fields = list.map((field) => ({ ...field, isJson: true }));
    return { fields, note: twice(list) };
  }
  const isText = !isJson(data);
  const note = isText ? 'The field “data” is not JSON, so it is shown as it is.' : '';
  return { fields: [{ name: 'data', value: data, isJson: !isText }], note };
}

/**
 * Fields beside the data; one with the name of a member of it says so.
 * @param {Field[]} others @param {Field[]} data
 */
function beside(others, data) {
  const names = new Set(data.map(({ name }) => name));
  return others.map((field) =>
    names.has(field.name) ? { ...field, remark: 'beside “data”' } : field,
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
 * @param {Map<string, string>} known @param {{name: string, value: string}[]} list of a JSON object
 */
function takenWords(known, list) {
  const isId = (/** @type {string | null} */ id) => id !== null && [...id].length <= MAX_ID;
  const id = isId(idOf(members(known.get('data') ?? '') ?? []))
    ? '“id” in “data” as the ID'
    : isId(idOf(list)) && '“id” as the ID';
  const taken = [
    known.has('event') && '“event” as the event',
    known.has('data') && '“data” as the data',
    id,
  ].filter(Boolean);
  return taken.length > 0
    ? `Taken: ${taken.join(', ')}.`
    : 'It has no field “event”, “data” or “id”.';
}

/** @param {Map<string, string>} known */
const sourceWords = (known) =>
  known.get('coreid') === 'api' && known.has('data')
    ? 'coreid “api” means the API or the Test button, not a device.'
    : '';

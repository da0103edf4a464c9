// @ts-check
// The mistakes people make in a webhook's template, as rows of one table: for the template box and
// for the log. Pure; loaded when needed. `infra/simulated-cloud/tests/template-hints.json` has
// examples of each, which the rules in Rust, of `render`, are held to as well.

import { isJson, parseJson } from '../lib/json-text.js';
import { jsonProblem, problemWords } from '../lib/json-problem.js';
import { quotable } from '../lib/text.js';
import { ENTITY, render } from './template.js';
import { contextsOf } from './variables.js';

/**
 * @typedef {import('../lib/json-problem.js').Problem} Problem
 * @typedef {{whole: string, name: string, isDouble: boolean, value: unknown}} Tag with its value;
 *   undefined if nothing has the name
 * @typedef {{
 *   templates: string[], tags: Tag[], data: string, json: unknown, names: string[], out: string,
 *   error: string | null, problem: Problem | null, isPlanned: boolean,
 * }} Filling templates and what became of them. `json`: what the data says; undefined if it is not
 *   JSON. `names`: all that may be named. `out`: the body, or the query. `error`: why it could not
 *   be filled. `problem`: why `out`, which begins like JSON, is none. `isPlanned`: the data was not
 *   published yet
 * @typedef {{id: string, severity: 'error' | 'note', where: 'template' | 'data' | 'body',
 *   about: string, text: string}} TemplateHint
 * @typedef {Omit<TemplateHint, 'text'> & {find: (filling: Filling) => string[]}} Rule `find`: a
 *   sentence for each place
 */

/** Names that the cloud has only for some webhooks, or makes up. */
const OTHER_NAMES = ['PARTICLE_EVENT_ID', 'PRODUCT_ID', 'PRODUCT_USER_ID', 'PRODUCT_VERSION'];
const OF_CLOUD = /^(?:PARTICLE|SPARK|PRODUCT)_/;
/** As secrets of the cloud are named; a log of the console has `[[SENSITIVE]]` in their place. */
const SECRET = /^[A-Z_][A-Z0-9_]*$/;
/**
 * A tag, with what opens it and the name in it. Triple braces first, or they would be read as
 * double ones.
 */
const TAG = /\{\{\{\s*([^{}]*?)\s*\}\}\}|\{\{([#^/&!>]?)\s*([^{}]*?)\s*\}\}/g;
const OBJECT = '[object Object]';
/** Where versions of Device OS cut the data of an event, in bytes. */
const DATA_LIMITS = [255, 622, 864, 1024];
const MAX_PLACES = 5;
const MAX_COMPARED = 20_000;
const MAX_VALUES = 2_000;

/** @type {Rule[]} */
export const RULES = [
  {
    id: 'unfillable',
    severity: 'error',
    where: 'template',
    about: 'templates',
    find: ({ error }) => (error === null ? [] : [`It can’t be filled: ${error}.`]),
  },
  {
    id: 'open-tag',
    severity: 'error',
    where: 'template',
    about: 'templates',
    find: ({ templates }) =>
      templates
        .filter((text) => text.split('{{').length > text.split('}}').length)
        .map(() => 'A tag is opened by {{ and never closed by }}.'),
  },
  {
    id: 'data-cut',
    severity: 'error',
    where: 'data',
    about: 'typed-publish',
    find: (filling) =>
      isCut(filling)
        ? [
            `The data is not JSON and ends after exactly ${bytesOf(filling.data)} bytes, where ` +
              'a version of Device OS cuts longer data: it was longer, and the rest is lost.',
          ]
        : [],
  },
  {
    id: 'data-not-json',
    severity: 'error',
    where: 'data',
    about: 'templates',
    find: (filling) => {
      const { data, json, tags } = filling;
      const isNone = json === undefined && data.trim() !== '' && !isCut(filling);
      if (!isNone || !tags.some(isOfData)) return [];
      if (!isLikeJson(data))
        return ['The data is text and not JSON, so every name in it is empty.'];
      const why = problemWords(/** @type {Problem} */ (jsonProblem(data)));
      return [`The data is not JSON (${why}), so every name in it is empty.`];
    },
  },
  {
    id: 'missing-name',
    severity: 'error',
    where: 'template',
    about: 'templates',
    find: ({ data, json, tags, names, problem, out }) => {
      const missing = tags.filter(isMissing);
      if (missing.length > 0)
        return json === undefined && data.trim() !== ''
          ? []
          : missing.map(({ whole, name }) => {
              const near = nearest(name, names);
              return (
                `${whole}: the data has no “${name}”, so nothing is written there.` +
                (near ? ` Did you mean ${near}?` : '')
              );
            });
      return problem?.reason === 'value'
        ? [
            `A value is missing ${after(out, problem.at)}: the template names something that the ` +
              'data does not have.',
          ]
        : [];
    },
  },
  {
    id: 'secret',
    severity: 'note',
    where: 'template',
    about: 'field-headers',
    find: ({ tags }) =>
      tags
        .filter((tag) => tag.value === undefined && !isMissing(tag))
        .map(
          ({ whole, name }) =>
            `${whole}: not in the data. It is filled if a cloud secret named ${name} is selected ` +
            'for the webhook; the console’s logs show it as [[SENSITIVE]].',
        ),
  },
  {
    id: 'object-as-value',
    severity: 'error',
    where: 'template',
    about: 'templates',
    find: ({ tags, data, out }) => {
      const objects = tags.filter(({ value }) => isObject(value));
      const inner = (/** @type {Tag} */ { name, value }) =>
        `{{{${name}.${Object.keys(/** @type {object} */ (value))[0] ?? 'name'}}}}`;
      if (objects.length > 0)
        return objects.map(
          (tag) =>
            `${tag.whole}: “${tag.name}” is an object, which is written as ${OBJECT}. Name a ` +
            `value in it, such as ${quotable(inner(tag))}, or pass the whole data on with ` +
            '{{{PARTICLE_EVENT_VALUE}}}.',
        );
      return out.includes(OBJECT) && !data.includes(OBJECT)
        ? [
            `${OBJECT}: the template names an object where a value belongs. Name a value in it, ` +
              'with a dot, or pass the whole data on with {{{PARTICLE_EVENT_VALUE}}}.',
          ]
        : [];
    },
  },
  {
    id: 'double-braces',
    severity: 'error',
    where: 'template',
    about: 'templates',
    find: ({ tags, data, out }) => {
      const doubled = tags.filter(
        ({ isDouble, value }) => isDouble && /[&<>'"]/.test(textOf(value)),
      );
      if (doubled.length > 0)
        return doubled.map(
          ({ whole, name }) =>
            `${whole}: two braces write text for HTML, so a quote becomes &quot;. Use three: ` +
            `{{{${name}}}}.`,
        );
      const entity = ENTITY.exec(out)?.[0];
      return entity && !ENTITY.test(data)
        ? [
            `“${entity}” comes from double braces in the webhook’s template, which write text ` +
              'for HTML. Use triple braces: {{{…}}}.',
          ]
        : [];
    },
  },
  {
    id: 'unquoted-text',
    severity: 'error',
    where: 'body',
    about: 'templates',
    find: ({ problem, out }) => {
      if (problem?.reason !== 'quotes' || out.startsWith(OBJECT, problem.at - 1)) return [];
      const text = /^[^,}\]\n]{1,40}/.exec(out.slice(problem.at))?.[0].trim() ?? '';
      return [
        `“${quotable(text)}” is text without quotes, which is not JSON. Put quotes around the ` +
          'tag, or publish JSON: the console’s Test sends plain text.',
      ];
    },
  },
  {
    id: 'quote-inside',
    severity: 'error',
    where: 'body',
    about: 'field-json',
    find: ({ problem }) =>
      problem?.reason === 'quote'
        ? [
            `The body is not JSON: a quote in a value ends it too early, at position ${problem.at + 1}. Leave ` +
              'out the quotes around the tag, or send the data in a json object, which escapes it.',
          ]
        : [],
  },
  {
    id: 'comma-left',
    severity: 'error',
    where: 'body',
    about: 'templates',
    find: ({ problem }) =>
      problem?.reason === 'comma'
        ? [
            `A comma is left over after the last item, at position ${problem.at + 1}: a section ` +
              'writes what is in it for every item, and the last one needs no comma.',
          ]
        : [],
  },
  {
    id: 'not-json',
    severity: 'error',
    where: 'body',
    about: 'templates',
    find: ({ problem }) =>
      problem && (problem.reason === 'end' || problem.reason === 'other')
        ? [
            `The body begins like JSON but is none: ${problemWords(problem)}. What is filled into ` +
              'a text is not escaped.',
          ]
        : [],
  },
  {
    id: 'became-string',
    severity: 'note',
    where: 'body',
    about: 'field-json',
    find: ({ json, data, out }) => {
      if (json === undefined || data.length > MAX_COMPARED || out.length > MAX_COMPARED) return [];
      const turned = turnedIntoText(json, parseJson(out));
      return turned === null
        ? []
        : [
            `“${quotable(turned.name)}” is text here and was a ${turned.type} when published: in ` +
              'a json object of the webhook all values become text. A json given as text, or a ' +
              'body, keeps numbers.',
          ];
    },
  },
  {
    id: 'data-size',
    severity: 'note',
    where: 'data',
    about: 'typed-publish',
    find: ({ data, isPlanned }) =>
      isPlanned && bytesOf(data) > 1024
        ? [
            `${bytesOf(data)} bytes of data: before Device OS 6.3 a device publishes at most ` +
              '1024, and cuts the rest.',
          ]
        : [],
  },
];

/**
 * What there is to say about templates and what became of them.
 * @param {Filling} filling @returns {TemplateHint[]}
 */
export const templateHints = (filling) =>
  RULES.flatMap(({ find, ...rule }) =>
    find(filling)
      .slice(0, MAX_PLACES)
      .map((text) => ({ ...rule, text })),
  );

/** @typedef {Parameters<typeof contextsOf>[0]} Published */

/**
 * Templates filled from an event.
 * @param {string[]} templates @param {Published} published
 * @param {(fill: (template: string) => string) => string} write makes the body
 * @returns {Filling & {body: string | null}} `body`: null if it could not be filled
 */
export function fill(templates, published, write) {
  const [data, own] = contextsOf(published);
  const others = Object.fromEntries(OTHER_NAMES.map((name) => [name, `[${name}]`]));
  const read = tagsOf(templates, data, { ...others, ...own });
  const secrets = read.filter((tag) => tag.value === undefined && !isMissing(tag));
  const masked = Object.fromEntries(secrets.map(({ name }) => [name, '[[SENSITIVE]]']));
  const contexts = [data, { ...others, ...masked, ...own }];
  let body = null;
  let error = null;
  try {
    body = write((template) => render(template, contexts));
  } catch (thrown) {
    error = /** @type {Error} */ (thrown).message;
  }
  const filling = fillingOf(templates, published, body ?? '');
  return { ...filling, error, body, isPlanned: true };
}

/**
 * What was sent for an event, with the templates that it was filled from, if they are known.
 * @param {string[]} templates @param {Published} published @param {string} out
 * @returns {Filling}
 */
export function fillingOf(templates, published, out) {
  const data = published.data ?? '';
  const [parsed, own] = contextsOf(published);
  const others = Object.fromEntries(OTHER_NAMES.map((name) => [name, '']));
  const tags = tagsOf(templates, parsed, { ...others, ...own });
  const isData = isLikeJson(data) && !isJson(data) && out.includes(data);
  // What no template begins like JSON need not be any.
  const isMeant =
    isLikeJson(out) && (templates.length === 0 || templates.some((text) => isLikeJson(text)));
  return {
    templates,
    tags,
    data,
    json: isJson(data) ? parsed : undefined,
    names: [...Object.keys(own), ...OTHER_NAMES, ...paths(parsed)],
    out,
    error: null,
    problem: isMeant && !isData && !tags.some(isMissing) ? jsonProblem(out) : null,
    isPlanned: false,
  };
}

/**
 * The templates of a webhook's settings, and the body that they make of an event.
 * @param {Record<string, any>} settings @param {Published} published
 */
export const fillSettings = (settings, published) =>
  fill(templatesOf(settings), published, (filled) => {
    const { json, body, form, query } = settings;
    if (typeof (json ?? body) === 'string') return filled(json ?? body);
    if (json !== undefined) return JSON.stringify(leavesFilled(json, filled));
    return Object.values({ ...form, ...query })
      .map((text) => filled(String(text)))
      .join('\n');
  });

/** All templates in a webhook's settings. @param {Record<string, any>} settings */
export function templatesOf({ url, json, body, form, query, headers, auth }) {
  const open = [auth, headers, query, form, body, json, url];
  /** @type {string[]} */
  const found = [];
  while (open.length > 0 && found.length < MAX_VALUES) {
    const value = open.pop();
    if (typeof value === 'string') found.push(value);
    else if (value && typeof value === 'object') {
      found.push(...Object.keys(value).filter((key) => key.includes('{{')));
      open.push(...Object.values(value).slice(0, MAX_VALUES));
    }
  }
  return found;
}

/**
 * Leaf by leaf, as the cloud fills an object.
 * @param {any} value @param {(text: string) => string} filled @returns {any}
 */
function leavesFilled(value, filled) {
  if (typeof value === 'string') return filled(value);
  if (Array.isArray(value)) return value.map((one) => leavesFilled(one, filled));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [filled(key), leavesFilled(one, filled)]),
  );
}

/**
 * The tags that name a value, outside of sections, where names mean what the item has.
 * @param {string[]} templates @param {unknown} data @param {Record<string, string>} own
 */
function tagsOf(templates, data, own) {
  /** @type {Map<string, Tag>} */
  const found = new Map();
  for (const template of templates) {
    let depth = 0;
    for (const [whole, tripled, kind, doubled] of template.matchAll(TAG)) {
      const name = (tripled ?? doubled).slice(0, 60);
      if (kind === '#' || kind === '^') depth += 1;
      if (kind === '/') depth -= 1;
      if (depth > 0 || '#^/!>'.includes(kind || 'x') || name === '' || name === '.') continue;
      const isDouble = tripled === undefined && kind === '';
      found.set(whole, {
        whole: quotable(whole),
        name,
        isDouble,
        value: valueOf(name, [own, data]),
      });
    }
  }
  return [...found.values()];
}

/** @param {Tag} tag */
const isMissing = ({ name, value }) =>
  value === undefined && (OF_CLOUD.test(name) || !SECRET.test(name));

/** Whether a tag names something that only the data can have. @param {Tag} tag */
const isOfData = ({ name, value }) => value === undefined && !SECRET.test(name);

/** @param {string} name @param {unknown[]} contexts the first is asked first */
function valueOf(name, contexts) {
  const [first, ...rest] = name.split('.');
  for (const context of contexts) {
    let value = member(context, first);
    if (value === undefined) continue;
    for (const key of rest) value = member(value, key);
    return value;
  }
  return undefined;
}

/** @param {any} value @param {string} key */
const member = (value, key) =>
  value !== null && typeof value === 'object' && Object.hasOwn(value, key) ? value[key] : undefined;

/**
 * Names in the data, with dots, as far as anybody would name them.
 * @param {unknown} value @param {string} prefix @param {number} depth @returns {string[]}
 */
function paths(value, prefix = '', depth = 0) {
  if (value === null || typeof value !== 'object' || depth > 3) return [];
  return Object.entries(value)
    .slice(0, 50)
    .flatMap(([key, inner]) => [`${prefix}${key}`, ...paths(inner, `${prefix}${key}.`, depth + 1)]);
}

/**
 * A name that differs in letters' case alone, or ends in the one that was meant.
 * @param {string} name @param {string[]} names
 */
function nearest(name, names) {
  const small = name.toLowerCase();
  const ends = [`.${small}`, `particle_event_${small}`, `particle_${small}`];
  return (
    names.find((one) => one.toLowerCase() === small) ??
    names.find((one) => ends.some((end) => one.toLowerCase().endsWith(end))) ??
    null
  );
}

/**
 * A number or boolean of the data that is text in the body: under its own name at any depth, under
 * any name if it is long enough to be no other's, and anywhere if it is all of the data.
 * @param {unknown} data @param {unknown} body
 */
function turnedIntoText(data, body) {
  const was = scalarsIn(data).filter(({ value }) => /^(?:number|boolean)$/.test(typeof value));
  for (const { name, value: text } of scalarsIn(body)) {
    if (typeof text !== 'string' || text === '') continue;
    const found = was.find(
      ({ name: of, value }) =>
        String(value) === text &&
        (of === ''
          ? name !== 'data'
          : of === name || (typeof value === 'number' && text.length > 2)),
    );
    if (found) return { name: name.slice(0, 64), type: typeof found.value };
  }
  return null;
}

/** Values that hold no others, each with the name that is nearest. @param {unknown} value */
function scalarsIn(value) {
  /** @type {{name: string, value: unknown}[]} */
  const found = [];
  const open = [{ name: '', value }];
  while (open.length > 0 && found.length < MAX_VALUES) {
    const one = /** @type {{name: string, value: unknown}} */ (open.pop());
    if (one.value === null || typeof one.value !== 'object') found.push(one);
    else if (Array.isArray(one.value))
      for (const item of one.value.slice(0, MAX_VALUES).reverse())
        open.push({ ...one, value: item });
    else
      for (const [name, inner] of Object.entries(one.value).slice(0, MAX_VALUES).reverse())
        open.push({ name, value: inner });
  }
  return found;
}

/** @param {string} text */
const isLikeJson = (text) => /^\s*(?:\[|\{(?!\{))/.test(text);

/** @param {Filling} filling */
const isCut = ({ data, json }) =>
  json === undefined && isLikeJson(data) && DATA_LIMITS.includes(bytesOf(data));

/** What is before a place, in words. @param {string} out @param {number} at */
function after(out, at) {
  const name = /"([^"]{1,60})"\s*:\s*$/.exec(out.slice(0, at))?.[1];
  return name === undefined ? `at position ${at + 1}` : `after “${quotable(name)}”`;
}

/** @param {string} text */
const bytesOf = (text) => new TextEncoder().encode(text).length;

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** @param {unknown} value */
const textOf = (value) => (Array.isArray(value) ? value.join() : String(value ?? ''));

// @ts-check
// The mistakes people make in a webhook's template, as rows of one table: for the template box and
// for the log. Pure; loaded when needed. `infra/simulated-cloud/tests/template-hints.json` has
// examples of each, which the rules in Rust, of `render`, are held to as well.

import { parseJson } from '../lib/json-text.js';
import { jsonProblem, problemWords } from '../lib/json-problem.js';
import { ENTITY, byteLength, clip, quotable } from '../lib/text.js';
import { render } from './template.js';
import { contextsOf } from './variables.js';

/**
 * @typedef {import('../lib/json-problem.js').Problem} Problem
 * @typedef {{whole: string, name: string, isDouble: boolean, value: unknown}} Tag with its value;
 *   undefined if nothing has the name. `isDouble`: two braces, where HTML is not meant
 * @typedef {{
 *   templates: string[], tags: Tag[], data: string, json: unknown, names: string[], out: string,
 *   error: string | null, problem: Problem | null, dataProblem: Problem | null,
 *   isDataAtFault: boolean, isPlanned: boolean,
 * }} Filling templates and what became of them. `json`: what the data says; undefined if it is not
 *   JSON. `names`: all that may be named. `out`: the body, or the query. `error`: why it could not
 *   be filled. `problem`: why `out`, which is meant to be JSON, is not. `dataProblem`: why the data
 *   is not. `isDataAtFault`: the body is not JSON because the data is not. `isPlanned`: the data
 *   was not published yet
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
const TAG = /\{\{\{([^{}]*)\}\}\}|\{\{([#^/&!>]?)([^{}]*)\}\}/g;
/** A tag that changes what opens and closes the others. */
const DELIMITERS = '{{=';
/** The start of a text that is, or has in it, HTML or XML, which two braces are meant for. */
const MARKUP = /^\s*<|<\/|\/>/;
const MARKUP_TYPE = /^(?:application|text)\/[\w.+-]*(?:xml|html)/i;
/** A content type, which is a template as any header's value, of something else than JSON. */
const OTHER_TYPE = /^(?:application|text)\/(?!(?:[\w.-]+\+)?json(?![\w.+-]))/i;
const SENSITIVE = '[[SENSITIVE]]';
const OBJECT = '[object Object]';
/** Where versions of Device OS cut the data of an event, in bytes. */
const DATA_LIMITS = [255, 622, 864, 1024];
const MAX_PLACES = 5;
const MAX_COMPARED = 20_000;
const MAX_VALUES = 2_000;
const MAX_DEPTH = 64;

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
            `The data is not JSON and ends after exactly ${byteLength(filling.data)} bytes, where ` +
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
      const { data, dataProblem, tags, isDataAtFault } = filling;
      if (!dataProblem || isCut(filling) || !(isDataAtFault || tags.some(isOfData))) return [];
      if (!isLikeJson(data))
        return ['The data is text and not JSON, so every name in it is empty.'];
      const what = isDataAtFault ? 'and it is a part of the body' : 'so every name in it is empty';
      return [`The data is not JSON (${problemWords(dataProblem)}), ${what}.`];
    },
  },
  {
    id: 'missing-name',
    severity: 'error',
    where: 'template',
    about: 'templates',
    find: ({ dataProblem, tags, names, problem, out }) => {
      const missing = tags.filter(isMissing);
      if (missing.length > 0)
        return dataProblem
          ? []
          : missing.map(
              ({ whole, name }) =>
                `${whole}: the data has no “${name}”, so nothing is written there.` +
                meant(name, names),
            );
      if (problem?.reason !== 'value') return [];
      const empty = tags.flatMap((tag) => {
        const why = emptiness(tag);
        return why === null ? [] : [`${tag.whole}: ${why}, so nothing is written there.`];
      });
      return empty.length > 0
        ? empty
        : [
            `A value is missing ${after(out, problem.at)}: perhaps the template names something ` +
              'that the data does not have, or that is empty.',
          ];
    },
  },
  {
    id: 'secret',
    severity: 'note',
    where: 'template',
    about: 'field-headers',
    find: ({ tags, names, dataProblem }) =>
      tags
        .filter(isUnknownSecret)
        .map(
          ({ whole, name }) =>
            `${whole}: not in the data${dataProblem ? ', which is not JSON' : ''}. It is filled if ` +
            `a cloud secret named ${name} is selected for the webhook; the console’s logs show it ` +
            `as ${SENSITIVE}.${meant(name, names)}`,
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
    id: 'list-as-value',
    severity: 'error',
    where: 'template',
    about: 'templates',
    find: (filling) =>
      listsOf(filling).map(
        ({ whole, name, value }) =>
          `${whole}: “${name}” is a list, which is written as ${quotable(textOf(value))}, without ` +
          `brackets and quotes. Write its items in a section, {{#${name}}}…{{/${name}}}.`,
      ),
  },
  {
    id: 'double-braces',
    severity: 'error',
    where: 'template',
    about: 'templates',
    find: ({ templates, tags, data, out }) => {
      const doubled = tags.filter(
        ({ isDouble, value }) => isDouble && /[&<>'"]/.test(textOf(value)),
      );
      if (doubled.length > 0)
        return doubled.map(
          ({ whole, name }) =>
            `${whole}: two braces write text for HTML, where a quote is &quot; and an apostrophe ` +
            `&#39;. Use three: {{{${name}}}}.`,
        );
      const isOther =
        MARKUP.test(out) ||
        templates.some((text) => MARKUP_TYPE.test(text)) ||
        [data, ...templates].some((text) => ENTITY.test(text));
      const entity = isOther ? undefined : ENTITY.exec(out)?.[0];
      return entity
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
    find: (filling) => {
      const text = unquoted(filling);
      if (text === null) return [];
      const publish = ', or publish JSON: the console’s Test sends plain text';
      return [
        `“${quotable(text)}” is text without quotes, which is not JSON. Put quotes around the ` +
          `tag${filling.json === undefined ? publish : ''}.`,
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
    find: ({ problem, templates }) => {
      if (problem?.reason !== 'comma') return [];
      const inSection = templates.some((text) => text.includes('{{#'))
        ? ': a section writes what is in it for every item, and the last one needs no comma'
        : '';
      const place = `at position ${problem.at + 1}`;
      return [`A comma is left over after the last item, ${place}${inSection}.`];
    },
  },
  {
    id: 'not-json',
    severity: 'error',
    where: 'body',
    about: 'templates',
    find: (filling) => {
      const { problem } = filling;
      const isOther = !problem || ['comma', 'value', 'quote', 'quotes'].includes(problem.reason);
      if (isOther || unquoted(filling) !== null || listsOf(filling).length > 0) return [];
      const advice = ['control', 'escape'].includes(problem.reason)
        ? ' What is filled into a text is not escaped; in a json object it is.'
        : '';
      return [`The body begins like JSON but is not JSON: ${problemWords(problem)}.${advice}`];
    },
  },
  {
    id: 'became-string',
    severity: 'note',
    where: 'body',
    about: 'field-json',
    find: (filling) => {
      const { templates, json, data, out } = filling;
      if (json === undefined || data.length > MAX_COMPARED || out.length > MAX_COMPARED) return [];
      const turned = templates.length > 0 ? turnedLeaves(filling) : turnedIntoText(json, out);
      return turned.map(
        ({ name, type }) =>
          `${name}: text here, and a ${type} when published: in a json object of the webhook all ` +
          'values become text. A json given as text, or a body, keeps numbers.',
      );
    },
  },
  {
    id: 'data-size',
    severity: 'note',
    where: 'data',
    about: 'typed-publish',
    find: ({ data, isPlanned }) =>
      isPlanned && byteLength(data) > 1024
        ? [
            `${byteLength(data)} bytes of data: before Device OS 6.3 a device publishes at most ` +
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
  RULES.flatMap(({ find, ...rule }) => {
    const places = find(filling);
    const more = places.length - MAX_PLACES;
    return places
      .slice(0, MAX_PLACES)
      .map((text, at) => (at === MAX_PLACES - 1 && more > 0 ? `${text} And ${more} more.` : text))
      .map((text) => ({ ...rule, text }));
  });

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
  const secrets = tagsOf(templates, data, { ...others, ...own }).filter(isUnknownSecret);
  const masked = Object.fromEntries(secrets.map(({ name }) => [name, SENSITIVE]));
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
  const dataProblem = data.trim() === '' ? null : jsonProblem(data);
  const problem = problemOf(templates, tags, out);
  // Whether the body were JSON if the data was.
  const isDataAtFault =
    problem !== null &&
    dataProblem !== null &&
    isLikeJson(data) &&
    isOutside(out, out.indexOf(data)) &&
    jsonProblem(out.replaceAll(data, '0')) === null;
  return {
    templates,
    tags,
    data,
    json: dataProblem === null && data.trim() !== '' ? parsed : undefined,
    names: [...Object.keys(own), ...OTHER_NAMES, ...paths(parsed)],
    out,
    error: null,
    problem: isDataAtFault ? null : problem,
    dataProblem,
    isDataAtFault,
    isPlanned: false,
  };
}

/** @param {string[]} templates @param {Tag[]} tags @param {string} out */
function problemOf(templates, tags, out) {
  // What no template begins like JSON need not be any.
  const isMeant =
    isLikeJson(out) &&
    (templates.length === 0 || templates.some(isLikeJson)) &&
    !templates.some((text) => OTHER_TYPE.test(text));
  if (!isMeant || tags.some(isMissing)) return null;
  // A secret may be a number.
  const shown = tags.some(isUnknownSecret)
    ? out.replaceAll(SENSITIVE, '1'.repeat(SENSITIVE.length))
    : out;
  const problem = jsonProblem(shown);
  // JSON texts in sequence, or a text that begins with a word in brackets.
  return problem?.reason === 'more' && !'}],'.includes(out[problem.at]) ? null : problem;
}

/**
 * The templates of a webhook's settings, and the body that they make of an event.
 * @param {Record<string, any>} settings @param {Published} published
 */
export function fillSettings(settings, published) {
  const { json, body, form, query, responseTopic, errorResponseTopic } = settings;
  const response = textsIn(settings.responseTemplate);
  const filling = fill(templatesOf(settings), published, (filled) => {
    for (const text of [responseTopic ?? '', errorResponseTopic ?? '', ...response]) filled(text);
    if (hasBody(settings)) {
      if (typeof (json ?? body) === 'string') return filled(json ?? body);
      if (json !== undefined) return JSON.stringify(leavesFilled(json, filled));
    }
    return Object.values({ ...form, ...query })
      .map((text) => filled(String(text)))
      .join('\n');
  });
  // What is filled from the response may name what is in no event.
  return { ...filling, templates: [...filling.templates, ...response] };
}

/** @param {Record<string, any>} settings */
const hasBody = ({ requestType }) => !/^get$/i.test(String(requestType ?? ''));

/**
 * The templates in a webhook's settings that are filled from the event.
 * @param {Record<string, any>} settings
 */
export function templatesOf(settings) {
  const { url, json, body, form, query, headers, auth } = settings;
  const { responseTopic, errorResponseTopic } = settings;
  const bodies = hasBody(settings) ? [json, body] : [];
  return textsIn([url, ...bodies, form, query, headers, auth, responseTopic, errorResponseTopic]);
}

/** The texts in a value, and the names in it that are templates. @param {unknown} value */
function textsIn(value) {
  const open = [value];
  /** @type {string[]} */
  const found = [];
  while (open.length > 0 && found.length < MAX_VALUES) {
    const one = open.pop();
    if (typeof one === 'string') found.push(one);
    else if (one && typeof one === 'object') {
      found.push(...Object.keys(one).filter((key) => key.includes('{{')));
      open.push(...Object.values(one).slice(0, MAX_VALUES).reverse());
    }
  }
  return found;
}

/**
 * Leaf by leaf, as the cloud fills an object.
 * @param {any} value @param {(text: string) => string} filled @returns {any}
 */
function leavesFilled(value, filled, depth = 0) {
  if (typeof value === 'string') return filled(value);
  if (depth > MAX_DEPTH) throw new Error(`settings are nested more than ${MAX_DEPTH} deep`);
  if (Array.isArray(value)) return value.map((one) => leavesFilled(one, filled, depth + 1));
  if (!isObject(value)) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, one]) => [filled(key), leavesFilled(one, filled, depth + 1)]),
  );
}

/**
 * The tags that name a value, outside of sections, where names mean what the item has.
 * @param {string[]} templates @param {unknown} data @param {Record<string, string>} own
 */
function tagsOf(templates, data, own) {
  /** @type {Map<string, Tag>} */
  const found = new Map();
  const isMarkup = templates.some((text) => MARKUP_TYPE.test(text));
  for (const template of templates) {
    if (template.includes(DELIMITERS)) continue;
    const isHtml = isMarkup || MARKUP.test(template);
    let depth = 0;
    for (const [whole, tripled, kind, doubled] of template.matchAll(TAG)) {
      if (kind === '#' || kind === '^') depth += 1;
      if (kind === '/') depth -= 1;
      if (depth > 0 || '#^/!>'.includes(kind || 'x') || found.size >= MAX_VALUES) continue;
      const isDouble = tripled === undefined && kind === '' && !isHtml;
      if (found.has(whole) && !isDouble) continue;
      const name = (tripled ?? doubled).trim().slice(0, 60);
      if (name === '' || name === '.') continue;
      const value = valueOf(name, [own, data]);
      found.set(whole, { whole: quotable(whole), name, isDouble, value });
    }
  }
  return [...found.values()];
}

/** @param {Tag} tag */
const isMissing = ({ name, value }) =>
  value === undefined && (OF_CLOUD.test(name) || !SECRET.test(name));

/** @param {Tag} tag */
const isUnknownSecret = (tag) => tag.value === undefined && !isMissing(tag);

/** What a tag has in place of a value, if it is there and empty. @param {Tag} tag */
function emptiness({ name, value }) {
  if (value === null) return `“${name}” is null`;
  if (Array.isArray(value) && value.length === 0) return `“${name}” is an empty list`;
  if (value !== '') return null;
  return /_EVENT_VALUE$/.test(name) ? 'the event has no data' : `“${name}” is empty`;
}

/**
 * Whether what is before a place begins JSON, and the place is in no text of it.
 * @param {string} out @param {number} at
 */
const isOutside = (out, at) => at >= 0 && jsonProblem(out.slice(0, at))?.at === at;

/**
 * Whether a text is written where the body stops being JSON, and without quotes around it.
 * @param {Filling} filling @param {string} text
 */
function isBare({ out, problem }, text) {
  if (!problem || text === '') return false;
  const at = out.lastIndexOf(text, problem.at);
  return problem.at <= at + text.length && isOutside(out, at);
}

/** The lists that are written where the body stops being JSON. @param {Filling} filling */
const listsOf = (filling) =>
  filling.tags.filter(({ value }) => Array.isArray(value) && isBare(filling, textOf(value)));

/**
 * The text without quotes at which the body stops being JSON.
 * @param {Filling} filling @returns {string | null}
 */
function unquoted(filling) {
  const { problem, out, tags, data, json } = filling;
  if (!problem || problem.reason === 'value' || listsOf(filling).length > 0) return null;
  const texts = tags.flatMap(({ value }) => (typeof value === 'string' ? [value] : []));
  const whole = [...new Set([...texts, ...(json === undefined ? [data] : [])])]
    .filter((text) => text.trim() !== '' && !isLikeJson(text) && jsonProblem(text) !== null)
    .find((text) => isBare(filling, text));
  if (whole !== undefined) return clip(whole.trim(), 40, 1).text;
  if (problem.reason !== 'quotes' || out.startsWith(OBJECT, problem.at - 1)) return null;
  return /^[^,}\]\n]{1,40}/.exec(out.slice(problem.at, problem.at + 80))?.[0].trim() ?? '';
}

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

/** A question whether another name was meant. @param {string} name @param {string[]} names */
function meant(name, names) {
  const near = nearest(name, names);
  if (near === null) return '';
  return near === name
    ? ` A dot reaches into an object, and “${name}” is one name there.`
    : ` Did you mean ${quotable(near)}?`;
}

/**
 * Tags that are all of a text in a json object and name a number or boolean.
 * @param {Filling} filling
 */
function turnedLeaves({ templates, tags, json, out }) {
  if (templates.some(isLikeJson)) return [];
  const texts = new Set(scalarsIn(parseJson(out)).map(({ value }) => value));
  return tags
    .filter(({ whole }) => templates.includes(whole))
    .map(({ whole, name, value }) => ({
      name: whole,
      value: /_EVENT_VALUE$/.test(name) ? json : value,
    }))
    .filter(({ value }) => isTyped(value) && texts.has(String(value)))
    .map(({ name, value }) => ({ name, type: typeof value }));
}

/** @param {unknown} value */
const isTyped = (value) => typeof value === 'number' || typeof value === 'boolean';

/**
 * The same if no template is known: one under its own name, or anywhere if it is all of the data.
 * @param {unknown} data @param {string} out
 */
function turnedIntoText(data, out) {
  const was = scalarsIn(data).filter(({ value }) => isTyped(value));
  for (const { name, value: text } of scalarsIn(parseJson(out))) {
    const found = was.find(
      ({ name: of, value }) =>
        String(value) === text && (of === '' ? name !== 'data' : name !== '' && of === name),
    );
    if (found) return [{ name: `“${quotable(name.slice(0, 64))}”`, type: typeof found.value }];
  }
  return [];
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
  json === undefined && isLikeJson(data) && DATA_LIMITS.includes(byteLength(data));

/** What is before a place, in words. @param {string} out @param {number} at */
function after(out, at) {
  const name = /"([^"]{1,60})"\s*:\s*$/.exec(out.slice(Math.max(0, at - 200), at))?.[1];
  return name === undefined ? `at position ${at + 1}` : `after “${quotable(name)}”`;
}

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => value !== null && typeof value === 'object' && !Array.isArray(value);

/** @param {unknown} value */
const textOf = (value) => (Array.isArray(value) ? value.join() : String(value ?? ''));

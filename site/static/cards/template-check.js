// @ts-check
// What a webhook's template makes of an event, and the mistakes people make in one. Pure. The
// filling is particle/template.js, which keeps to the same table of cases as the simulated cloud.

import { isJson } from '../lib/json-text.js';
import { render } from '../particle/template.js';

/**
 * @typedef {{where: 'template' | 'data' | 'body', words: string}} Mistake
 * @typedef {{body: string | null, mistakes: Mistake[]}} Checked `body`: null if the template can't
 *   be filled at all
 */

/** The event that the box fills a template from. */
const EVENT = {
  name: 'WebhookTutorial01',
  coreid: 'e00fce681f3c29d4b5a6c7d8',
  published_at: '2026-11-23T11:03:14.102Z',
  id: '0b0d4f5a-6f3c-4a53-9d7e-1f1f6f7a8b9c',
};

/** The names that the cloud gives, besides those of the data. @param {string} data */
const variables = (data) => ({
  PARTICLE_DEVICE_ID: EVENT.coreid,
  PARTICLE_EVENT_NAME: EVENT.name,
  PARTICLE_EVENT_VALUE: data,
  PARTICLE_PUBLISHED_AT: EVENT.published_at,
  PARTICLE_EVENT_ID: EVENT.id,
});

/**
 * A tag, with what opens it and the name in it. Triple braces first, or they would be read as
 * double ones.
 */
const TAG = /\{\{\{\s*([^{}]*?)\s*\}\}\}|\{\{([#^/&!>]?)\s*([^{}]*?)\s*\}\}/g;
const ENTITY = /&(?:quot|amp|lt|gt|#39);/;

/**
 * @param {string} template a `json` given as text, or a `body` @param {string} data of the event
 * @returns {Checked}
 */
export function check(template, data) {
  /** @type {Mistake[]} */
  const mistakes = [];
  let context;
  try {
    context = JSON.parse(data);
  } catch {
    if (data.trim() !== '')
      mistakes.push({
        where: 'data',
        words:
          'The data is not JSON, so no name of yours is found in it; only PARTICLE_EVENT_VALUE ' +
          'has it, whole.',
      });
  }
  const known = variables(data);
  let body;
  try {
    body = render(template, [context ?? null, known]);
  } catch (error) {
    return {
      body: null,
      mistakes: [
        ...mistakes,
        {
          where: 'template',
          words: `It can’t be filled: ${/** @type {Error} */ (error).message}.`,
        },
      ],
    };
  }
  const opened = (template.match(/\{\{/g) ?? []).length;
  const closed = (template.match(/\}\}/g) ?? []).length;
  if (opened > closed)
    mistakes.push({ where: 'template', words: 'A tag is opened by {{ and never closed by }}.' });
  for (const tag of template.matchAll(TAG)) {
    const [whole, tripled, kind, doubled] = tag;
    const name = tripled ?? doubled;
    if (kind === '!' || kind === '/' || kind === '>' || name === '') continue;
    // Inside a section names mean what the element has, which filling knows and this does not.
    if (isInSection(template, tag.index) || kind === '#' || kind === '^') continue;
    const value = valueOf(name, [known, context]);
    if (value === undefined) {
      const near = nearest(name, [...Object.keys(known), ...paths(context)]);
      mistakes.push({
        where: 'template',
        words:
          `${whole}: neither the data nor the cloud has “${name.slice(0, 60)}”, so it ` +
          `becomes nothing.${near ? ` Did you mean ${near}?` : ''}`,
      });
    } else if (
      tripled === undefined &&
      kind === '' &&
      ENTITY.test(render(whole, [context ?? null, known])) &&
      !ENTITY.test(String(value))
    ) {
      mistakes.push({
        where: 'template',
        words:
          `${whole}: two braces write text for HTML, so a quote becomes &quot;. Use ` +
          `three: {{{${name.slice(0, 60)}}}}.`,
      });
    } else if (value !== null && typeof value === 'object' && !Array.isArray(value)) {
      mistakes.push({
        where: 'template',
        words:
          `${whole}: “${name.slice(0, 60)}” is an object, which becomes [object Object]. ` +
          'Name a value inside it.',
      });
    }
  }
  // A template that begins with a tag may be any text.
  if (/^\s*(?:\[|\{(?!\{))/.test(template) && !isJson(body))
    mistakes.push({ where: 'body', words: whyNotJson(body) });
  return { body, mistakes };
}

/** @param {string} template @param {number} at */
function isInSection(template, at) {
  const before = template.slice(0, at);
  return (before.match(/\{\{[#^]/g) ?? []).length > (before.match(/\{\{\//g) ?? []).length;
}

/** @param {string} name @param {unknown[]} contexts */
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
 * @param {unknown} value
 * @param {string} prefix
 * @param {number} depth
 * @returns {string[]}
 */
function paths(value, prefix = '', depth = 0) {
  if (value === null || typeof value !== 'object' || depth > 3) return [];
  return Object.entries(value)
    .slice(0, 50)
    .flatMap(([key, inner]) => [`${prefix}${key}`, ...paths(inner, `${prefix}${key}.`, depth + 1)]);
}

/**
 * A name that differs in letters' case alone, or ends in the one that was meant.
 * @param {string} name
 * @param {string[]} names
 */
function nearest(name, names) {
  const small = name.toLowerCase();
  return (
    names.find((one) => one.toLowerCase() === small) ??
    names.find((one) => one.toLowerCase().endsWith(`.${small}`)) ??
    names.find(
      (one) =>
        one.toLowerCase() === `particle_event_${small}` ||
        one.toLowerCase() === `particle_${small}`,
    ) ??
    null
  );
}

/** @param {string} body */
function whyNotJson(body) {
  if (/[:,]\s*(?=[,}\]])/.test(body))
    return 'The body is not valid JSON: a value is missing, perhaps because a name was not found.';
  if (/"[^"]*"[^\s,:}\]]/.test(body))
    return (
      'The body is not valid JSON: quotes inside a value end it too early. Put the value ' +
      'in without quotes around it, or send the whole data as PARTICLE_EVENT_VALUE in a ' +
      'json object.'
    );
  return 'The body is not valid JSON, so a server that expects JSON refuses it.';
}

// @ts-check
// A webhook's settings by the words of Particle's console, where it has some for them. Pure.

import { DEVICE, NOT_OURS } from './webhook.js';

/** @typedef {import('./webhook.js').Settings} Settings */

/** What the console calls a setting that is a text. @type {[string, string][]} */
const TEXTS = [
  ['event', 'Event name'],
  ['url', 'URL'],
  ['requestType', 'Request type'],
];
const WORDS = new Map([
  ['headers', 'HTTP headers'],
  ['json', 'JSON data'],
  ['form', 'Form fields'],
  ['query', 'Query parameters'],
  ['auth', 'Authentication'],
  ['body', 'Request body'],
  ['responseTopic', 'Response topic'],
  ['errorResponseTopic', 'Error response topic'],
  ['responseTemplate', 'Response template'],
]);

/**
 * The settings that a reader of the console would look for, first those that every webhook has.
 * @param {Settings} settings @returns {[string, string][]}
 */
export function consoleFields(settings) {
  const device = DEVICE.map((name) => settings[name]).find((value) => value && value !== 'mine');
  /** @type {[string, string][]} */
  const first = [
    ...TEXTS.map(([name, word]) => /** @type {[string, string]} */ ([word, text(settings[name])])),
    ['Request format', formatOf(settings)],
    ['Device', device === undefined ? 'Any' : text(device)],
    ['Status', settings.disabled === true ? 'Disabled' : 'Enabled'],
    ['Include default data', settings.noDefaults === true ? 'No' : 'Yes'],
    ['Enforce SSL', settings.rejectUnauthorized === false ? 'No' : 'Yes'],
  ];
  const rest = [...WORDS].flatMap(([name, word]) => {
    const value = settings[name];
    if (value === undefined || value === null || value === '') return [];
    if (typeof value !== 'object') return [/** @type {[string, string]} */ ([word, text(value)])];
    return Object.entries(value).map(
      ([key, one]) => /** @type {[string, string]} */ ([`${word} › ${key}`, text(one)]),
    );
  });
  return [...first, ...rest];
}

/** @param {Settings} settings */
function formatOf({ json, form, body }) {
  if (json) return 'JSON';
  if (form) return 'Web form';
  return body ? 'Custom body' : 'Query parameters';
}

/**
 * Of a webhook as the cloud shows it, what settings make it: no ID, no dates, no counters.
 * @param {Record<string, any>} live @param {Settings} wanted
 * @returns {Settings}
 */
export function settingsOf(live, wanted) {
  const names = [...Object.keys(wanted), ...NOT_OURS, ...DEVICE, 'disabled'];
  const found = names.filter((name) => live[name] !== undefined && live[name] !== null);
  const { event, url } = wanted;
  return { event, url, ...Object.fromEntries(found.map((name) => [name, live[name]])) };
}

/** @param {unknown} value */
const text = (value) => (typeof value === 'string' ? value : (JSON.stringify(value) ?? ''));

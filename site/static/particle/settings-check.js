// @ts-check
// What is wrong with a webhook's settings that a reader has edited as JSON. Pure; loaded late.

import { jsonProblem, problemWords } from '../lib/json-problem.js';
import { parseJson } from '../lib/json-text.js';
import { fillSettings, templateHints } from './template-rules.js';
import { leadingTo } from './webhook.js';

/** @typedef {import('./webhook.js').Settings} Settings */

/** The event that the templates are filled from. */
const EVENT = {
  name: 'WebhookTutorial01',
  coreid: 'e00fce681f3c29d4b5a6c7d8',
  at: Date.parse('2026-11-23T11:03:14.102Z'),
  data: '{"op":"test","id":1}',
};

/**
 * @param {string} text
 * @param {string} hookUrl the reader's
 * @returns {{settings: Settings | null, mistakes: string[], notes: string[]}} `settings`: null if
 *   they can't be saved
 */
export function checkSettings(text, hookUrl) {
  const wrong = (/** @type {string} */ words) => ({ settings: null, mistakes: [words], notes: [] });
  const problem = jsonProblem(text);
  if (problem) return wrong(`This is not JSON: ${problemWords(problem)}.`);
  const settings = parseJson(text);
  if (settings === null || typeof settings !== 'object' || Array.isArray(settings))
    return wrong('The settings of a webhook are a JSON object.');
  if (typeof settings.event !== 'string' || !/^[\x20-\x7e]{1,64}$/.test(settings.event))
    return wrong('“event” has to be a name of 1 to 64 ASCII characters.');
  if (typeof settings.url !== 'string' || leadingTo([settings], hookUrl).length === 0)
    return wrong('“url” has to be your hook URL, or below it: otherwise nothing arrives here.');
  const hints = templateHints(fillSettings(settings, EVENT));
  const by = (/** @type {string} */ severity) =>
    hints.filter((hint) => hint.severity === severity).map((hint) => hint.text);
  return { settings, mistakes: by('error'), notes: by('note') };
}

// @ts-check
// What a webhook's template makes of an event, and the mistakes people make in one. Pure; loaded
// when needed. The filling is particle/template.js, the mistakes are particle/template-rules.js.

import { fill, templateHints } from '../particle/template-rules.js';

/** The event that the box fills a template from. */
const EVENT = {
  name: 'WebhookTutorial01',
  coreid: 'e00fce681f3c29d4b5a6c7d8',
  at: Date.parse('2026-11-23T11:03:14.102Z'),
};

/**
 * @param {string} template a `json` given as text, or a `body` @param {string} data of the event
 * @returns {{body: string | null, hints: import('../particle/template-rules.js').TemplateHint[]}}
 *   `body`: null if the template can't be filled at all
 */
export function check(template, data) {
  const filling = fill([template], { ...EVENT, data }, (filled) => filled(template));
  return { body: filling.body, hints: templateHints(filling) };
}

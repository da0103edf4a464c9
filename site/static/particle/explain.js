// @ts-check
// What a request of Particle tells about the template that it was filled from. Pure; loaded when a
// request comes that is not as the tutorial's webhook sends it.

import { isParticle, originOf } from './origin.js';
import { fillingOf, templateHints, templatesOf } from './template-rules.js';

/**
 * @param {import('./join.js').Trace} trace @param {import('./topics.js').Hook[]} hooks the webhooks
 *   that lead here
 * @returns {import('./hints.js').Hint[]}
 */
export function explain({ delivery, event, name }, hooks) {
  // Whoever sends by hand has no template.
  if (!delivery || (!event && !isParticle(delivery.request))) return [];
  const { body, body_encoding, query, truncated } = delivery.request;
  if (body_encoding !== 'utf-8' || truncated) return [];
  const out = body === '' ? [...new URLSearchParams(query).values()].join('\n') : body;
  const fired = hooks.filter((hook) => name?.startsWith(hook.event));
  const templates = fired.length === 1 ? templatesOf(fired[0]) : [];
  const published = event ?? originOf(delivery);
  return templateHints(fillingOf(templates, published, out));
}

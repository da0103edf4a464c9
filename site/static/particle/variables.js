// @ts-check
// What a webhook's templates are filled from: the event's data, if it is JSON, and these variables.
// Pure. https://docs.particle.io/reference/cloud-apis/webhooks/

import { base64Of } from '../lib/bytes.js';
import { parseJson } from '../lib/json-text.js';

/**
 * @param {{name: string | null, data: string | null, coreid: string | null, at: number | null}}
 *   published an event, as far as it is known
 * @returns {[unknown, Record<string, string>]} the data, and the cloud's names, which are asked
 *   first
 */
export function contextsOf({ name, data, coreid, at }) {
  const [of, value, source] = [name ?? '', data ?? '', coreid ?? ''];
  const published_at = at === null ? '' : new Date(at).toISOString();
  const whole = JSON.stringify({ name: of, data: value, coreid: source, published_at });
  return [
    parseJson(value),
    {
      PARTICLE_DEVICE_ID: source,
      PARTICLE_EVENT_NAME: of,
      PARTICLE_EVENT_VALUE: value,
      PARTICLE_PUBLISHED_AT: published_at,
      PARTICLE_EVENT_JSON: whole,
      PARTICLE_EVENT_BASE64: base64Of(new TextEncoder().encode(whole)),
      SPARK_CORE_ID: source,
      SPARK_EVENT_NAME: of,
      SPARK_EVENT_VALUE: value,
      SPARK_PUBLISHED_AT: published_at,
    },
  ];
}

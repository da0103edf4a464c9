// @ts-check
// How many data operations a round costs, by Particle's published rules. An estimate, and always
// called one. Pure. https://docs.particle.io/getting-started/billing/data-operations/

import { byteLength } from '../lib/text.js';

/** @typedef {import('./join.js').Trace} Trace */

/** A publish counts once for every so many bytes or part of them. */
const BLOCK_BYTES = 1024;

/**
 * @param {Trace} trace
 * @returns {{publish: number, responses: number, total: number, why: string} | null} null if
 *   nothing was published here
 */
export function estimate(trace) {
  const { event } = trace;
  if (!event) return null;
  const byDevice = /^[0-9a-f]{24}$/.test(event.coreid);
  const bytes = bytesOf(event.data ?? '');
  const publish = byDevice ? Math.max(1, Math.ceil(bytes / BLOCK_BYTES)) : 0;
  const answers = [...trace.responses, ...trace.errors];
  // A name with the device's ID goes to that device; one that begins with `api` to none.
  const own = answers.filter(({ source }) => source === event.coreid && byDevice).length;
  const open = answers.filter(({ source }) => source === null).length;
  const why = [
    byDevice
      ? `${publish} for the publish${publish > 1 ? ` of ${bytes} bytes` : ''}`
      : 'none for a publish through the API',
  ];
  if (own > 0) why.push(`${own} for what comes back, if the device subscribes to it`);
  if (open > 0)
    why.push(
      `${open} for each device that subscribes to ${open === 1 ? 'the event' : 'the events'} ` +
        'coming back',
    );
  return {
    publish,
    responses: own,
    total: publish + own,
    why: `${why.join(', ')}. The webhook itself is free.`,
  };
}

/** The size of published data: of a data URL, that of the bytes in it. @param {string} data */
function bytesOf(data) {
  const base64 = /^data:[^,]{1,200};base64,([A-Za-z0-9+/]*)={0,2}$/.exec(data)?.[1];
  return base64 === undefined ? byteLength(data) : Math.floor((base64.length * 3) / 4);
}

/** In a few words, for a row. @param {Trace} trace */
export function estimateLine(trace) {
  const found = estimate(trace);
  return found && `about ${found.total}: ${found.why}`;
}

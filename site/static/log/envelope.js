// @ts-check
// The envelopes that many senders share, by their marks. Pure.

import { stringOf } from '../lib/json-text.js';
import { quotable } from '../lib/text.js';

/**
 * The envelope that a request or a JSON object is in, as a sentence; else empty.
 * @param {[string, string][]} headers of the request
 * @param {{name: string, value: string}[]} list the members of its body
 */
export function envelopeWords(headers, list) {
  const header = (/** @type {string} */ name) => headers.find(([one]) => one === name)?.[1] ?? null;
  const member = (/** @type {string} */ name) =>
    stringOf(list.findLast((one) => one.name === name)?.value ?? '');
  const [version, type] = [header('ce-specversion'), header('ce-type')];
  if (version !== null && type !== null)
    return `CloudEvents ${quotable(version)}, its attributes in headers: type ${quotable(type)}.`;
  const specVersion = member('specversion');
  if (specVersion !== null && member('source') !== null)
    return `CloudEvents ${quotable(specVersion)} envelope: type ${quotable(member('type') ?? '')}.`;
  const topic = member('TopicArn');
  if (topic !== null && member('Type') !== null)
    return `Amazon SNS envelope: ${quotable(member('Type') ?? '')} of ${quotable(topic)}.`;
  return '';
}

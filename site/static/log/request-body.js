// @ts-check
// What is in the body of a request: its exact bytes, and the fields of a JSON object or a form. Pure.

import { members, stringOf } from '../lib/json-text.js';

/** @typedef {import('../lib/api-client.js').Request} Request */

/** The exact bytes, as far as they were kept. @param {Request} request */
export function bodyBytes({ body, body_encoding }) {
  if (body_encoding === 'utf-8') return new TextEncoder().encode(body);
  return Uint8Array.from(atob(body), (character) => character.charCodeAt(0));
}

/** What the body claims to be, without its parameters; empty if it claims nothing. @param {Request} request */
export const contentType = ({ headers }) => (headers.find(([name]) => name === 'content-type')?.[1] ?? '').split(';')[0].trim().slice(0, 80);

/** @param {Request} request */
export const isForm = (request) => contentType(request).toLowerCase() === 'application/x-www-form-urlencoded';

/**
 * The fields, as text; null if there are none to find. Of fields of one name the last counts in JSON and the first in a form,
 * as for the receiver.
 * @param {Request} request @returns {Map<string, string> | null}
 */
export function fieldsOf(request) {
  if (request.body_encoding !== 'utf-8' || request.truncated) return null;
  const list = members(request.body);
  if (list) return new Map(list.map(({ name, value }) => [name, stringOf(value) ?? value]));
  return isForm(request) ? new Map([...new URLSearchParams(request.body)].reverse()) : null;
}

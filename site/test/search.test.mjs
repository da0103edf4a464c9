// A search finds what it says, in every part of a round, and takes strangers' text as text.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { readAddress, writeAddress } from '../static/log/address.js';
import { matching } from '../static/log/matching.js';
import { rounds } from '../static/log/rounds.js';
import { TERMS, searchOf } from '../static/log/search.js';
import { NO_FILTER } from '../static/state.js';
import { delivery } from './particle-world.mjs';

const AT = Date.parse('2026-11-28T09:00:00.000Z');
const one = (seq, more, request = {}) => {
  const made = delivery(seq, { receivedAt: AT + seq * 60_000, body: '{}', ...more });
  Object.assign(made.request, request);
  return made;
};
const LOG = rounds(
  [
    one(1, { body: '{"note":"Needle-4711","farbe":"Gr\\u00fcn"}' }, { path: '/orders/7' }),
    one(2, { status: 404, response: 'no such order' }, { method: 'GET', query: 'page=2' }),
    one(3, { status: 500, headers: [['x-github-delivery', 'abc'], ['user-agent', 'curl/8']] }),
    one(4, { headers: [['x-github-delivery', 'abc']] }, { body: Buffer.from([0xa3, ...Buffer.from('4711')]).toString('base64'), body_encoding: 'base64' }),
    one(5, { type: 'application/x-www-form-urlencoded', body: 'To=%2B14155551234&text=caf%C3%A9+now' }, { path: '/caf%C3%A9' }),
    one(6, { body: JSON.stringify({ event: 'Garden01', coreid: 'e00fce68aaaaaaaaaaaaaaaa', published_at: '2026-11-28T09:06:00Z', data: '{"id":1}' }) }),
  ],
  [],
  { missing: [7], unreadable: [] },
);
const found = (text) => matching(LOG, { ...NO_FILTER, text }, searchOf(text).test).map(({ seq }) => seq);

/** What each search finds. */
const CASES = {
  'needle-4711': [1],
  4711: [1, 4],
  '"no such order"': [2],
  'such nothing': [],
  '"note":"Needle': [1],
  'response:"no such"': [2],
  '-response:"no such" status:404': [],
  'method:get': [2],
  'path:/orders': [1],
  'query:page=2': [2],
  'header:x-github-delivery': [3, 4],
  'header:user-agent=CURL': [3],
  'header:agent': [],
  'body:needle': [1],
  'body:order': [],
  'response:order': [2],
  'status:404': [2],
  'status:4xx': [2],
  'status:400-599': [2, 3],
  'number:2-3': [2, 3],
  'number:#4': [4],
  'device:e00fce68': [6],
  'event:garden': [6],
  'after:2026-11-28T09:03:00Z': [3, 4, 5, 6],
  'before:2026-11-28T09:02:00Z': [1],
  'is:failed': [2, 3],
  'is:again': [4],
  '-is:failed -is:again': [1, 5, 6],
  'status:4xx method:get': [2],
  'status:4xx method:post': [],
  'https://x': [],
  '+14155551234': [5],
  'body:"café now"': [5],
  'path:/café': [5],
  '"Grün"': [1],
  200: [],
  'device:post': [],
  '.*': [],
  '(': [],
  '\\': [1, 6],
  '""': [1, 2, 3, 4, 5, 6],
};

for (const [text, expected] of Object.entries(CASES))
  test(`search: ${text}`, () => assert.deepEqual(found(text), expected));

test('each term has an example that can be searched', () => {
  for (const { name, example } of TERMS) {
    assert.ok(example.startsWith(`${name}:`));
    assert.deepEqual(searchOf(example).problems, []);
  }
});

test('a term that is none is said, and the rest still searched', () => {
  const { problems } = searchOf('status:many needle after:never is:odd');
  assert.deepEqual(problems, [
    'status:many is not valid; an example: status:4xx.',
    'after:never is not valid; an example: after:2026-11-28T09:00.',
    'is:odd is not valid; an example: is:failed.',
  ]);
  assert.deepEqual(found('status:many needle'), [1]);
});

test('the address holds the selected delivery and the search', () => {
  for (const [seq, search] of [[null, ''], [12, ''], [null, 'a b&c=#%"é'], [12, 'status:4xx x']])
    assert.deepEqual(readAddress(writeAddress(seq, search)), { seq, search });
  assert.equal(writeAddress(null, 'needle'), '#log?q=needle');
  for (const hash of ['', '#', '#%', '#100%', '#log?q=%', '#?', '#constructor', '#1234567890123456'])
    assert.equal(readAddress(hash).seq, null);
});

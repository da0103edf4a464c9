import assert from 'node:assert/strict';
import { test } from 'node:test';

import { leaves } from '../static/lib/json-text.js';
import { differences } from '../static/log/compare.js';
import { delivery } from './particle-world.mjs';

const one = (seq, body, more = {}) => delivery(seq, { receivedAt: 0, body, ...more });
const found = (a, b) => differences(a, b).rows.map(({ name, pairs }) => [name, ...pairs.map(([, value]) => value)]);

test('deliveries that say the same differ in nothing', () => {
  assert.deepEqual(found(one(1, '{"a":1,"b":[1,2]}'), one(2, '{ "b": [1, 2],\n "a": 1 }')), []);
});

test('JSON differs by its structure, digit for digit', () => {
  const a = one(1, '{"id":90071992547409931,"list":[{"x":"é"},2],"gone":{},"__proto__":1}');
  const b = one(2, '{"id":90071992547409932,"list":[{"x":"e"},2,3],"__proto__":2}');
  assert.deepEqual(found(a, b), [
    ['body id', '90071992547409931', '90071992547409932'],
    ['body list[0].x', '"é"', '"e"'],
    ['body gone', '{}', '(none)'],
    ['body __proto__', '1', '2'],
    ['body list[2]', '(none)', '3'],
  ]);
});

test('what was added on the way is no difference', () => {
  const [a, b] = ['1', '2'].map((value, i) => one(i + 1, '{}', { headers: [['x-trace', value]] }));
  for (const { request } of [a, b]) request.added = ['x-trace'];
  assert.deepEqual(found(a, b), []);
});

test('headers, status and bodies that are not JSON differ as a whole', () => {
  const a = one(1, 'one', { headers: [['x-a', '1'], ['x-a', '2']] });
  const b = one(2, '{"a":1}', { status: 404, type: 'text/plain' });
  assert.deepEqual(found(a, b), [
    ['status', '200', '404'],
    ['header content-type', 'application/json', 'text/plain'],
    ['header x-a', '1, 2', '(none)'],
    ['body', 'one', '{"a":1}'],
  ]);
});

test('however much a body holds, what is compared is bounded', () => {
  const long = (last) => `[${'1,'.repeat(6_000)}${last}]`;
  assert.deepEqual(differences(one(1, long(1)), one(2, long(2))), { rows: [], isPartial: true });
  const cut = one(3, 'x');
  Object.assign(cut.request, { truncated: true, body_sha256: 'another' });
  assert.equal(differences(cut, one(4, 'x')).isPartial, true);
  assert.equal(leaves(`[${'1,'.repeat(100_000)}1]`, 5_000).size, 5_000);
  assert.deepEqual([...leaves('7', 9)], [['', '7']]);
});

// Bytes that nobody thought of, the same at every run: what reads them gives the same however they are cut, within bounds, and
// never throws where it promises not to.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sseReader } from '../static/particle/sse.js';
import { render } from '../static/particle/template.js';
import { dice } from './particle-world.mjs';

const encoder = new TextEncoder();
const WORDS = ['event', 'data', 'id', ':', ': ', '\n', '\r', '\r\n', '\n\n', '\ufeff', '{"data":"x"}', '😀', 'é', '\u0000', '\u2028', ' ', '__proto__', 'constructor', 'event: a', 'data: b', ':comment'];

function wire(random) {
  const parts = [];
  for (let i = random.below(60); i >= 0; i -= 1) {
    if (random.below(12) === 0) parts.push(Uint8Array.of(random.below(256), random.below(256)));
    else parts.push(encoder.encode(random.pick(WORDS)));
  }
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

function read(bytes, cut) {
  const messages = [];
  const reader = sseReader((message) => messages.push(message));
  let from = 0;
  while (from < bytes.length) {
    const to = Math.min(bytes.length, from + cut());
    reader.push(bytes.subarray(from, to));
    from = to;
  }
  return messages;
}

test('a stream is the same events however its bytes are cut', () => {
  let found = 0;
  for (let seed = 0; seed < 2000; seed += 1) {
    const random = dice(seed);
    const bytes = wire(random);
    const whole = read(bytes, () => bytes.length);
    assert.deepEqual(read(bytes, () => 1), whole, `seed ${seed}, byte by byte`);
    assert.deepEqual(read(bytes, () => 1 + random.below(9)), whole, `seed ${seed}, in pieces`);
    for (const message of whole) {
      assert.deepEqual(Object.keys(message), ['event', 'data']);
      assert.ok(!/[\r\n]/.test(message.event), `seed ${seed}`);
    }
    found += whole.length;
  }
  assert.ok(found > 300, `${found} events`);
});

test('a stream without an end of line, or of one endless event, keeps no more than its bound', () => {
  const messages = [];
  const reader = sseReader((message) => messages.push(message));
  const megabyte = encoder.encode('x'.repeat(1024 * 1024));
  reader.push(encoder.encode('data: '));
  for (let i = 0; i < 20; i += 1) reader.push(megabyte);
  reader.push(encoder.encode('\n\n'));
  const line = encoder.encode(`data: ${'y'.repeat(1000)}\n`);
  for (let i = 0; i < 5000; i += 1) reader.push(line);
  reader.push(encoder.encode('\n\ndata: after\n\n'));
  assert.deepEqual(messages, [{ event: 'message', data: 'after' }]);
});

test('a template of anything is filled or refused, and changes no prototype', () => {
  const pieces = ['{{', '}}', '{{{', '}}}', '{{#', '{{/', '{{^', '{{&', '{{!', '{{=', '=}}', '{{>', 'a', 'b.c', '.', ' ', '\n', '__proto__', 'constructor', 'toString', '<', '&', '"', 'é'];
  const context = { a: 1, b: { c: ['x', { d: null }] }, list: [1, 2], text: '<b>', none: null };
  let filled = 0;
  for (let seed = 0; seed < 5000; seed += 1) {
    const random = dice(seed);
    let template = '';
    for (let i = random.below(14); i >= 0; i -= 1) template += random.pick(pieces);
    try {
      const text = render(template, [context]);
      assert.equal(typeof text, 'string', template);
      assert.ok(!text.includes('[native code]') && !text.includes('function'), `${template} gave ${text}`);
      filled += 1;
    } catch (error) {
      assert.ok(error instanceof Error && !(error instanceof TypeError || error instanceof RangeError), `${template}: ${error}`);
    }
  }
  assert.ok(filled > 500, `${filled}`);
  assert.equal({}.polluted, undefined);
});

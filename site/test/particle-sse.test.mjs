// A stream is read right however its bytes are cut, and what is on it is only text.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { sseReader } from '../static/particle/sse.js';

const encoder = new TextEncoder();
function read(chunks) {
  const messages = [];
  const reader = sseReader((message) => messages.push(message));
  for (const chunk of chunks) reader.push(chunk);
  return messages;
}

const WIRE =
  '\ufeff:ok\n\nevent: WebhookTutorial01\ndata: {"data":"é😀"}\n\n\n: comment\r\nevent:no space\rdata: one\r\ndata:two\ndata\n\nid: 7\nretry: 1\ndata: plain\n\nevent: without data\n\nevent: cut off\ndata: never ended';
const EXPECTED = [
  { event: 'WebhookTutorial01', data: '{"data":"é😀"}' },
  { event: 'no space', data: 'one\ntwo\n' },
  { event: 'message', data: 'plain' },
];

test('every cut of the bytes into two gives the same events', () => {
  const bytes = encoder.encode(WIRE);
  for (let at = 0; at <= bytes.length; at += 1) assert.deepEqual(read([bytes.subarray(0, at), bytes.subarray(at)]), EXPECTED, `cut at ${at}`);
});

test('one byte at a time gives the same events, with any kind of line end', () => {
  for (const end of ['\n', '\r\n', '\r']) {
    const bytes = encoder.encode(WIRE.replace(/\r\n|\r|\n/g, end));
    assert.deepEqual(read([...bytes].map((byte) => Uint8Array.of(byte))), EXPECTED, JSON.stringify(end));
  }
});

test('bytes that are not UTF-8 stand as signs and end nothing', () => {
  const bytes = Uint8Array.of(...encoder.encode('data: '), 0xff, 0xc3, ...encoder.encode('\n\ndata: next\n\n'));
  assert.deepEqual(read([bytes]).map(({ data }) => data), ['\ufffd\ufffd', 'next']);
});

test('what is too long is dropped whole and the next event comes', () => {
  const long = 'x'.repeat(600 * 1024);
  const wire = `event: a\ndata: ${long}${long}\ndata: rest of it\n\nevent: b\ndata: ${long}\ndata: ${long}\ndata: more\n\nevent: c\ndata: fine\n\n`;
  const bytes = encoder.encode(wire);
  const chunks = [];
  for (let at = 0; at < bytes.length; at += 65_536) chunks.push(bytes.subarray(at, at + 65_536));
  assert.deepEqual(read(chunks), [{ event: 'c', data: 'fine' }]);
});

test('names that objects have by birth are only names', () => {
  assert.deepEqual(read([encoder.encode('__proto__: x\nconstructor: y\ndata: z\n\n')]), [{ event: 'message', data: 'z' }]);
});

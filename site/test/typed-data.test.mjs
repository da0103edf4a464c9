// Data with a type is shown as what it is: a picture, bytes, buffers by their names.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { rounds } from '../static/log/rounds.js';
import { typedRows } from '../static/log/typed-data.js';
import { estimate } from '../static/particle/data-operations.js';
import { DEVICES, delivery } from './particle-world.mjs';

const PNG = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
const GAPS = { missing: [], unreadable: [] };
const text = (name, value, copy = value) => ({ name, kind: 'text', value, copy });
const trigger = (data) => ({ id: 'e', name: 'WebhookTutorial01', data, published_at: '2026-11-23T11:03:14.102Z', at: Date.parse('2026-11-23T11:03:14.102Z'), coreid: DEVICES[0], seen: 5, nth: 0, guesses: [] });

test('a data URL is a picture, text or bytes, by its type and what is in it', () => {
  const of = (url) => typedRows([text('data', url)]).map(({ name, kind, remark, value, copy }) => ({ name, kind, remark, value, isExact: copy === url }));
  assert.deepEqual(of(`data:image/png;base64,${PNG}`), [{ name: 'data', kind: 'image', remark: 'PNG picture, 1 × 1, 70 bytes; data URL of image/png', value: '', isExact: true }]);
  const [bytes] = of('data:application/octet-stream;base64,pyKYHEAbm4A=');
  assert.deepEqual([bytes.kind, bytes.remark, bytes.isExact], ['hex', 'data URL of application/octet-stream, 8 bytes', true]);
  assert.match(bytes.value, /a7 22 98 1c/);
  assert.equal(of('data:application/octet-stream;base64,QUJD')[0].kind, 'hex', 'bytes that look like text are bytes');
  assert.deepEqual([of('data:text/plain;charset=utf-8;base64,w6k=')[0].kind, of('data:text/plain;charset=utf-8;base64,w6k=')[0].value], ['text', 'é']);
  assert.equal(of('data:image/png;base64,QUJD')[0].kind, 'hex', 'what says that it is a picture and is none');
  for (const none of ['data:image/png;base64,***', 'data:text/html,<script>', 'see data:image/png;base64,QUJD', 'plain']) assert.deepEqual(of(none).map(({ kind, value }) => [kind, value]), [['text', none]]);
});

test('buffers within JSON are named, with their sizes', () => {
  const json = '{"a":1234,"b":{"_type":"buffer","_data":"ncrk3+mvVzOLV1XWflF3HA=="},"list":[{"_type":"buffer","_data":""},{"_type":"buffer","_data":7}]}';
  assert.deepEqual(typedRows([text('data', json)]).map(({ name, kind, remark }) => [name, kind, remark]), [['data', 'text', undefined], ['data.b', 'hex', 'buffer, 16 bytes'], ['data.list.0', 'hex', 'buffer, 0 bytes']]);
  const [alone] = typedRows([text('b', '{"_type":"buffer","_data":"AAE="}')]);
  assert.deepEqual([alone.kind, [...alone.bytes()]], ['hex', [0, 1]]);
  assert.ok(typedRows([text('data', JSON.stringify(Array.from({ length: 5_000 }, () => ({ _type: 'buffer', _data: 'AAE=' }))))]).length < 40);
});

test('event and parsed data are read as what they are, and other data is left alone', async () => {
  const data = `data:image/png;base64,${PNG}`;
  const e = trigger(data);
  const one = delivery(1, { receivedAt: e.at + 30, body: JSON.stringify({ event: e.name, data, coreid: e.coreid, published_at: e.published_at }) });
  const [round] = rounds([one], [e], GAPS);
  for (const kind of ['device', 'parsed']) {
    const { rows } = await round.blocks.find((block) => block.kind === kind).read();
    assert.equal(rows.find(({ name }) => name === 'data').kind, 'image', kind);
  }
  const [plain] = rounds([], [trigger('{"t":1}')], GAPS);
  assert.equal(plain.blocks[0].read, undefined);
});

test('rows that come of typed data shift those that are read later', async () => {
  const members = Array.from({ length: 150 }, (_, i) => `"m${i}":${i === 0 ? '{"x":{"_type":"buffer","_data":"AAE="}}' : i}`).join(',');
  const [round] = rounds([delivery(1, { receivedAt: 0, body: `{${members}}` })], [], GAPS);
  const { rows, more } = await round.blocks[1].read();
  assert.equal(rows.length, 101);
  assert.equal(more.rows(101, 102)[0].name, 'm100');
});

test('a publish counts once for every 1024 bytes or part of them, of bytes and not of their base64', () => {
  const cost = (data) => estimate({ event: trigger(data), responses: [], errors: [] }).publish;
  const url = (count) => `data:application/octet-stream;base64,${Buffer.alloc(count).toString('base64')}`;
  assert.deepEqual([cost(url(1024)), cost(url(1025)), cost('x'.repeat(1024)), cost('x'.repeat(1025)), cost(url(16_384)), cost('')], [1, 2, 1, 2, 16, 1]);
});

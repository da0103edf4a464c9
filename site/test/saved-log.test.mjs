// A file that was saved from a log is shown again as it was, and a hostile one does no harm.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { logFile } from '../static/log/export-file.js';
import { rounds } from '../static/log/rounds.js';
import { masked, readLogFile } from '../static/log/saved-log.js';
import { EMPTY_LOG } from '../static/state.js';
import { delivery, world } from './particle-world.mjs';

const held = (more) => ({ endpoint: 'b7nihh2yefj2lxoxyqgcjpq6pi', hookUrl: '', masked: false, log: EMPTY_LOG, events: [], quiet: [], now: new Date(), ...more });

test('a saved log is read back with the same rounds', () => {
  const { deliveries, events } = world(5, { count: 20 });
  const log = { ...EMPTY_LOG, deliveries, missing: [900], lastSeq: 900 };
  const saved = readLogFile(logFile('json', held({ log, events })).parts[0]);
  assert.equal(saved.leftOut, 0);
  assert.deepEqual(saved.log.deliveries, deliveries);
  assert.deepEqual(saved.log.missing, [900]);
  const shown = (of, heard) => rounds(of, heard, EMPTY_LOG).map(({ seq, status, blocks }) => [seq, status, blocks.map(({ kind }) => kind)]);
  assert.deepEqual(shown(saved.log.deliveries, saved.events), shown(deliveries, events));
  const lines = readLogFile(logFile('ndjson', held({ log })).parts.join(''));
  assert.deepEqual([lines.log.deliveries, lines.leftOut], [deliveries, 0]);
});

test('what has not the form of a delivery or event is left out', () => {
  const good = delivery(3, { receivedAt: 0, body: '{}' });
  const broken = (change) => {
    const copy = structuredClone(good);
    change(copy);
    return copy;
  };
  const bad = [
    null, 7, {}, [], broken((one) => (one.seq = '3')), broken((one) => (one.received_at = 'x')), broken((one) => (one.request.headers = [['a']])),
    broken((one) => (one.request.headers = { length: 1e9 })), broken((one) => (one.request.body = { toString: 'x' })), broken((one) => (one.request.added = 'x')),
    broken((one) => Object.assign(one.request, { body: '%', body_encoding: 'base64' })), broken((one) => (one.response.status = -1)), broken((one) => delete one.response),
    broken((one) => (one.request.body_sha256 = {})), broken((one) => (one.response.reply_use = { n: 'x' })),
  ];
  const file = { ...JSON.parse(logFile('json', held({})).parts[0]), deliveries: [...bad, good, good], events: [null, 7, { name: {} }, { name: 'e', data: { a: 1 }, published_at: 'x' }] };
  const { log, events, leftOut } = readLogFile(JSON.stringify(file));
  assert.deepEqual(log.deliveries, [good]);
  assert.deepEqual(events.map(({ name, data }) => [name, data]), [['e', '{"a":1}']]);
  assert.equal(leftOut, bad.length + 1 + 3);
  for (const text of ['', 'x', 'null', '[]', '{"format":"webhook-tutorial/log","version":9}', '{"log":{"version":"1.2"}}']) assert.equal(readLogFile(text), null, text);
});

test('a saved round is masked as a share link masks it', () => {
  const one = delivery(1, { receivedAt: 0, body: '{}', headers: [['Authorization', 'Bearer sécret']] });
  const { request, response } = masked(one, new Set(['content-type']));
  assert.deepEqual(request.headers, [['content-type', 'application/json'], ['Authorization', '•'.repeat(13)]]);
  assert.equal(request.source, '•'.repeat(11));
  assert.deepEqual(response.headers, one.response.headers);
});

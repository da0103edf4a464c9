import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FORMAT, VERSION, logFile } from '../static/log/export-file.js';
import { EMPTY_LOG } from '../static/state.js';
import { world } from './particle-world.mjs';

test('the file holds everything that the reader holds, as it came', () => {
  const { deliveries, events } = world(3, { count: 5 });
  deliveries[0].request.body = Buffer.from([0, 255, 128]).toString('base64');
  deliveries[0].request.body_encoding = 'base64';
  const log = { ...EMPTY_LOG, deliveries, missing: [7], unreadable: [9], firstSeq: 1, lastSeq: 9, older: 'cursor-of-older' };
  const quiet = [{ from: 0, to: 1_000 }, { from: 5_000, to: null }];
  const { name, parts: [text] } = logFile('json', { hookUrl: 'https://h.example/hook/ep', endpoint: 'b7nihh2yefj2lxoxyqgcjpq6pi', masked: true, log, events, quiet, now: new Date(2026, 10, 3, 23, 59) });
  assert.equal(name, 'webhook-log-2026-11-03-b7nihh.json', 'the day is the reader’s');
  const file = JSON.parse(text);
  assert.deepEqual([file.format, file.version, file.header_values_masked, file.older_not_loaded], [FORMAT, VERSION, true, true]);
  assert.deepEqual(file.deliveries, deliveries);
  assert.deepEqual([file.first_seq, file.last_seq, file.missing, file.unreadable], [1, 9, [7], [9]]);
  assert.equal(file.events.length, events.length);
  file.events.forEach((event, i) => {
    const { name: called, data, published_at, coreid, seen, guesses } = events[i];
    assert.deepEqual(event, { name: called, data, published_at, coreid, heard_at: new Date(seen).toISOString(), simulated_guesses: guesses });
  });
  assert.deepEqual(file.not_listening, [{ from: '1970-01-01T00:00:00.000Z', to: '1970-01-01T00:00:01.000Z' }, { from: '1970-01-01T00:00:05.000Z', to: null }]);
  assert.doesNotMatch(text, /cursor|own_|read_/, 'where to read on is a matter between page and server');
});

test('as NDJSON each line is a delivery; as HAR each entry has what a network panel shows', () => {
  const { deliveries } = world(3, { count: 5 });
  deliveries[0].request.headers = [['content-type', 'multipart/form-data; boundary=b']];
  Object.assign(deliveries[0].request, { body: 'gA==', body_encoding: 'base64', body_bytes: 1, query: 'a=1&a=%20' });
  const held = { endpoint: 'b7nihh2yefj2lxoxyqgcjpq6pi', hookUrl: 'https://h.example/hook/ep', masked: false, log: { ...EMPTY_LOG, deliveries }, events: [], quiet: [], now: new Date(2026, 10, 3) };
  const lines = logFile('ndjson', held);
  assert.match(lines.name, /\.ndjson$/);
  assert.deepEqual(lines.parts.map((line) => JSON.parse(line)), deliveries);
  const { log } = JSON.parse(logFile('har', held).parts[0]);
  assert.deepEqual([log.version, log.entries.length], ['1.2', deliveries.length]);
  const [{ startedDateTime, request, response, timings, cache }] = log.entries;
  assert.equal(startedDateTime, deliveries[0].received_at);
  assert.equal(request.url, 'https://h.example/hook/ep?a=1&a=%20');
  assert.deepEqual(request.queryString, [{ name: 'a', value: '1' }, { name: 'a', value: ' ' }]);
  assert.match(request.postData.comment, /base64/);
  assert.equal(request.postData.mimeType, 'multipart/form-data; boundary=b');
  assert.equal(response.status, deliveries[0].response.status);
  assert.equal(response.content.text, deliveries[0].response.body);
  assert.ok(timings.wait >= 0 && cache && Array.isArray(request.cookies));
});

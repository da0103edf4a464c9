// The serial monitor shows what strangers print as text, repeats nothing and keeps only so much; the controls connect again.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { controls } from '../static/device/controls.js';
import { lineOf, newIn } from '../static/device/serial-lines.js';

test('a line is shown as text, with signs for what can’t be seen, and cut', () => {
  assert.deepEqual(lineOf('0000006480 [app] INFO: <b>hi</b>'), { text: '0000006480 [app] INFO: <b>hi</b>', level: '' });
  assert.equal(lineOf('0000006480 [app] ERROR: x').level, 'error');
  assert.equal(lineOf('0000006480 [comm.ota] WARN: x').level, 'warn');
  assert.equal(lineOf('I print 0000006480 [app] ERROR: myself').level, '');
  assert.equal(lineOf('a\u0000b\u202ec\u001b[31m').text, 'a␀b⟨U+202E⟩c␛[31m');
  assert.equal(lineOf('x'.repeat(100_000)).text.length, 1024);
});

test('lines that a new connection repeats are not shown again', () => {
  for (const [known, repeated, expected] of [
    [[], ['a', 'b'], ['a', 'b']],
    [['a', 'b'], ['a', 'b'], []],
    [['a', 'b', 'c'], ['b', 'c', 'd'], ['d']],
    [['a', 'a'], ['a', 'a', 'a'], ['a']],
    [['a', 'b'], ['x', 'y'], ['x', 'y']],
    [['a', 'b'], [], []],
  ]) assert.deepEqual(newIn(known, repeated), expected);
});

test('a device is watched across lost connections, and its first lines are told apart from new ones', async () => {
  const stop = new AbortController();
  const frame = (event, data) => `event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
  const answers = [
    new Response(`:ok\n\n${frame('serial', { line: 'one' })}${frame('state', { online: true })}${frame('serial', { line: 'two' })}`),
    new Response(JSON.stringify({ error: 'not_found' }), { status: 404 }),
    new Response(`:ok\n\n${frame('serial', { line: 'two' })}${frame('state', { online: false })}`),
  ];
  const asked = [];
  const heard = [];
  const hands = controls({
    api: 'http://127.0.0.1:1', token: 't', wait: (_, signal) => new Promise((resolve) => (signal === stop.signal ? resolve() : signal.addEventListener('abort', resolve))),
    fetch: async (url, { headers }) => {
      asked.push([url, headers.authorization]);
      const answer = answers.shift();
      if (answer) return answer;
      stop.abort();
      throw new TypeError('gone');
    },
  });
  await hands.watch('e00f', {
    signal: stop.signal,
    onFirst: (lines) => heard.push(['first', ...lines]),
    onLine: (line) => heard.push(['line', line]),
    onState: ({ online }) => heard.push(['state', online]),
    onLost: (why) => heard.push(['lost', why.split(/[:;]/)[0]]),
  });
  assert.deepEqual(heard, [
    ['first', 'one'], ['state', true], ['line', 'two'], ['lost', 'The connection to the device’s serial port was lost'],
    ['lost', 'This device is not here'],
    ['first', 'two'], ['state', false], ['lost', 'The connection to the device’s serial port was lost'],
  ]);
  assert.ok(asked.every(([url, auth]) => url === 'http://127.0.0.1:1/simulated/devices/e00f/serial' && auth === 'Bearer t'), 'the token is in no URL');
});

test('what a hand does is one call each, and a refusal is a sentence', async () => {
  const calls = [];
  const answers = [new Response(null, { status: 204 }), new Response(null, { status: 204 }), new Response(null, { status: 204 }), new Response(JSON.stringify({ error_description: 'the simulated device is not attached' }), { status: 409 })];
  const hands = controls({
    api: '', token: 't', wait: async () => {},
    fetch: async (url, { method, body }) => {
      calls.push([method, url, body]);
      const answer = answers.shift();
      if (!answer) throw new TypeError('gone');
      return answer;
    },
  });
  assert.equal(await hands.press('d', 1), null);
  assert.equal(await hands.power('d', 5, null), null);
  assert.equal(await hands.plug('d', false), null);
  assert.equal(await hands.press('d', 1), 'Not done: the simulated device is not attached.');
  assert.match(await hands.press('d', 1), /can’t be reached/);
  assert.deepEqual(calls.slice(0, 3), [
    ['POST', '/simulated/devices/d/button', '{"clicks":1}'],
    ['PUT', '/simulated/devices/d/power', '{"source":5,"battery":null}'],
    ['PUT', '/simulated/devices/d/plug', '{"plugged":false}'],
  ]);
});

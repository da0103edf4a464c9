import assert from 'node:assert/strict';
import { test } from 'node:test';

import { bodyOf, comesBack, costWords, isCounted, isUsual, maxTimes, needsSecret, PRESETS, settingWords, usedUp, usesOf } from '../static/cards/reply-setting.js';

const limits = { max_delay_ms: 30_000 };
const back = (name) => comesBack(PRESETS[name](limits), 'example.org');

test('every choice says what the device gets', () => {
  const kinds = Object.fromEntries(Object.keys(PRESETS).map((name) => [name, back(name).kind]));
  assert.deepEqual(kinds, {
    200: 'response', 400: 'error', 401: 'error', 404: 'error', 500: 'error', 501: 'error', 503: 'error',
    slow: 'error', long: 'response', empty: 'nothing', text: 'response',
  });
});

test('a long answer is cut into parts of 512 bytes, each one data operation', () => {
  const { events, bytes, operations } = back('long');
  assert.ok(bytes > 1024, 'three parts or more');
  assert.equal(operations, Math.ceil(bytes / 512));
  assert.equal(events.length, operations);
  const letters = comesBack({ status: 200, body: 'é'.repeat(512) }, 'x');
  assert.deepEqual([letters.bytes, letters.operations], [1024, 2], 'bytes count, not characters');
  assert.deepEqual(letters.events, ['hook-response …/0: 512 bytes', 'hook-response …/1: 512 bytes']);
  assert.match(costWords(letters), /^3 data operations.*2 for what comes back/);
  assert.match(costWords(back('empty')), /^1 data operation by.*none/);
});

test('an error names the status and the host, a late answer the 20 seconds', () => {
  assert.deepEqual(back('404').events, ['hook-error: error status 404 from example.org']);
  assert.match(back('slow').words, /gives up after 20 s/);
  assert.equal(comesBack({ status: 200, delay_ms: 5_000 }, 'x').kind, 'response');
});

test('the wait is as long as this server allows', () => {
  assert.equal(PRESETS.slow({ max_delay_ms: 30_000 }).delay_ms, 25_000);
  assert.equal(PRESETS.slow({ max_delay_ms: 9_000 }).delay_ms, 9_000);
  assert.equal(maxTimes({ delay_ms: 1 }), 5);
  assert.equal(maxTimes({}), 20);
});

test('the usual answer is nothing to set', () => {
  assert.ok(isUsual(PRESETS[200](limits)));
  for (const name of Object.keys(PRESETS)) if (name !== '200') assert.ok(!isUsual(PRESETS[name](limits)), name);
});

test('bodies', () => {
  assert.equal(bodyOf({ status: 200 }), '{"ok":true,"id":1652008511}');
  assert.equal(bodyOf({ status: 503 }), '{"ok":false,"id":1652008511}');
  assert.equal(bodyOf({ status: 204 }), '');
  assert.equal(bodyOf({ status: 200, body: '{{id}} {{id}}' }), '1652008511 1652008511');
  assert.equal(settingWords({ status: 200, body: 'abc', delay_ms: 1500 }), '200, after 1.5 s, 3 bytes');
});

test('how often it is used says the highest use of this very setting', () => {
  assert.equal(usedUp({}, []), null);
  assert.deepEqual(usedUp({ times: 3, times_left: 3 }, []), { left: 3, of: 3 });
  assert.deepEqual(usedUp({ times: 3, times_left: 3 }, [{ n: 2, of: 3 }, { n: 1, of: 3 }]), { left: 1, of: 3 });
  assert.deepEqual(usedUp({ times: 3, times_left: 1 }, [{ n: 1, of: 3 }]), { left: 1, of: 3 });
  assert.deepEqual(usedUp({ times: 3, times_left: 3 }, [{ n: 5, of: 9 }]), { left: 3, of: 3 });
  assert.deepEqual(usedUp({ times: 1, times_left: 1 }, [{ n: 1, of: 1 }]), { left: 0, of: 1 });
});

test('what used a setting up is named, as far as the page saw it', () => {
  const round = (coreid, isTest = false) => ({ isTest, trace: { event: { coreid } } });
  const by = (found) => usesOf([{ seq: 1, response: {} }, { seq: 2, response: { reply_use: { n: 1, of: 3 } } }], found ? [{ seq: 2, ...found }] : []);
  assert.deepEqual(by(round('e00fce68cccccccccccccccc')), [{ seq: 2, n: 1, of: 3, by: 'an event of your device' }]);
  assert.equal(by(round('api', true))[0].by, 'a press of Test webhook');
  assert.equal(by(round('api'))[0].by, 'an event of the API');
  assert.equal(by({ isTest: false, trace: { event: null } })[0].by, '', 'whatever a request says of itself');
  assert.equal(by(null)[0].by, '');
});

test('only errors and delays need a count, only signed replies a secret', () => {
  assert.deepEqual([200, 204, 299, 300, 404].map((status) => isCounted({ status })), [false, false, false, true, true]);
  assert.equal(isCounted({ status: 200, delay_ms: 1 }), true);
  const body = '{"a":"{{json.a | hmac_sha256_hex}}"}';
  assert.equal(needsSecret({ status: 200, body }), true);
  assert.equal(needsSecret({ status: 200, headers: [['x-reply-a', '{{body|hmac_sha256_base64}}']] }), true);
  assert.equal(needsSecret({ status: 200, body: '{{json.a}} | {{id}}' }), false);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { depth, isJson, members, pretty, stringOf } from '../static/lib/json-text.js';

test('pretty JSON says the same, with every number as it was written', () => {
  const text = '{"n":12345678901234567890,"e":1e400,"z":-0.0,"s":"a\\u0000\\"}{,:","a":[1,[ ],{ }],"n":2}';
  assert.equal(
    pretty(text),
    '{\n  "n": 12345678901234567890,\n  "e": 1e400,\n  "z": -0.0,\n  "s": "a\\u0000\\"}{,:",\n  "a": [\n    1,\n    [],\n    {}\n  ],\n  "n": 2\n}',
  );
});

test('what is indented parses to the same as what came', () => {
  const value = { a: [1, 'x', null, true, { b: [[], {}, '\\"', '{"c":1}'] }], '': {}, d: 'é\u2028' };
  for (const text of [JSON.stringify(value), JSON.stringify(value, null, 7), '[]', '"x"', '7', ' null ', '[[[[]]]]']) {
    assert.deepEqual(JSON.parse(/** @type {string} */ (pretty(text))), JSON.parse(text));
  }
});

test('what is not JSON is not made to look like it', () => {
  for (const text of ['', '{', '{"a":1,}', "{'a':1}", '{"a":1}x', 'NaN', '"', '{"a" 1}']) assert.equal(pretty(text), null, text);
});

test('depth beyond any use counts as not JSON, and costs no time', () => {
  const deep = '['.repeat(10_000) + ']'.repeat(10_000);
  assert.equal(depth(deep), 10_000);
  assert.equal(isJson(deep), false);
  assert.equal(pretty(deep), null);
  assert.equal(members(`{"a":${deep}}`), null);
  assert.ok(pretty('['.repeat(128) + ']'.repeat(128)));
});

test('members keep their order, their text and their repetitions', () => {
  assert.deepEqual(members(' {"a" : [1, {"b":2}] , "c":"d", "a": 1.50, "e\\n":{} } '), [
    { name: 'a', value: '[1, {"b":2}]' },
    { name: 'c', value: '"d"' },
    { name: 'a', value: '1.50' },
    { name: 'e\n', value: '{}' },
  ]);
  assert.deepEqual(members('{}'), []);
  for (const other of ['[1]', '"a"', '1', 'x', '{"a":}']) assert.equal(members(other), null, other);
});

test('a JSON string says what it says', () => {
  assert.equal(stringOf('"{\\"op\\":\\"test\\"}"'), '{"op":"test"}');
  assert.equal(stringOf('12'), null);
});

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { keyFile, nameOf, readKeyFile } from '../static/keys/key-file.js';

const owner = `own_${'a'.repeat(42)}A`;

test('a file of keys reads back, and what is no key or no file is left out', () => {
  const entries = [{ owner, name: 'orders' }, { owner: `own_${'b'.repeat(42)}A`, name: '' }];
  assert.deepEqual(readKeyFile(keyFile(entries)), entries);
  const odd = keyFile([{ owner: 'own_short', name: 'x' }, { owner, name: 7 }, null, entries[0]]);
  assert.deepEqual(readKeyFile(odd), [{ owner, name: '' }, entries[0]]);
  for (const text of ['', 'x', '[]', 'null', '{"format":"webhook-tutorial/keys","version":2,"keys":[]}', '{"format":"x","version":1,"keys":[]}'])
    assert.equal(readKeyFile(text), null, text);
});

test('a name is one line of at most 60 characters', () => {
  assert.equal(nameOf(' a\n\tb '), 'a b');
  assert.equal(nameOf('x'.repeat(100)).length, 60);
  assert.equal(nameOf(undefined), '');
});

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canMakeKeys, isOwnerKey, isShareKey, keyInFragment, keysOfOwner, keysOfShare, makeOwnerKey } from '../static/keys/keys.js';

const OWNER = 'own_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8';
const SHARE = 'read_Mrmc3eyDspIsE95zbgQ1NwgQSfdahhDFUHTUupnwP6w';
const ENDPOINT = 'b7nihh2yefj2lxoxyqgcjpq6pi';

test('an owner key gives the share key and the endpoint of the contract', async () => {
  assert.deepEqual(await keysOfOwner(OWNER, crypto), { owner: OWNER, share: SHARE, endpoint: ENDPOINT });
});

test('a share key gives the endpoint and no way back', async () => {
  assert.deepEqual(await keysOfShare(SHARE, crypto), { owner: null, share: SHARE, endpoint: ENDPOINT });
});

test('every new owner key is one, and another', async () => {
  const keys = new Set(Array.from({ length: 200 }, () => makeOwnerKey(crypto)));
  assert.equal(keys.size, 200);
  for (const key of keys) assert.ok(isOwnerKey(key), key);
  for (const key of [...keys].slice(0, 20)) {
    const { share, endpoint } = await keysOfOwner(key, crypto);
    assert.ok(isShareKey(share), share);
    assert.match(endpoint, /^[a-z2-7]{26}$/);
  }
});

test('a fragment is a key only if it is whole', () => {
  assert.deepEqual(keyInFragment(`#${OWNER}`), { kind: 'own', key: OWNER, search: '' });
  assert.deepEqual(keyInFragment(SHARE), { kind: 'read', key: SHARE, search: '' });
  assert.deepEqual(keyInFragment(`#${SHARE}?q=a+b`), { kind: 'read', key: SHARE, search: 'a b' });
  assert.equal(keyInFragment(`#${OWNER}?q=a`).kind, 'damaged');
  assert.equal(keyInFragment(`#${SHARE}?q=a&utm_source=x`).kind, 'damaged');
  for (const other of ['', '#log', '#12', '#%', `# ${OWNER}`]) assert.equal(keyInFragment(other), null, other);
});

test('a key that is cut or has a tail is damaged', () => {
  for (const key of [OWNER, SHARE]) {
    for (const tail of ['.', '%20', '/', '?x', '&utm_source=x', 'x']) assert.equal(keyInFragment(`#${key}${tail}`).kind, 'damaged', tail);
    for (const end of [4, 5, 20, -1]) assert.equal(keyInFragment(`#${key.slice(0, end === 4 ? key.indexOf('_') + 1 : end)}`).kind, 'damaged', String(end));
    assert.equal(keyInFragment(`#${key.slice(0, -1)}9`).kind, 'damaged');
  }
});

test('without hashing there are no keys', () => {
  assert.equal(canMakeKeys(crypto), true);
  assert.equal(canMakeKeys(undefined), false);
  assert.equal(canMakeKeys(/** @type {any} */ ({ getRandomValues() {} })), false);
});

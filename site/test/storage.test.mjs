import assert from 'node:assert/strict';
import { test } from 'node:test';
import { forgetSecrets, keepSecret, secretOf } from '../static/keys/secrets.js';
import { kept } from '../static/lib/storage.js';

function storage() {
  const held = new Map();
  return { held, getItem: (name) => held.get(name) ?? null, setItem: (name, value) => void held.set(name, value), removeItem: (name) => void held.delete(name) };
}

test('what is kept is there again, until it is kept no longer', () => {
  const place = storage();
  const one = kept(() => place, 'one');
  assert.equal(one.text(), null);
  assert.equal(one.json(), null);
  assert.equal(one.keep('a'), true);
  assert.equal(one.text(), 'a');
  one.keepJson({ a: [1, null] });
  assert.deepEqual(kept(() => place, 'one').json(), { a: [1, null] });
  assert.deepEqual([...place.held.keys()], ['one']);
  assert.equal(one.keep(null), true);
  assert.equal(place.held.size, 0);
});

test('what is no JSON is as if nothing had been kept', () => {
  const place = storage();
  const one = kept(() => place, 'one');
  for (const text of ['', '{', 'undefined']) {
    one.keep(text);
    assert.equal(one.json(), null);
  }
});

test('a browser that refuses to keep anything, or has no room, is no error', () => {
  const refused = kept(() => {
    throw new Error('denied');
  }, 'one');
  assert.equal(refused.text(), null);
  assert.equal(refused.json(), null);
  assert.equal(refused.keep('a'), false);
  assert.equal(refused.keep(null), false);
  const full = { ...storage(), setItem: () => { throw new Error('no room'); } };
  assert.equal(kept(() => full, 'one').keepJson({}), false);
});

test('signing secrets are kept for an endpoint and go with it', () => {
  const place = (globalThis.localStorage = storage());
  keepSecret('one', 'GitHub', 'a');
  keepSecret('one', 'GitHub', 'b');
  keepSecret('two', 'GitHub', 'c');
  assert.deepEqual([secretOf('one', 'GitHub'), secretOf('two', 'GitHub'), secretOf('one', 'Stripe')], ['b', 'c', null]);
  forgetSecrets('one');
  assert.deepEqual([secretOf('one', 'GitHub'), secretOf('two', 'GitHub')], [null, 'c']);
  keepSecret('two', 'GitHub', null);
  assert.equal(place.held.size, 0);
});

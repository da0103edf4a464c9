import assert from 'node:assert/strict';
import { test } from 'node:test';
import { keyRing } from '../static/keys/key-ring.js';

const key = (letter) => `own_${letter.repeat(42)}A`;

function place() {
  const kept = new Map();
  return {
    kept,
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => void kept.set(name, String(value)),
    removeItem: (name) => void kept.delete(name),
  };
}

test('the key before is kept when another is put in use', () => {
  const local = place();
  const ring = keyRing(() => local, place);
  assert.equal(ring.own(), null);
  ring.use(key('a'));
  ring.use(key('b'));
  assert.equal(ring.own(), key('b'));
  assert.deepEqual(ring.others(), [key('a')]);
  ring.use(key('a'));
  assert.equal(ring.own(), key('a'));
  assert.deepEqual(ring.others(), [key('b')]);
});

test('each tab stays with its key, whatever another puts in use', () => {
  const local = place();
  const [one, two, three] = [0, 1, 2].map(() => keyRing(() => local, ((tab) => () => tab)(place())));
  one.use(key('a'));
  two.use(key('b'));
  assert.deepEqual([one.own(), two.own(), three.own()], [key('a'), key('b'), key('b')]);
  assert.deepEqual(one.others(), [key('b')]);
  three.stay();
  one.use(key('c'));
  assert.deepEqual([one.own(), two.own(), three.own()], [key('c'), key('b'), key('b')]);
  two.add(key('d'));
  two.add(key('a'));
  assert.deepEqual(two.others(), [key('c'), key('a'), key('d')]);
  two.drop();
  assert.deepEqual([two.own(), three.own()], [key('c'), key('c')], 'what was dropped is in no tab');
});

test('however many keys were in use, none is dropped silently', () => {
  const local = place();
  const ring = keyRing(() => local, place);
  const keys = Array.from({ length: 30 }, (_, i) => `own_${'k'.repeat(40)}${10 + i}A`);
  for (const one of keys) ring.use(one);
  assert.equal(ring.own(), keys[29]);
  assert.deepEqual(ring.others(), keys.slice(0, 29).reverse());
});

test('a key that is dropped is gone, and the others stay', () => {
  const ring = keyRing(place.bind(null, 0), place);
  const local = place();
  const kept = keyRing(() => local, place);
  kept.use(key('a'));
  kept.use(key('b'));
  kept.drop();
  assert.equal(kept.own(), null);
  assert.deepEqual(kept.others(), [key('a')]);
  assert.equal(ring.own(), null);
});

test('what another program left under our name is not taken for a key', () => {
  const local = place();
  const ring = keyRing(() => local, place);
  local.setItem('webhook-tutorial/own', '<script>');
  local.setItem('webhook-tutorial/other-own', '{"a":1}');
  assert.equal(ring.own(), null);
  assert.deepEqual(ring.others(), []);
});

test('a browser that refuses storage still works until the page is closed, and says so', () => {
  const refused = () => {
    throw new Error('denied');
  };
  const ring = keyRing(refused, refused);
  ring.use(key('a'));
  ring.setRead(`read_${'b'.repeat(42)}A`);
  assert.equal(ring.own(), key('a'));
  assert.equal(ring.read(), `read_${'b'.repeat(42)}A`);
  ring.leaveRead();
  assert.equal(ring.read(), null);
  assert.equal(ring.lasting(), false);
});

// What was heard is kept once, in order and bounded, and the times when nobody listened are known.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { concerns, contentCounter, eventOf, meaningOf } from '../static/particle/event.js';
import { MAX_EVENTS, eventStore } from '../static/particle/event-store.js';
import { cut, joined } from '../static/particle/response-parts.js';
import { dice, world } from './particle-world.mjs';

/** A place that keeps, and forgets when told to. */
function place() {
  const kept = { events: new Map(), spans: [] };
  return {
    kept,
    load: async () => structuredClone({ events: [...kept.events.values()], spans: kept.spans }),
    put: async (events) => events.forEach((event) => kept.events.set(event.id, structuredClone(event))),
    remove: async (ids) => ids.forEach((id) => kept.events.delete(id)),
    putSpans: async (spans) => void (kept.spans = structuredClone(spans)),
    clear: async () => (kept.events.clear(), (kept.spans = [])),
  };
}
const writer = { mayWrite: () => true };

test('in whatever order events are heard, the same ones stand in the same order, also after a reload', async () => {
  const { events } = world(5);
  const die = dice(1);
  const expected = eventStore(place(), writer);
  for (const event of events) expected.add(event);
  for (let turn = 0; turn < 10; turn += 1) {
    const where = place();
    const store = eventStore(where, writer);
    for (const event of die.shuffled([...events, ...events.slice(3, 9)])) store.add(event);
    assert.deepEqual(store.events(), expected.events());
    const again = eventStore(where, writer);
    again.add(events[4]);
    await again.load();
    assert.deepEqual(again.events(), expected.events());
  }
});

test('only the newest thousand are kept, here and in the browser', async () => {
  const where = place();
  const store = eventStore(where, writer);
  const { events } = world(2, { count: 400 });
  for (const event of events) store.add(event);
  assert.ok(events.length > MAX_EVENTS);
  assert.equal(store.events().length, MAX_EVENTS);
  assert.equal(where.kept.events.size, MAX_EVENTS);
  assert.equal(store.events().at(-1).id, [...events].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1)).at(-1).id);
});

test('events with a lot of data are kept as far as they fit, the newest at least', () => {
  const where = place();
  const store = eventStore(where, writer);
  const [event] = world(1).events;
  for (let i = 0; i < 60; i += 1) store.add({ ...event, id: `e${i}`, at: event.at + i, data: 'x'.repeat(100_000) });
  assert.equal(store.events().at(-1).id, 'e59');
  assert.ok(store.events().length < 25);
});

test('a tab that may not write shows all and writes nothing', async () => {
  const where = place();
  const store = eventStore(where, { mayWrite: () => false });
  await store.load();
  for (const event of world(1).events) store.add(event);
  store.alive(1);
  store.silent();
  assert.equal(where.kept.events.size, 0);
  assert.deepEqual(where.kept.spans, []);
});

test('times without a listener are known, across a reload too', async () => {
  const where = place();
  const store = eventStore(where, writer);
  await store.load();
  assert.deepEqual(store.quiet(), [], 'before the first time nothing is said');
  for (const at of [1_000, 2_000, 9_000]) store.alive(at);
  assert.equal(store.since(), 1_000);
  store.silent();
  assert.deepEqual(store.quiet(), [{ from: 9_000, to: null }]);
  const again = eventStore(where, writer);
  again.alive(20_000);
  await again.load();
  again.alive(21_000);
  assert.deepEqual(again.quiet(), [{ from: 9_000, to: 20_000 }]);
  assert.equal(again.since(), 20_000);
  assert.equal(where.kept.spans.length, 2, 'what was kept is not wiped out by what began before it was read');
});

test('a reload in the middle of listening makes no gap over what had been heard', async () => {
  const where = place();
  const store = eventStore(where, writer);
  await store.load();
  store.alive(1_000);
  const [event, next] = world(1).events;
  store.alive(4_000);
  store.add({ ...event, seen: 4_000 });
  assert.deepEqual(where.kept.spans, [{ from: 1_000, to: 1_000 }], 'a span is not written down with every event, and then the page is gone');
  const again = eventStore(where, writer);
  again.alive(9_000);
  again.add({ ...next, seen: 9_500 });
  await again.load();
  assert.deepEqual(again.quiet(), [{ from: 4_000, to: 9_000 }]);
});

test('a tab that comes later and is told since when the first one listens sees no gap', async () => {
  const where = place();
  const first = eventStore(where, writer);
  await first.load();
  first.alive(1_000);
  first.alive(7_000);
  const second = eventStore(where, { mayWrite: () => false });
  second.alive(9_500);
  await second.load();
  second.alive(1_000);
  second.alive(11_000);
  assert.deepEqual(second.quiet(), []);
});

test('clearing forgets events and gaps, here and in the browser', async () => {
  const where = place();
  const store = eventStore(where, writer);
  await store.load();
  for (const event of world(1).events) store.add(event);
  store.alive(1_000);
  store.silent();
  store.alive(5_000);
  store.clear();
  assert.deepEqual([store.events(), store.quiet(), where.kept.events.size], [[], [], 0]);
});

test('what a stranger left in the browser’s store is not taken', async () => {
  const store = eventStore({ ...place(), load: async () => ({ events: [null, 7, {}, { id: 'x', name: 1 }], spans: [null, { from: 5, to: 1 }] }) }, writer);
  await store.load();
  assert.deepEqual([store.events(), store.quiet()], [[], []]);
});

test('a browser that keeps nothing says so, and the events are there all the same', async () => {
  const broken = { load: () => Promise.reject(new Error('no')), put: () => Promise.reject(new Error('no')), remove: async () => {}, putSpans: async () => {}, clear: async () => {} };
  const store = eventStore(broken, writer);
  await store.load();
  store.add(world(1).events[0]);
  await Promise.resolve();
  assert.equal(store.lasting(), false);
  assert.equal(store.events().length, 1);
});

test('names say what an event is about', () => {
  const check = (name, coreid, expected) => assert.deepEqual(Object.values(meaningOf({ name, coreid })), expected, name);
  const id = 'e00fce68ece1d3d21a73dcc9';
  check('hook-sent/E', 'particle-internal', ['sent', null, 'E', null]);
  check('hook-sent/E/0', 'particle-internal', ['sent', null, 'E/0', null]);
  check(`${id}/hook-sent/E/0`, 'particle-internal', ['sent', id, 'E', null]);
  check(`${id}/hook-response/E/12`, 'particle-internal', ['response', id, 'E', 12]);
  check('hook-response/a/b/3', 'particle-internal', ['response', null, 'a/b', 3]);
  check('api/hook-error/E/0', 'particle-internal', ['error', 'api', 'E', 0]);
  check('custom/0', 'particle-internal', ['internal', null, 'custom/0', null]);
  check('hook-response/E/0', id, ['trigger', id, 'hook-response/E/0', null]);
});

test('what is not an event is none, and odd fields become text', () => {
  const read = (json) => eventOf('n', json, { seen: 5, nth: 0, count: contentCounter() });
  for (const json of ['', 'null', '[]', '7', '"x"', '{']) assert.equal(read(json), null, json);
  const odd = read('{"data":{"a":1},"published_at":12,"coreid":null,"simulated_guess":"x"}');
  assert.deepEqual([odd.data, odd.at, odd.coreid, odd.guesses], ['{"a":1}', 5, '', []]);
  assert.equal(concerns({ name: 'MyWEBHOOKtutorial01x' }, 'WebhookTutorial01'), true);
  assert.equal(concerns({ name: 'spark/status' }, 'WebhookTutorial01'), false);
});

test('a body is cut by bytes and put together again, but for a character that was cut', () => {
  assert.deepEqual(cut('x'.repeat(1100)).map(({ length }) => length), [512, 512, 76]);
  assert.deepEqual(cut(''), []);
  const parts = cut('y'.repeat(700)).map((data, part) => ({ event: { id: String(part), data, at: 0, seen: 10 - part, nth: 0 }, part }));
  const whole = joined(parts);
  assert.deepEqual([whole.text.length, whole.missing, whole.complete, whole.reordered], [700, [], true, true]);
  assert.equal(joined([parts[0]]).complete, false);
  assert.deepEqual(joined([parts[1]]).missing, [0]);
});

// Events stay in the browser: in order, each endpoint's apart, and a burst of them in few transactions.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import { eventDatabase } from '../static/particle/event-database.js';

const installed = createRequire(new URL('../../tests/browser/package.json', import.meta.url));
const { IDBFactory, IDBDatabase, IDBKeyRange } = installed('fake-indexeddb');
globalThis.IDBKeyRange = IDBKeyRange;

/** @param {number} n */
const event = (n) => ({ id: `event-${String(n).padStart(3, '0')}`, data: String(n) });
const idsIn = async (place) => (await place.load()).events.map(({ id }) => id);

test('a burst of events is kept in a handful of transactions', async (t) => {
  const begun = t.mock.method(IDBDatabase.prototype, 'transaction');
  const place = eventDatabase(new IDBFactory(), 'one', Date.now);
  await place.putSpans([]);
  await Promise.all(Array.from({ length: 200 }, (_, n) => place.put([event(n)])));
  assert.ok(begun.mock.callCount() <= 5, `${begun.mock.callCount()} transactions`);
  assert.equal((await place.load()).events.length, 200);
});

test('what waits is written in the order in which it came', async () => {
  const factory = new IDBFactory();
  const place = eventDatabase(factory, 'one', Date.now);
  const other = eventDatabase(factory, 'another', Date.now);
  await Promise.all([
    place.put([event(1), event(2)]),
    other.put([event(3)]),
    place.clear(),
    place.put([event(4), event(5)]),
    place.remove([event(4).id]),
  ]);
  assert.deepEqual(await idsIn(place), [event(5).id]);
  assert.deepEqual(await idsIn(other), [event(3).id]);
});

test('a write that fails is reported, and the next one is kept', async () => {
  const place = eventDatabase(new IDBFactory(), 'one', Date.now);
  await assert.rejects(place.put([{ ...event(1), data: () => {} }]));
  await place.put([event(2)]);
  assert.deepEqual(await idsIn(place), [event(2).id]);
});

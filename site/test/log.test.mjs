// What of the log can be decided without a browser: the strip, what is announced, which round can stand in for an example.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { announce } from '../static/log/announcer.js';
import { flush, signal } from '../static/lib/signal.js';
import { places } from '../static/log/strip.js';
import { rounds } from '../static/log/rounds.js';
import { exampleName, ownRound } from '../static/steps/examples.js';
import { eventStore } from '../static/particle/event-store.js';
import { DEVICES, dice, world } from './particle-world.mjs';

const NO_GAPS = { missing: [], unreadable: [] };
const CONTEXT = { prefix: 'WebhookTutorial01', timeZone: 'UTC' };

test('the strip has six places, whatever came and in whatever order', () => {
  const { deliveries, events } = world(11, { count: 30, long: true });
  const list = rounds(deliveries, events, NO_GAPS, CONTEXT);
  for (const round of list) {
    const found = places(round);
    const error = round.blocks.some(({ kind }) => kind === 'error');
    assert.deepEqual(found.map(({ word }) => word), ['Event', 'hook-sent', 'Webhook received', 'Parsed data', 'Webhook response', error ? 'hook-error' : 'hook-response']);
    assert.equal(found[2].isThere, round.blocks.some(({ kind }) => kind === 'received'));
    assert.equal(found[0].isThere, round.blocks.some(({ kind }) => kind === 'api' || kind === 'device'));
  }
  assert.ok(list.some((round) => places(round).every(({ isThere }) => isThere)), 'a whole round fills all');
  assert.ok(list.some((round) => places(round).filter(({ isThere }) => isThere).length === 1), 'an event that triggers nothing fills one');
  assert.deepEqual(places({ blocks: [] }).map(({ isThere }) => isThere), Array(6).fill(false));
});

/** A clock that is moved by hand. */
function byHand() {
  let now = 0;
  let waiting = [];
  return {
    now: () => now,
    later: (act, ms) => waiting.push({ act, at: now + ms }),
    to(time) {
      now = time;
      const due = waiting.filter(({ at }) => at <= now);
      waiting = waiting.filter(({ at }) => at > now);
      due.forEach(({ act }) => act());
    },
  };
}

/** An announcer, and what it says. */
function announcer() {
  const clock = byHand();
  const said = [];
  const arrived = signal(new Set());
  const listed = signal([]);
  const stage = { clock, said, arrived, listed, isMuted: false };
  const round = (n) => ({ key: `k${n}`, seq: n, who: 'kitchen', status: '200', isRemark: false });
  announce({
    arrived: () => arrived.value,
    listed: () => listed.value,
    isMuted: () => stage.isMuted,
    say: (words) => said.push([clock.now(), words]),
    now: clock.now,
    later: clock.later,
  });
  return {
    ...stage,
    mute: (is) => (stage.isMuted = is),
    come(n) {
      listed.value = [...listed.value, round(n)];
      arrived.value = new Set([...arrived.value, `k${n}`]);
      flush();
    },
    list(...numbers) {
      listed.value = numbers.map(round);
      flush();
    },
  };
}

test('one sentence at most every ten seconds, and none while muted', () => {
  const { clock, said, come, mute } = announcer();
  come(1);
  clock.to(1_500);
  come(2);
  come(3);
  clock.to(5_000);
  assert.deepEqual(said, [[1_500, '#1, kitchen: 200.']]);
  clock.to(11_500);
  assert.deepEqual(said[1], [11_500, '2 new rounds, the newest is #3, kitchen: 200.']);
  mute(true);
  come(4);
  clock.to(60_000);
  assert.equal(said.length, 2);
  mute(false);
  come(5);
  clock.to(70_000);
  assert.deepEqual(said[2], [70_000, '#5, kitchen: 200.'], 'what came while muted is not announced afterwards');
});

test('another filter announces no old round as new', () => {
  const { clock, said, come, list } = announcer();
  list(1, 2, 3);
  list(2);
  list(1, 2, 3);
  clock.to(60_000);
  assert.deepEqual(said, []);
  come(4);
  list(1, 2, 3);
  clock.to(70_000);
  assert.deepEqual(said, [], 'a new one that is not listed is not announced either');
});

test('a round stands in for an example only if it is whole, of its kind and beyond doubt', () => {
  let found = 0;
  for (let seed = 1; seed <= 40; seed += 1) {
    const { deliveries, events } = world(seed, { count: 12, spreadMs: [30, 3_000][seed % 2], long: true, lossy: seed % 3 === 0 });
    const list = rounds(deliveries, events, NO_GAPS, CONTEXT);
    for (const [kind, names] of [['test', ['trigger', 'hook-sent', 'received', 'parsed', 'response', 'hook-response']], ['device', ['trigger', 'received']], ['error', ['response', 'hook-error']], ['long', ['hook-response']]]) {
      const round = ownRound(list, kind, names);
      if (!round) continue;
      found += 1;
      assert.ok(names.every((name) => round.blocks.some((block) => exampleName(block) === name)));
      assert.ok(!round.blocks.some(({ note }) => note.includes('Belongs to one of')));
      if (kind === 'test') assert.equal(round.trace.event.coreid, 'api');
      if (kind === 'device') assert.ok(DEVICES.includes(round.trace.event.coreid));
      if (kind === 'error') assert.equal(round.trace.delivery.response.status, 500);
      if (kind === 'long') assert.ok(round.trace.responses.length > 1);
      const later = list.slice(list.indexOf(round) + 1);
      assert.equal(ownRound(later, kind, names), null, 'it is the newest');
    }
  }
  assert.ok(found > 60, String(found));
  assert.equal(ownRound([], 'test', []), null);
});

test('events of one device in one millisecond stand in the same order live and after a reload', async () => {
  for (let seed = 1; seed <= 30; seed += 1) {
    const { deliveries, events } = world(seed, { count: 8, spreadMs: 1 });
    // Every event at the same moment, from the same device.
    const at = events[0].at;
    const same = events.filter(({ coreid }) => coreid !== 'particle-internal').map((event, i) => ({ ...event, id: `${event.id}|${i}`, at, published_at: events[0].published_at, coreid: DEVICES[0] }));
    const rows = new Map();
    const place = {
      load: async () => ({ events: [...rows.values()].map((event) => structuredClone(event)), spans: [] }),
      put: async (list) => list.forEach((event) => rows.set(event.id, structuredClone(event))),
      remove: async (ids) => ids.forEach((id) => rows.delete(id)),
      putSpans: async () => {},
      clear: async () => rows.clear(),
    };
    const order = (store, given) => rounds(given, store.events(), NO_GAPS, CONTEXT).map(({ key, seq }) => `${seq} ${key}`);
    const live = eventStore(place, { mayWrite: () => true });
    await live.load();
    const die = dice(seed);
    for (const event of die.shuffled(same)) {
      live.add(structuredClone(event));
      order(live, deliveries);
    }
    const seen = order(live, deliveries);
    const again = eventStore(place, { mayWrite: () => true });
    await again.load();
    assert.deepEqual(order(again, structuredClone(deliveries)), seen, `seed ${seed}`);
  }
});

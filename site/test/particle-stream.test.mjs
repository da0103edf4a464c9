// Listening goes on by itself, within Particle's limits, and says when it does not listen.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { eventStore } from '../static/particle/event-store.js';
import { oneStream } from '../static/particle/one-stream.js';
import { MAX_CONNECTIONS, SILENCE_MS, backoff, listen } from '../static/particle/stream.js';
import { handClock, settled } from './hand-clock.mjs';

const START = Date.parse('2026-11-23T11:00:00Z');
const encoder = new TextEncoder();
/** A cloud whose streams the test holds in its hands. */
function handCloud(answers = []) {
  const opened = [];
  const fetch = async (url, init) => {
    const next = answers.shift();
    if (next instanceof Error) throw next;
    if (next) return next;
    let controller;
    const body = new ReadableStream({ start: (given) => void (controller = given) });
    init.signal.addEventListener('abort', () => controller.error(init.signal.reason), { once: true });
    opened.push({ url, init, say: (text) => controller.enqueue(encoder.encode(text)), end: () => controller.close() });
    return new Response(body, { status: 200, headers: { 'content-type': 'text/event-stream' } });
  };
  return { fetch, opened };
}
function start(cloud, clock, more = {}) {
  const over = new AbortController();
  const events = [];
  const states = [];
  const ended = listen({ fetch: cloud.fetch, api: 'http://cloud', token: 'secret', clock, signal: over.signal, random: () => 1, onEvent: (event) => events.push(event), onState: (state) => states.push(state), ...more });
  return { over, events, states, ended };
}
const frame = (name, fields) => `event: ${name}\ndata: ${JSON.stringify({ data: null, ttl: 60, published_at: '2026-11-23T11:00:00.000Z', coreid: 'api', ...fields })}\n\n`;

test('the token travels in a header and nowhere else', async () => {
  const [clock, cloud] = [handClock(START), handCloud()];
  const { over, ended } = start(cloud, clock);
  await settled();
  assert.equal(cloud.opened[0].url, 'http://cloud/v1/devices/events');
  assert.deepEqual(cloud.opened[0].init.headers, { authorization: 'Bearer secret' });
  over.abort();
  await ended;
});

test('events come with what was said about them, and two of the same content stay two', async () => {
  const [clock, cloud] = [handClock(START), handCloud()];
  const { over, events, ended } = start(cloud, clock);
  await settled();
  cloud.opened[0].say(`:ok\n\n${frame('a', { data: '1', simulated_guess: ['hook_sent_data', 7] })}${frame('a', { data: '1' })}event: broken\ndata: {\n\n`);
  await settled();
  assert.deepEqual(events.map(({ name, data, guesses }) => [name, data, guesses]), [['a', '1', ['hook_sent_data']], ['a', '1', []]]);
  assert.notEqual(events[0].id, events[1].id);
  over.abort();
  await ended;
});

test('a stream that says nothing for 25 seconds is given up, one that shows a sign of life is not', async () => {
  const [clock, cloud] = [handClock(START), handCloud()];
  const { over, states, ended } = start(cloud, clock);
  await settled();
  for (let i = 0; i < 5; i += 1) {
    await clock.forward(SILENCE_MS - 1_000);
    cloud.opened[0].say('\n');
    await settled();
  }
  assert.deepEqual(states.map(({ kind }) => kind), ['connecting', 'listening']);
  await clock.forward(SILENCE_MS + 1);
  assert.equal(states[2].kind, 'waiting');
  assert.equal(states[2].why, 'nothing was heard any more');
  await clock.forward(2_000);
  assert.equal(states.at(-1).kind, 'listening');
  over.abort();
  await ended;
});

test('a stream that is cut every five seconds never connects more than 20 times in five minutes', async () => {
  const [clock, cloud] = [handClock(START), handCloud()];
  const { over, ended } = start(cloud, clock, { random: () => 0 });
  const at = [];
  let seen = 0;
  for (let i = 0; i < 400; i += 1) {
    await settled();
    if (cloud.opened.length > seen) {
      seen = cloud.opened.length;
      at.push(clock.now());
      cloud.opened[seen - 1].end();
    }
    await clock.next();
  }
  over.abort();
  await ended;
  assert.ok(at.length > 20, `${at.length} connections`);
  for (const [i, time] of at.entries()) assert.ok(i < MAX_CONNECTIONS || time - at[i - MAX_CONNECTIONS] >= 5 * 60_000);
});

test('with events flowing over a stream that is cut every five seconds, each is heard once or lies in a time that is named', async () => {
  const [clock, cloud] = [handClock(START), handCloud()];
  const store = eventStore({ load: async () => ({ events: [], spans: [] }), put: async () => {}, remove: async () => {}, putSpans: async () => {}, clear: async () => {} }, { mayWrite: () => true });
  await store.load();
  const added = [];
  const begin = clock.now();
  const { over, states, ended } = start(cloud, clock, {
    random: () => 0.5,
    onAlive: (at) => store.alive(at),
    onEvent: (event) => (assert.ok(store.add(event), event.name), added.push(event.name)),
  });
  const heard = [];
  const missed = [];
  const openedAt = [];
  let seen = 0;
  let silentSince = null;
  let open = null;
  let wasListening = false;
  for (let second = 0; second < 30 * 60; second += 1) {
    await settled();
    if (cloud.opened.length > seen) {
      seen = cloud.opened.length;
      openedAt.push(clock.now());
      open = { ...cloud.opened[seen - 1], at: clock.now() };
    }
    // The page does this at every change of state.
    const listening = states.at(-1)?.kind === 'listening';
    if (wasListening && !listening) store.silent();
    wasListening = listening;
    const name = `WebhookTutorial01/${second}`;
    if (open && clock.now() - open.at >= 5_000) {
      open.end();
      open = null;
    }
    const published = clock.now();
    if (open) {
      open.say(frame(name, { published_at: new Date(published).toISOString() }));
      heard.push({ name, published });
    } else missed.push({ name, published });
    await settled();
    if (states.at(-1)?.kind !== 'listening' && wasListening) (store.silent(), (wasListening = false));
    silentSince = states.at(-1)?.kind === 'listening' ? null : (silentSince ?? clock.now());
    assert.ok(silentSince === null || clock.now() - silentSince <= 6 * 60_000, 'it tries again before long');
    await clock.forward(1_000);
  }
  over.abort();
  await ended;
  assert.deepEqual(added, heard.map(({ name }) => name));
  assert.equal(store.events().length, heard.length);
  assert.ok(openedAt.length > 30 && heard.length > 150 && missed.length > 200, `${openedAt.length} connections, ${heard.length} heard, ${missed.length} not`);
  for (const [i, time] of openedAt.entries()) assert.ok(i < MAX_CONNECTIONS || time - openedAt[i - MAX_CONNECTIONS] >= 5 * 60_000);
  const quiet = store.quiet().map(({ from, to }) => ({ from, to: to ?? Infinity }));
  assert.ok(quiet.length >= openedAt.length - 1);
  const inQuiet = ({ published }) => quiet.some(({ from, to }) => published >= from && published <= to);
  for (const one of missed) assert.ok(inQuiet(one) || one.published === begin, one.name);
  for (const one of heard) assert.ok(!quiet.some(({ from, to }) => one.published > from && one.published < to), one.name);
});

test('waits grow to a minute and differ from page to page', () => {
  assert.deepEqual([1, 2, 3, 4, 9, 99].map((n) => backoff(n, 1)), [1_000, 2_000, 4_000, 8_000, 60_000, 60_000]);
  assert.equal(backoff(9, 0), 30_000);
});

test('an expired sign-in ends it, too many connections make it wait, HTML is no stream', async () => {
  const [clock, cloud] = [handClock(START), handCloud([
    new TypeError('no network'),
    new Response('{}', { status: 529 }),
    new Response('<html>', { status: 200, headers: { 'content-type': 'text/html' } }),
    new Response('{}', { status: 401 }),
  ])];
  const { states, ended } = start(cloud, clock);
  for (let i = 0; i < 20; i += 1) await clock.next();
  await ended;
  assert.deepEqual(states.filter(({ kind }) => kind !== 'connecting').map(({ kind, why }) => [kind, why]), [
    ['waiting', 'the cloud can’t be reached'],
    ['waiting', 'the cloud says that there are too many connections (529)'],
    ['waiting', 'what answered is no event stream'],
    ['ended', 'the sign-in is no longer valid'],
  ]);
});

/** Locks and channels of one browser, in a few lines. */
function browser() {
  const queue = [];
  const next = () => {
    const first = queue[0];
    if (!first || first.running) return;
    first.running = true;
    Promise.resolve(first.act()).finally(() => (queue.splice(queue.indexOf(first), 1), next()));
  };
  const channels = new Set();
  return {
    locks: {
      request: (_name, { signal }, act) => {
        const one = { act, running: false };
        queue.push(one);
        signal.addEventListener('abort', () => !one.running && queue.splice(queue.indexOf(one), 1), { once: true });
        next();
        return Promise.resolve();
      },
    },
    channel() {
      const own = { onmessage: null, postMessage: (data) => [...channels].forEach((other) => other !== own && other.onmessage?.({ data: structuredClone(data) })) };
      channels.add(own);
      return own;
    },
  };
}

test('of eight tabs one listens, all hear, and when it goes the next one listens', async () => {
  const { locks, channel } = browser();
  const open = new Set();
  let sayToOpen;
  const tabs = Array.from({ length: 8 }, (_, i) => {
    const heard = [];
    const states = [];
    const tab = oneStream({
      name: 'simulated', locks, channel: channel(),
      listen: ({ signal, onEvent, onState }) => {
        open.add(i);
        sayToOpen = onEvent;
        onState({ kind: 'listening', since: 1 });
        return new Promise((resolve) => signal.addEventListener('abort', () => (open.delete(i), resolve()), { once: true }));
      },
      heard: { onEvent: (event) => heard.push(event.id), onState: (state) => states.push(state.kind), onAlive: () => {}, onLead: () => {} },
    });
    return { ...tab, heard, states };
  });
  await settled();
  assert.deepEqual([...open], [0]);
  sayToOpen({ id: 'one' });
  assert.ok(tabs.every(({ heard }) => heard.join() === 'one'));
  assert.ok(tabs.every(({ states }) => states.at(-1) === 'listening'), 'a tab that came later is told how things are');
  tabs[0].stop();
  await settled();
  assert.deepEqual([...open], [1]);
  sayToOpen({ id: 'two' });
  assert.deepEqual(tabs.map(({ heard }) => heard.length), [1, 2, 2, 2, 2, 2, 2, 2]);
  for (const tab of tabs) tab.stop();
  await settled();
  assert.equal(open.size, 0);
});

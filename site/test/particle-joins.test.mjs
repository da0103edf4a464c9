// A request belongs to its event whatever the webhook's template sends of it, and an answer to its round under whatever topic.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { rounds } from '../static/log/rounds.js';
import { byOrder } from '../static/particle/by-order.js';
import { eventFeed } from '../static/particle/event-feed.js';
import * as explain from '../static/particle/explain.js';
import { marksOf } from '../static/particle/origin.js';
import { guess, guessesOf, madeBy, readerOf } from '../static/particle/topics.js';
import { DEVICES, delivery } from './particle-world.mjs';

const NAME = 'WebhookTutorial01';
const LATER = { ...explain, byOrder, readerOf, guessesOf };
const T = Date.parse('2026-11-23T11:03:14.102Z');
const BOT = ['user-agent', 'ParticleBot/1.1 (https://docs.particle.io/webhooks)'];
const form = JSON.parse(readFileSync(new URL('../../infra/particle/webhook.json', import.meta.url), 'utf8'));

let nth = 0;
const event = (name, data, at, coreid) => ({ id: `e${(nth += 1)}`, name, data, published_at: new Date(at).toISOString(), at, coreid, seen: at + 10, nth, guesses: [] });
const publish = (data, at = T, coreid = 'api', name = NAME) => event(name, typeof data === 'string' ? data : JSON.stringify(data), at, coreid);
const cloud = (name, data, at) => event(name, data, at, 'particle-internal');
const sent = (at, name = NAME) => cloud(`hook-sent/${name}`, null, at);
const request = (seq, at, { body = '', query = '', method = 'POST', type = 'application/json', headers = [BOT], response = '{"ok":true}', ...more } = {}) => {
  const one = delivery(seq, { receivedAt: at, body, type, headers, response, ...more });
  Object.assign(one.request, { method, query, body_bytes: Buffer.byteLength(body) });
  if (type === null) one.request.headers = headers;
  return one;
};
const draw = (deliveries, events, context = {}) => {
  const once = rounds(structuredClone(deliveries), structuredClone(events), { missing: [], unreadable: [] }, { prefix: NAME, timeZone: 'UTC', later: LATER, ...context });
  const turned = rounds(structuredClone(deliveries).reverse(), structuredClone(events).reverse(), { missing: [], unreadable: [] }, { prefix: NAME, timeZone: 'UTC', later: LATER, ...context });
  assert.deepEqual(once.map(({ key, status }) => [key, status]), turned.map(({ key, status }) => [key, status]), 'whatever was heard first');
  return once;
};
const kinds = ({ blocks }) => blocks.map(({ kind }) => kind).join(' ');
const notes = ({ blocks }) => blocks.map(({ note }) => note).join(' ');
const WHOLE = (source) => `${source} internal received parsed response internal`;

/** Ways in which a template may send an event. */
const WAYS = {
  'a query': (e) => ({ method: 'GET', type: null, query: new URLSearchParams({ event: e.name, data: e.data, published_at: e.published_at, coreid: e.coreid }).toString() }),
  'a form': (e) => ({ type: 'application/x-www-form-urlencoded', body: new URLSearchParams({ device: e.coreid, when: e.published_at }).toString() }),
  'a body without any of it': () => ({ body: '{"t":21.5}' }),
  'plain text': () => ({ type: 'text/plain', body: 'it is 21.5 degrees' }),
  'no body at all': () => ({ method: 'GET', type: null }),
  'an event that is an object': (e) => ({ body: JSON.stringify({ event: { value: 0, context: { name: e.name } }, coreid: e.coreid, published_at: e.published_at }) }),
  'fields of other names, nested': (e) => ({ body: JSON.stringify({ source: { device: e.coreid }, measured: [{ ts: e.published_at, value: 21.5 }] }) }),
  'a name of one’s own': (e) => ({ body: JSON.stringify({ event: 'temperature', coreid: e.coreid, published_at: e.published_at }) }),
  'headers': (e) => ({ body: '1', headers: [BOT, ['x-device', e.coreid], ['x-published', e.published_at]] }),
  'headers, with a name of the webhook’s own for itself': (e) => ({ body: '1', headers: [['user-agent', 'mine/1'], ['x-published', e.published_at]] }),
  'the whole event in base64': (e) => ({ body: JSON.stringify({ event: Buffer.from(JSON.stringify({ name: e.name, data: e.data, coreid: e.coreid, published_at: e.published_at })).toString('base64') }) }),
};

for (const [name, way] of Object.entries(WAYS)) {
  test(`one round: ${name}`, () => {
    for (const coreid of ['api', DEVICES[0]]) {
      const e = publish({ t: 21.5, id: 4 }, T, coreid);
      const events = [e, sent(T + 9), cloud(`${coreid}/hook-response/${NAME}/0`, '{"ok":true}', T + 60)];
      const drawn = draw([request(1, T + 30, way(e))], events);
      assert.equal(drawn.length, 1, drawn.map(({ who, status }) => `${who}: ${status}`).join());
      assert.equal(kinds(drawn[0]), WHOLE(coreid === 'api' ? 'api' : 'device'));
      assert.equal(drawn[0].status, '200');
      assert.doesNotMatch(notes(drawn[0]), /Belongs to one of/);
    }
  });
}

test('what a GET carries is parsed from its query', () => {
  const e = publish({ t: 21.5, id: 4 });
  const [round] = draw([request(1, T + 30, WAYS['a query'](e))], [e]);
  const parsed = round.blocks.find(({ kind }) => kind === 'parsed');
  assert.deepEqual(parsed.rows.map(({ name, value }) => [name, value]).slice(0, 4), [['t', '21.5'], ['id', '4'], ['event', NAME], ['published_at', e.published_at]]);
  assert.match(parsed.note, /query/);
});

test('requests that name no event go by the values in them, what came back, and their order', () => {
  const a = publish({ t: 21.5 }, T, DEVICES[0]);
  const b = publish({ t: 22.5 }, T + 20, DEVICES[1]);
  const own = (t) => ({ body: `{"t":${t}}` });
  const swapped = draw([request(1, T + 50, own(22.5)), request(2, T + 60, own(21.5))], [a, sent(T + 9), b, sent(T + 29)]);
  assert.deepEqual(swapped.map(({ seq, trace }) => [seq, trace.coreid]), [[1, DEVICES[1]], [2, DEVICES[0]]], 'by values');

  const same = [publish({ t: 1 }, T, DEVICES[0]), publish({ t: 1 }, T + 20, DEVICES[1])];
  const back = [cloud(`${DEVICES[0]}/hook-response/${NAME}/0`, '{"n":2}', T + 90), cloud(`${DEVICES[1]}/hook-response/${NAME}/0`, '{"n":1}', T + 80)];
  const answered = draw([request(1, T + 50, { response: '{"n":1}' }), request(2, T + 60, { response: '{"n":2}' })], [...same, sent(T + 9), sent(T + 29), ...back]);
  assert.deepEqual(answered.map(({ seq, trace }) => [seq, trace.coreid]), [[1, DEVICES[1]], [2, DEVICES[0]]], 'by what came back');

  const later = publish({ t: 1 }, T + 60_000);
  const alone = draw([request(1, T + 30), request(2, T + 60_030)], [publish({ t: 1 }), sent(T + 9), later, sent(T + 60_009)]);
  assert.deepEqual(alone.map(({ seq, trace }) => [seq, trace.at]), [[1, T], [2, T + 60_000]], 'by time');
});

test('where two events are as likely, both are named, and neither is said not to have been received', () => {
  const two = [publish({ t: 1 }, T), publish({ t: 1 }, T + 5)];
  const drawn = draw([request(7, T + 50), request(8, T + 52)], [...two, sent(T + 9), sent(T + 12)]);
  assert.deepEqual(drawn.map(({ seq }) => seq), [7, 8]);
  for (const round of drawn) {
    assert.match(round.blocks[0].note, /Belongs to one of #7, #8/);
    assert.doesNotMatch(round.status, /not received/);
  }
});

test('clocks that are five minutes off keep such requests with their events', () => {
  for (const off of [-300_000, 0, 300_000]) {
    const events = [1, 2, 3].flatMap((n) => [publish({ t: n * 11.5 }, T + n * 7_000, DEVICES[n - 1]), sent(T + n * 7_000 + 9)]);
    const drawn = draw([1, 2, 3].map((n) => request(n, T + n * 7_000 + 40 + off, { body: '{}' })), events);
    assert.deepEqual(drawn.map(({ seq, trace }) => [seq, trace.coreid]), DEVICES.map((id, i) => [i + 1, id]), `${off}`);
  }
});

test('what Particle did not send, or sent for an event that was not heard, joins none', () => {
  const e = publish({ t: 1 });
  const check = (one, more = []) => assert.equal(draw([request(1, T + 30, one)], [e, sent(T + 9), ...more]).length, 2);
  check({ body: '{"t":1}', headers: [['user-agent', 'curl/8']] });
  check({ body: JSON.stringify({ coreid: 'api', published_at: new Date(T - 5_000).toISOString() }) });
  check({ body: JSON.stringify({ coreid: DEVICES[1], published_at: e.published_at }) });
  assert.equal(draw([request(1, T + 90_000)], [e, sent(T + 9)]).length, 2, 'too late');
  const traced = request(1, T + 30, { headers: [['user-agent', 'x'], ['x-amzn-trace-id', `Root=1-5f-${DEVICES[0]}`]] });
  traced.request.added = ['x-amzn-trace-id'];
  assert.deepEqual(marksOf(traced).ids, [], 'headers of the way are not the sender’s');
});

/** A request that names no event but by what its webhook's template put there. */
const OWN = {
  'the time of publishing, and no source': (e) => ({ body: JSON.stringify({ t: 1, published_at: e.published_at }) }),
  'the time of publishing as a form': (e) => ({ type: 'application/x-www-form-urlencoded', body: new URLSearchParams({ event: NAME, published_at: e.published_at }).toString() }),
  'the time of publishing in a query': (e) => ({ method: 'GET', type: null, query: new URLSearchParams({ published_at: e.published_at, again: e.published_at }).toString() }),
  'a time without milliseconds': (e) => ({ body: JSON.stringify({ coreid: e.coreid, published_at: new Date(T - 4_000).toISOString().replace('.102', '') }) }),
  'a time of another zone': (e) => ({ body: JSON.stringify({ coreid: e.coreid, published_at: '2026-11-23T13:03:14.102+02:00' }) }),
  'a time of last year': () => ({ body: '{"coreid":"mydev","published_at":"2025-01-01T00:00:00.000Z"}' }),
  'a time from the data': (e) => ({ body: JSON.stringify({ t: 1, coreid: e.coreid, published_at: JSON.parse(e.data).ts }) }),
  'a source from the data': (e) => ({ body: JSON.stringify({ t: 1, coreid: JSON.parse(e.data).dev }) }),
  'a time and a source from the settings': () => ({ body: JSON.stringify({ coreid: DEVICES[2], published_at: new Date(T - 3_000).toISOString() }) }),
  'a source from the settings, and the time of publishing': (e) => ({ body: JSON.stringify({ coreid: DEVICES[2], published_at: e.published_at }) }),
  'a User-Agent that is filled': () => ({ body: '1', headers: [['user-agent', 'mine/21.5']] }),
};
for (const [name, way] of Object.entries(OWN)) {
  test(`a template’s own values part no round: ${name}`, () => {
    const settings = { event: NAME, headers: { 'User-Agent': 'mine/{{{t}}}' }, json: { coreid: DEVICES[2], published_at: new Date(T - 3_000).toISOString() } };
    for (const coreid of ['api', DEVICES[0]]) {
      const e = publish({ t: 21.5, ts: new Date(T - 2_000).toISOString(), dev: DEVICES[1] }, T, coreid);
      const drawn = draw([request(1, T + 30, way(e))], [e, sent(T + 9)], { hooks: [settings] });
      assert.deepEqual(drawn.map(({ status }) => status), ['200']);
      assert.doesNotMatch(notes(drawn[0]), /Belongs to one of/);
    }
  });
}

test('requests of a burst each have their own time, and no doubt', () => {
  const events = [publish({ t: 1 }, T), publish({ t: 1 }, T + 3)];
  const drawn = draw(events.map((e, i) => request(i + 1, T + 30 + i, OWN['the time of publishing, and no source'](e))), events);
  assert.deepEqual(drawn.map(({ seq, trace }) => [seq, trace.at]), [[1, T], [2, T + 3]]);
  for (const round of drawn) assert.doesNotMatch(notes(round), /Belongs to one of/);
});

test('a filled User-Agent is that of its own event alone', () => {
  const hooks = [{ event: NAME, headers: { 'user-agent': 'mine/{{{t}}}' } }];
  const check = (agent, count) => assert.equal(draw([request(1, T + 30, { body: '1', headers: [['user-agent', agent]] })], [publish({ t: 21.5 }), sent(T + 9)], { hooks }).length, count, agent);
  check('mine/21.5', 1);
  check('mine/22', 2);
  check('curl/8', 2);
});

test('a second request for one event is its repeat if the cloud sent two', () => {
  const e = publish({ t: 1 }, T, DEVICES[0]);
  const two = [request(1, T + 30, { body: '{"t":1}' }), request(2, T + 35, { body: '{"t":1}' })];
  const [first, again] = draw(two, [e, sent(T + 5), sent(T + 6)]);
  assert.equal(first.trace.event.id, e.id);
  assert.match(again.status, /seen before, #1/);
  assert.match(notes(again), /one in the sandbox and one in a product/);
  assert.match(draw(two, [e, sent(T + 5)])[1].status, /^200$/, 'one request was sent, so the other is of something else');
});

test('an event that was skipped is tried again later, and its request still joins it', () => {
  const e = publish({ t: 1 });
  const [round] = draw([request(1, T + 31_000, { body: '{"t":1}' })], [e, cloud(`api/hook-error/${NAME}/0`, 'Sleeping, too many errors, please wait and try again', T + 5), sent(T + 30_010)]);
  assert.equal(round.trace.event.id, e.id);
});

const hook = (more) => ({ ...form, url: 'u', ...more });
/** Topics, and the name that each makes. */
const TOPICS = [
  ['responseTopic', '{{SPARK_CORE_ID}}_sun_time', (id) => `${id}_sun_time/0`],
  ['responseTopic', 'hook-response/{{{PARTICLE_EVENT_NAME}}}/{{{PARTICLE_DEVICE_ID}}}', (id) => `hook-response/${NAME}/${id}/0`],
  ['responseTopic', '{{{PARTICLE_DEVICE_ID}}}/{{{PARTICLE_EVENT_NAME}}}/reply', (id) => `${id}/${NAME}/reply/0`],
  ['responseTopic', 'weather', () => 'weather/0'],
  ['responseTopic', 'to/{{{room}}}/{{{PARTICLE_DEVICE_ID}}}', (id) => `to/kitchen/${id}/0`],
  ['responseTopic', '{{{PARTICLE_DEVICE_ID}}}/got', (id) => `${id}/got`],
  ['errorResponseTopic', 'hook-error/errorClicks_{{SPARK_CORE_ID}}', (id) => `hook-error/errorClicks_${id}/0`],
  ['errorResponseTopic', 'oops', () => 'oops/0'],
  ['responseTopic', '{{{room}}}', () => 'kitchen/0'],
  ['responseTopic', '{{#room}}got_{{room}}{{/room}}', () => 'got_kitchen/0'],
  ['responseTopic', '{{{room}}}-{{{id}}}-{{{room}}}', () => 'kitchen-4-kitchen'],
  ['errorResponseTopic', '{{{room}}}', () => 'kitchen/0'],
];
for (const [field, topic, nameFor] of TOPICS) {
  test(`answers come back under ${topic}`, () => {
    const isError = field === 'errorResponseTopic';
    for (const coreid of ['api', DEVICES[0]]) {
      const e = publish({ id: 4, room: 'kitchen' }, T, coreid);
      const other = publish({ id: 5, room: 'attic' }, T + 3, coreid === 'api' ? DEVICES[0] : 'api');
      const back = cloud(nameFor(coreid), isError ? 'error status 500 from h' : '{"ok":true,"id":4}', T + 60);
      const one = request(1, T + 30, { body: JSON.stringify({ event: NAME, data: e.data, coreid, published_at: e.published_at }), response: '{"ok":true,"id":4}', status: isError ? 500 : 200 });
      const drawn = draw([one], [e, other, sent(T + 9), back], { hooks: [hook({ [field]: topic })] });
      const round = drawn.find(({ seq }) => seq === 1);
      assert.equal(round.blocks.at(-1).rows[0].value, nameFor(coreid), kinds(round));
      assert.equal(round.blocks.at(-1).kind, isError ? 'error' : 'internal');
      assert.equal(round.blocks.at(-1).note.includes('Belongs to one of'), false);
      assert.ok(!drawn.some(({ status }) => status === 'its event was not seen here'));
    }
  });
}

test('errors that have the topic of responses are errors all the same', () => {
  for (const topic of ['both', '{{{room}}}']) {
    const hooks = [hook({ responseTopic: topic, errorResponseTopic: topic })];
    for (const [status, text] of [[404, 'error status 404 from h'], [500, 'getaddrinfo ENOTFOUND h'], [200, '{"ok":true}']]) {
      const e = publish({ room: 'both' });
      const one = request(1, T + 30, { body: JSON.stringify({ event: NAME, data: e.data, coreid: 'api', published_at: e.published_at }), status });
      const [round, ...rest] = draw([one], [e, cloud('both/0', text, T + 60)], { hooks });
      const { trace } = round;
      assert.deepEqual([trace.errors.length, trace.responses.length, rest.length], status === 200 ? [0, 1, 0] : [1, 0, 0], `${topic}: ${text}`);
      if (status !== 200) assert.doesNotMatch(notes(round), /every device/);
    }
  }
});

test('a name that a topic makes of another event’s data, or much later, is not taken', () => {
  const hooks = [hook({ responseTopic: '{{{room}}}' })];
  const e = publish({ room: 'kitchen' });
  for (const other of [cloud('attic/0', 'x', T + 60), cloud('kitchen/0', 'x', T + 200_000), cloud('kitchen/0', 'x', T - 5)])
    assert.equal(draw([], [e, other], { hooks }).filter(({ trace }) => trace.responses.length > 0).length, 0);
  const isMade = madeBy(hooks);
  assert.ok(isMade(cloud('kitchen/1', 'x', T + 60), [e]));
  assert.ok(!isMade(cloud('attic/1', 'x', T + 60), [e]));
  assert.ok(!isMade({ ...cloud('kitchen/1', 'x', T + 60), coreid: 'api' }, [e]), 'anybody may publish the name');
});

test('an unknown topic that holds the event’s name is no riddle either', () => {
  for (const name of [`hook-response/${NAME}/${DEVICES[0]}/0`, `${DEVICES[0]}/${NAME}/reply/0`, `reply_${NAME}/0`]) {
    const e = publish({ id: 4 }, T, DEVICES[0]);
    const [round, ...rest] = draw([], [e, publish({ id: 4 }, T, DEVICES[1], 'Other'), cloud(name, '{}', T + 60)]);
    assert.equal(rest.length, 1, name);
    assert.equal([round, ...rest].find(({ trace }) => trace.event.id === e.id).blocks.at(-1).rows[0].value, name);
  }
  const apart = draw([], [publish({}, T), cloud(`hook-response/${NAME}/kitchen/0`, '{}', T + 60), cloud(`hook-response/${NAME}b/0`, '{}', T + 60), cloud('spark/status', 'x', T + 5)]);
  assert.equal(apart.length, 4, 'a longer name is another event’s');
  assert.equal(guess(cloud('x/0', 'ESOCKETTIMEDOUT', T)).kind, 'error');
});

test('a topic that can’t be read back is not guessed at, and one that takes long to read is not read', () => {
  for (const responseTopic of ['{{{a}}}', '{{#a}}x{{/a}}', '{{{a}}}-{{{b}}}-{{{c}}}', 'x'.repeat(5_000), 7, null]) {
    assert.equal(readerOf([hook({ responseTopic, errorResponseTopic: undefined })])(cloud('x-y-z/0', 'd', T)).isOwnTopic, false);
  }
});

test('a response under its own topic that is not seen is said to be missing', () => {
  const e = publish({ id: 4 });
  const one = request(1, T + 30, { body: JSON.stringify({ event: NAME, data: e.data, coreid: 'api', published_at: e.published_at }) });
  assert.match(notes(draw([one], [e, sent(T + 9)], { hooks: [hook({ responseTopic: 'sun/{{{PARTICLE_DEVICE_ID}}}' })] })[0]), /under “sun\/api”, which was not seen here/);
  const failed = structuredClone(one);
  failed.response.status = 500;
  assert.match(notes(draw([failed], [e, sent(T + 9)], { hooks: [hook({ errorResponseTopic: 'oops/{{{id}}}' })] })[0]), /The hook-error comes under “oops\/4”, which was not seen here/);
});

test('ten thousand requests that name no event are put together without comparing each with each', () => {
  const deliveries = Array.from({ length: 10_000 }, (_, i) => request(i + 1, T + i * 1_000 + 30, { body: '{"t":1}' }));
  const events = Array.from({ length: 400 }, (_, i) => [publish({ t: 1 }, T + (9_000 + i) * 1_000), sent(T + (9_000 + i) * 1_000 + 9)]).flat();
  let work = 0;
  const counted = events.map((one) => new Proxy(one, { get: (target, name) => ((work += 1), target[name]) }));
  const drawn = rounds(deliveries, counted, { missing: [], unreadable: [] }, { prefix: NAME, later: LATER });
  assert.ok(drawn.filter(({ trace }) => trace.event && trace.delivery).length > 350);
  assert.ok(work < 2_000 * events.length, `${Math.round(work / events.length)} looks at each event`);
});

test('nothing that the cloud says follows from what this page sent a moment before', () => {
  const body = JSON.stringify({ event: NAME, data: '{"id":1}', coreid: 'api', published_at: new Date(T - 2_000).toISOString() });
  const own = request(1, T - 1_990, { body, headers: [['x-sent-by', 'this page, as Particle would']] });
  const events = [publish({ id: 2 }), sent(T + 9)];
  const pressed = request(2, T + 20, { body: JSON.stringify({ event: NAME, data: '{"id":2}', coreid: 'api', published_at: new Date(T).toISOString() }) });
  const doubts = ({ seq, trace }) => [seq, ...trace.sents.map(({ ambiguousWith }) => ambiguousWith.length)];
  assert.deepEqual(draw([own, pressed], events).map(doubts), [[1], [2, 0]]);
});

/** What is heard of an account, as another tab says it. */
function heard() {
  globalThis.localStorage = { getItem: () => null, setItem: () => {}, removeItem: () => {} };
  globalThis.indexedDB = undefined;
  Object.defineProperty(globalThis, 'navigator', { value: { locks: { request: () => new Promise(() => {}) } }, configurable: true });
  let reasons = 0;
  const channel = { postMessage: () => {}, onmessage: null };
  const feed = eventFeed({
    event: NAME, fetch: () => new Promise(() => {}), clock: { now: () => 0, wait: () => new Promise(() => {}) }, channel,
    onEvent: () => {}, onReason: () => (reasons += 1), onChange: () => {}, onRefused: () => {},
  });
  feed.keepFor('e');
  feed.follow({ name: 'c|u', api: 'http://x', token: 't' });
  return { feed, hear: (one) => channel.onmessage({ data: { stream: 'c|u', event: one } }), reasons: () => reasons };
}

test('a flash has succeeded when the device is back with it', () => {
  const { feed, hear } = heard();
  const of = (name, data, seen) => hear({ ...cloud(name, data, seen), coreid: 'd' });
  of('spark/status', 'online', T);
  of('spark/flash/status', 'success ', T + 1);
  of('spark/status', 'offline', T + 2);
  assert.equal(feed.facts().flashed, null);
  of('spark/status', 'online', T + 3);
  assert.equal(feed.facts().flashed.coreid, 'd');
  feed.stop();
});

test('events under a webhook’s own topics are kept, also those that were heard before its settings were known', () => {
  const { feed, hear, reasons } = heard();
  const [trigger, early, other, late] = [publish({ room: 'kitchen' }, T, 'api', 'Temp'), cloud('api_sun_time/0', 'x', T + 5), cloud('hook-response/Other/0', 'y', T + 6), cloud('api_sun_time/1', 'z', T + 7)];
  for (const one of [trigger, early, other]) hear(one);
  assert.deepEqual(feed.events(), []);
  const hooks = [hook({ event: 'Temp', responseTopic: '{{SPARK_CORE_ID}}_sun_time', errorResponseTopic: '{{{room}}}' })];
  feed.watch(hooks, readerOf(hooks), madeBy(hooks));
  hear(late);
  const [made, strange] = [cloud('kitchen/0', 'z', T + 8), cloud('attic/0', 'z', T + 9)];
  for (const one of [made, strange]) hear(one);
  assert.deepEqual(feed.events().map(({ id }) => id), [trigger, early, late, made].map(({ id }) => id));
  assert.ok(reasons() > 0);
  feed.stop();
});

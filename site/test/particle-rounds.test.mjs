// Rounds are put together right, in whatever order things are heard and whatever the clocks say.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { eventOf, contentCounter } from '../static/particle/event.js';
import { isSameRound, rounds } from '../static/log/rounds.js';
import { DEVICES, delivery, dice, world } from './particle-world.mjs';

const NO_GAPS = { missing: [], unreadable: [] };
const CONTEXT = { prefix: 'WebhookTutorial01', timeZone: 'UTC' };
const clone = (list) => structuredClone(list);

/** Everything of the picture but times of the two other clocks. */
const picture = (list) =>
  list.map(({ key, seq, who, status, severity, took, blocks }) => ({
    key, seq, who, status, severity, took,
    blocks: blocks.map((block) => ({
      key: block.key, kind: block.kind, title: block.title, seq: block.seq, hop: block.hop, note: block.note,
      rows: block.rows.filter(({ kind }) => kind !== 'time').map(({ name, value, pairs, remark }) => ({ name, value, pairs, remark })),
    })),
  }));
const draw = (deliveries, events, gaps = NO_GAPS) => picture(rounds(clone(deliveries), clone(events), gaps, CONTEXT));

const event = (name, data, at, coreid, more = {}) => ({
  id: `${at}|${coreid}|${name}|${data}|${more.k ?? 0}`, name, data, published_at: new Date(at).toISOString(), at, coreid, seen: at + 10, nth: more.nth ?? 0, guesses: more.guesses ?? [],
});
const T = Date.parse('2026-11-23T11:03:14.102Z');
const trigger = (at, id, coreid = 'api', name = 'WebhookTutorial01') => event(name, JSON.stringify({ op: 'test', id }), at, coreid);
const sent = (at, name = 'WebhookTutorial01', k = 0) => event(`hook-sent/${name}`, null, at, 'particle-internal', { k });
const answer = (at, coreid, data, part = 0, nth = 0) => event(`${coreid}/hook-response/WebhookTutorial01/${part}`, data, at, 'particle-internal', { nth });
const failure = (at, coreid, data) => event(`${coreid}/hook-error/WebhookTutorial01/0`, data, at, 'particle-internal');
const received = (seq, one, more = {}) =>
  delivery(seq, {
    receivedAt: one.at + 30,
    body: JSON.stringify({ event: one.name, data: one.data, coreid: one.coreid, published_at: one.published_at }),
    response: JSON.stringify({ ok: true, id: JSON.parse(one.data).id }),
    ...more,
  });
const kinds = (round) => round.blocks.map(({ kind }) => kind);

test('a test press makes one round of six blocks in the order of cause', () => {
  const one = trigger(T, 1652008511);
  const drawn = draw([received(12, one)], [answer(T + 60, 'api', '{"ok":true,"id":1652008511}'), sent(T + 9), one]);
  assert.equal(drawn.length, 1);
  assert.deepEqual(kinds(drawn[0]), ['api', 'internal', 'received', 'parsed', 'response', 'internal']);
  assert.deepEqual([drawn[0].seq, drawn[0].who, drawn[0].status, drawn[0].severity], [12, 'Test button', '200', 'good']);
  assert.equal(drawn[0].took, '60 ms from event to hook-response');
  assert.ok(drawn[0].blocks.every(({ seq }) => seq === 12));
  assert.deepEqual(drawn[0].blocks.map(({ hop }) => hop), ['', '9 ms', '', '', '3 ms', ''], 'a hop is shown between two stamps of one clock only');
});

test('a round is called a test only if the button made it', () => {
  const form = readFileSync(new URL('../templates/particle/publish.html', import.meta.url), 'utf8');
  const published = /<textarea name="data"[^>]*>([^<]*)</.exec(form)[1];
  const press = JSON.stringify({ op: 'test', id: 7 });
  for (const [name, data, coreid, who] of [
    ['WebhookTutorial01', press, 'api', 'Test button'],
    ['WebhookTutorial01/kitchen', press, 'api', 'API, WebhookTutorial01/kitchen'],
    ['WebhookTutorial01', '{"op":"test","id":7,"room":"kitchen"}', 'api', 'API, WebhookTutorial01'],
    ['WebhookTutorial01', published, 'api', 'API, WebhookTutorial01'],
    ['WebhookTutorial01', press, 'e00fce68cccccccccccccccc', 'device …cccccc'],
  ]) {
    const one = event(name, data, T, coreid);
    for (const events of [[one], []]) {
      const [round] = rounds([received(1, one)], events, NO_GAPS, CONTEXT);
      assert.equal(round.who, who, `${name} ${data}`);
      assert.equal(round.isTest, who === 'Test button');
    }
  }
});

test('stream before poll and poll before stream give the same picture, round by round and object by object', () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const { deliveries, events } = world(seed, { long: seed % 2 === 0 });
    const expected = draw(deliveries, events);
    const die = dice(seed + 1000);
    for (let turn = 0; turn < 4; turn += 1) {
      const steps = die.shuffled([...deliveries.map((one) => ({ delivery: one })), ...events.map((one) => ({ event: one }))]);
      const heard = { deliveries: [], events: [] };
      const copies = new Map(steps.map((step) => [step, structuredClone(step)]));
      for (const [i, step] of steps.entries()) {
        const copy = copies.get(step);
        if (copy.delivery) heard.deliveries.push(copy.delivery);
        else heard.events.push(copy.event);
        // What was drawn on the way must leave no trace in what is drawn later.
        if (i % 5 === 0) rounds(heard.deliveries, heard.events, NO_GAPS, CONTEXT);
      }
      assert.deepEqual(picture(rounds(heard.deliveries, heard.events, NO_GAPS, CONTEXT)), expected, `seed ${seed}`);
    }
  }
});

test('clocks that are five minutes off change nothing', () => {
  for (let seed = 1; seed <= 25; seed += 1) {
    const right = world(seed);
    const expected = draw(right.deliveries, right.events);
    for (const [serverOff, browserOff] of [[300_000, 0], [-300_000, 0], [0, 300_000], [0, -300_000], [300_000, -300_000]]) {
      const wrong = world(seed, { serverOff, browserOff });
      assert.deepEqual(draw(wrong.deliveries, wrong.events), expected, `seed ${seed}, server ${serverOff}, browser ${browserOff}`);
    }
  }
});

test('no block stands in a wrong round without saying that it may', () => {
  let blocks = 0;
  let unsure = 0;
  for (let seed = 1; seed <= 150; seed += 1) {
    const { deliveries, events, truth } = world(seed, { spreadMs: [30, 300, 3_000][seed % 3], lossy: seed % 5 === 0, long: seed % 4 === 0 });
    for (const round of draw(deliveries, events)) {
      const owners = new Set();
      for (const block of round.blocks) {
        const owner = truth.get(/^\d+:/.test(block.key) ? `#${block.seq}` : block.key);
        assert.notEqual(owner, undefined, block.key);
        blocks += 1;
        if (block.note.includes('Belongs to one of')) unsure += 1;
        else owners.add(owner);
      }
      assert.ok(owners.size <= 1, `seed ${seed}: ${round.key} mixes ${[...owners]}`);
    }
  }
  assert.ok(unsure < blocks / 8, `${unsure} of ${blocks} blocks could not be told apart`);
});

test('everything that was heard stands somewhere, once', () => {
  for (let seed = 1; seed <= 40; seed += 1) {
    const { deliveries, events } = world(seed, { spreadMs: 200, lossy: true, long: true });
    const drawn = draw(deliveries, events);
    const keys = drawn.flatMap(({ blocks }) => blocks.map(({ key }) => key));
    assert.equal(new Set(keys).size, keys.length);
    assert.equal(new Set(drawn.map(({ key }) => key)).size, drawn.length);
    const parts = drawn.flatMap(({ blocks }) => blocks.flatMap(({ rows }) => rows.find(({ name }) => name === 'parts')?.pairs?.length ?? 1));
    assert.equal(parts.reduce((sum, n) => sum + n, 0), deliveries.length * 3 + events.length);
  }
});

test('two devices in the same second keep their blocks apart', () => {
  const a = trigger(T, 1, DEVICES[0]);
  const b = trigger(T + 400, 2, DEVICES[1]);
  const events = [a, sent(T + 10), b, sent(T + 415), answer(T + 450, DEVICES[1], '{"ok":true,"id":2}'), answer(T + 460, DEVICES[0], '{"ok":true,"id":1}')];
  const drawn = draw([received(1, a), received(2, b)], events);
  for (const [i, id] of [1, 2].entries()) {
    assert.deepEqual(kinds(drawn[i]), ['device', 'internal', 'received', 'parsed', 'response', 'internal']);
    assert.ok(drawn[i].blocks[5].rows[1].value.includes(`"id": ${id}`));
    assert.equal(drawn[i].blocks[1].note, '');
  }
});

test('a hook-sent that may belong to two rounds names both', () => {
  const a = trigger(T, 1, DEVICES[0]);
  const b = trigger(T + 2, 2, DEVICES[1]);
  const drawn = draw([received(12, a), received(13, b)], [a, b, sent(T + 5), sent(T + 8)]);
  for (const round of drawn) {
    assert.equal(round.blocks[1].note, 'Belongs to one of #12, #13; nothing in it says which.');
    assert.equal(round.blocks[1].seq, null);
  }
});

test('in a burst whose hook-sents overlap with later presses, each round gets one of them, though nobody knows which', () => {
  for (const [count, gapMs, lagMs] of [[40, 5, 30], [80, 3, 300], [30, 0, 30]]) {
    for (let seed = 1; seed <= 5; seed += 1) {
      const die = dice(seed);
      const presses = Array.from({ length: count }, (_, i) => trigger(T + i * gapMs + die.below(gapMs + 1), 1000 + i));
      const sents = presses.map((press, i) => sent(press.at + 1 + die.below(lagMs), 'WebhookTutorial01', i));
      const answers = presses.map((_, i) => answer(sents[i].at + 6 + die.below(20), 'api', `{"ok":true,"id":${1000 + i}}`));
      const deliveries = presses.map((press, i) => received(i + 1, press, { receivedAt: sents[i].at + 3 }));
      const drawn = draw(deliveries, [...presses, ...sents, ...answers]);
      assert.equal(drawn.length, count);
      for (const { seq, blocks } of drawn) {
        const own = blocks.filter(({ rows }) => rows.some(({ value }) => value === 'hook-sent/WebhookTutorial01'));
        assert.equal(own.length, 1, `#${seq} of ${count} presses, seed ${seed}`);
      }
    }
  }
});

test('after two were in doubt the next is certain again', () => {
  const [a, b, c] = [trigger(T, 1), trigger(T + 2, 2), trigger(T + 100, 3)];
  const drawn = draw([received(1, a), received(2, b), received(3, c)], [a, b, sent(T + 5), sent(T + 8), c, sent(T + 110)]);
  assert.equal(drawn[2].blocks[1].note, '');
});

test('a response that is held back is waiting until it is sent', () => {
  const slow = delivery(7, { receivedAt: T, body: '{}', delay: 25_000 });
  const drawnWith = (waiting) => rounds([clone(slow)], [], NO_GAPS, { ...CONTEXT, waiting })[0];
  const shown = (round) => [round.status, round.severity, round.blocks[2].title, round.blocks[2].at, round.blocks[2].rows[3].name];
  const at = new Date(T + 25_003).toISOString();
  const [before, after] = [drawnWith([7]), drawnWith([])];
  assert.deepEqual(shown(before), ['waiting', 'plain', 'Webhook response, waiting', at, 'will be sent at']);
  assert.deepEqual(shown(after), ['200', 'good', 'Webhook response', at, 'sent at']);
  assert.equal(isSameRound(before, after), false);
});

test('what a sender delivers again is marked, by its ID or the device’s', () => {
  const sent = (seq, headers, body = '{}') => delivery(seq, { receivedAt: T + seq, body, headers });
  const marks = (deliveries) => draw(deliveries, []).map(({ status, blocks }) => [status.split(' · ')[1] ?? '', blocks[0].note.split('. ')[0]]);
  const marked = (seq, by) => [`seen before, #${seq}`, `Seen before, #${seq}: the same ${by}`];
  const none = ['', ''];
  for (const name of ['x-github-delivery', 'webhook-id', 'svix-id', 'x-shopify-webhook-id']) {
    const [a, b] = [[[name, 'one']], [[name, 'two']]];
    assert.deepEqual(marks([sent(1, a), sent(2, b), sent(3, a), sent(4, a)]), [none, none, marked(1, name), marked(1, name)]);
  }
  const event = (source) => [['ce-id', '7'], ['ce-source', source]];
  assert.deepEqual(marks([sent(1, event('/a')), sent(2, event('/b')), sent(3, event('/a'))]), [none, none, marked(1, 'ce-id')]);
  assert.deepEqual(marks([sent(1, [['webhook-id', '']]), sent(2, [['webhook-id', '']]), sent(3, [['svix-id', '••']]), sent(4, [['svix-id', '••']])]), [none, none, none, none]);
  const published = (coreid, id, at) => JSON.stringify({ event: 'e', coreid, published_at: new Date(at).toISOString(), data: `{"id":${id}}` });
  const device = [published(DEVICES[0], 5, T), published(DEVICES[0], 6, T + 5000), published(DEVICES[1], 5, T + 5000), published(DEVICES[0], 5, T + 9000)];
  assert.deepEqual(marks(device.map((body, i) => sent(i + 1, [], body))).map(([status]) => status), ['', '', '', 'seen before, #1']);
  assert.deepEqual(marks([published('api', 5, T), published('api', 5, T + 9000)].map((body, i) => sent(i + 1, [], body))).map(([status]) => status), ['', '']);
});

test('the same event delivered again is a round of its own and says which came before', () => {
  const one = trigger(T, 7, DEVICES[0]);
  const drawn = draw([received(12, one), received(13, one, { receivedAt: T + 60_000 })], [one, sent(T + 5), answer(T + 50, DEVICES[0], '{"ok":true,"id":7}')]);
  assert.deepEqual(drawn.map(({ status }) => status), ['200', '200 · seen before, #12']);
  assert.match(drawn[1].blocks[0].note, /^Seen before, #12/);
  assert.deepEqual(kinds(drawn[0]), ['device', 'internal', 'received', 'parsed', 'response', 'internal']);
  assert.equal(drawn[0].blocks[5].note, '', 'what came back a minute earlier can’t be of the second');
});

test('two webhooks that fire for one event are pointed out, and nothing is given to one of them silently', () => {
  const one = trigger(T, 7, DEVICES[0]);
  const drawn = draw([received(12, one), received(13, one, { receivedAt: T + 35 })], [one, sent(T + 5), sent(T + 6), answer(T + 50, DEVICES[0], '{"ok":true,"id":7}')]);
  const notes = drawn.flatMap(({ blocks }) => blocks.map(({ note }) => note)).join(' ');
  assert.match(notes, /Belongs to one of #12, #13/);
  assert.match(drawn[1].blocks.find(({ kind }) => kind === 'received').note, /two webhooks/);
});

test('parts are one view, whatever order they came in', () => {
  const one = trigger(T, 7, DEVICES[0]);
  const body = JSON.stringify({ ok: true, id: 7, text: 'é'.repeat(400) });
  const bytes = Buffer.from(body);
  const texts = [0, 1].map((k) => new TextDecoder().decode(bytes.subarray(k * 512, (k + 1) * 512)));
  const events = [one, sent(T + 5), answer(T + 50, DEVICES[0], texts[1], 1, 3), answer(T + 51, DEVICES[0], texts[0], 0, 4)];
  const drawn = draw([received(12, one, { response: body })], events);
  const block = drawn[0].blocks[5];
  assert.equal(drawn[0].blocks.length, 6);
  assert.deepEqual(block.rows.find(({ name }) => name === 'parts').pairs.map(([name]) => name.split(' ')[0]), ['0', '1']);
  assert.match(block.note, /out of order/);
  const missing = draw([received(12, one, { response: body })], [one, events[2]]);
  assert.match(missing[0].blocks.at(-1).note, /Part 0 was not seen here/);
});

test('equal bodies of several parts go to the round that was on its way', () => {
  const [a, b] = [trigger(T, 1, DEVICES[0]), trigger(T + 5_000, 2, DEVICES[0])];
  const body = 'y'.repeat(700);
  const parts = (at) => [answer(at, DEVICES[0], 'y'.repeat(512), 0), answer(at + 1, DEVICES[0], 'y'.repeat(188), 1)];
  const drawn = draw([received(1, a, { response: body }), received(2, b, { response: body })], [a, ...parts(T + 50), b, ...parts(T + 5_050)]);
  for (const round of drawn) assert.deepEqual(kinds(round), ['device', 'received', 'parsed', 'response', 'internal']);
});

test('an error finds its round by the status that was sent', () => {
  const [a, b] = [trigger(T, 1), trigger(T + 5, 2)];
  const drawn = draw([received(1, a), received(2, b, { status: 404, response: '' })], [a, b, failure(T + 60, 'api', 'error status 404 from 127.0.0.1'), answer(T + 61, 'api', '{"ok":true,"id":1}')]);
  assert.deepEqual(drawn.map(({ status, severity }) => [status, severity]), [['200', 'good'], ['404 · hook-error', 'bad']]);
  assert.equal(drawn[1].blocks.at(-1).kind, 'error');
});

test('names that contain the webhook’s are seen not to trigger it', () => {
  const drawn = draw([], [trigger(T, 1, 'api', 'webhooktutorial01'), trigger(T + 1, 2, 'api', 'MyWebhookTutorial01'), trigger(T + 2, 3, 'api', 'WebhookTutorial012')]);
  assert.deepEqual(drawn.map(({ status }) => status), ['did not trigger the webhook', 'did not trigger the webhook', 'published, no delivery so far']);
  assert.match(drawn[0].blocks[0].note, /upper and lower case count/);
  assert.match(drawn[1].blocks[0].note, /does not begin with it/);
  assert.match(drawn[2].blocks[0].note, /Triggers the webhook too/);
});

test('what is sent by hand stands at its number and never joins an event', () => {
  const one = trigger(T, 1);
  const curl = delivery(2, { receivedAt: T + 300_000, body: '{"event":"WebhookTutorial01","data":"{\\"id\\":1}"}' });
  const drawn = draw([received(1, one), curl, received(3, trigger(T + 500_000, 2))], [one, trigger(T + 500_000, 2)]);
  assert.deepEqual(drawn.map(({ seq }) => seq), [1, 2, 3]);
  assert.deepEqual(kinds(drawn[1]), ['received', 'parsed', 'response']);
});

test('a made-up time in a request moves nothing else', () => {
  const one = trigger(T, 1);
  const liar = delivery(2, { receivedAt: T + 1_000, body: JSON.stringify({ event: 'WebhookTutorial01', coreid: DEVICES[0], published_at: '2099-01-01T00:00:00.000Z', data: '{}' }) });
  const late = trigger(T + 9_000, 2, 'api', 'webhooktutorial01');
  const drawn = draw([received(1, one), liar], [one, late]);
  assert.deepEqual(drawn.map(({ seq }) => seq), [1, 2, null]);
});

test('a silence stands where it was and says that events are missing', () => {
  const [a, b] = [trigger(T, 1), trigger(T + 1_000_000, 2)];
  for (const off of [0, 300_000, -300_000]) {
    const heard = [a, b].map((one) => ({ ...one, seen: one.at + 10 + off }));
    const quiet = [{ from: T + 60_000 + off, to: T + 120_000 + off }, { from: T + 130_000 + off, to: T + 140_000 + off }];
    const drawn = draw([received(1, a), received(2, b)], heard, { ...NO_GAPS, quiet });
    assert.deepEqual(drawn.map(({ seq, who }) => seq ?? who), [1, 'Not listening', 2]);
    assert.match(drawn[1].status, /\(2 times\): events from parts of that time are missing here$/);
  }
});

test('a second answer to one event is a second view', () => {
  const one = trigger(T, 7, DEVICES[0]);
  const again = { ...answer(T + 52, DEVICES[0], '{"ok":true,"id":7}'), id: 'again' };
  const drawn = draw([received(12, one)], [one, sent(T + 5), answer(T + 50, DEVICES[0], '{"ok":true,"id":7}'), again]);
  assert.deepEqual(kinds(drawn[0]), ['device', 'internal', 'received', 'parsed', 'response', 'internal', 'internal']);
});

test('what did not change looks the same', () => {
  const { deliveries, events } = world(3);
  const before = rounds(deliveries, events, NO_GAPS, CONTEXT);
  const after = rounds([...deliveries].reverse(), [...events].reverse(), { ...NO_GAPS }, CONTEXT);
  assert.ok(before.every((round, i) => isSameRound(round, after[i])));
  const renamed = rounds(deliveries, events, NO_GAPS, { ...CONTEXT, prefix: 'Other' });
  assert.ok(!before.every((round, i) => isSameRound(round, renamed[i])));
});

test('names and data of any kind are only text', () => {
  const strange = ['<script>', '__proto__', 'constructor', 'hook-sent/', 'hook-response/x', '\u202e', ' ', 'WebhookTutorial01/\n/0'];
  const count = contentCounter();
  const events = strange.flatMap((name, i) =>
    ['particle-internal', DEVICES[0], '<b>'].map((coreid) => eventOf(name, JSON.stringify({ data: strange[i], coreid, published_at: 'never' }), { seen: T + i, nth: i, count })),
  );
  assert.equal(draw([], events).flatMap(({ blocks }) => blocks).length, strange.length * 3);
});

test('a log of a thousand blocks is put together within a frame or two', () => {
  const { deliveries, events } = world(9, { count: 220, spreadMs: 400 });
  const first = rounds(deliveries, events, NO_GAPS, CONTEXT);
  assert.ok(first.reduce((sum, { blocks }) => sum + blocks.length, 0) > 1_000);
  let work = 0;
  const counted = events.map((one) => new Proxy(one, { get: (target, name) => ((work += 1), target[name]) }));
  rounds(deliveries, counted, NO_GAPS, CONTEXT);
  // A count of the work and not of the time, which depends on the machine.
  assert.ok(work < 400 * events.length, `${Math.round(work / events.length)} looks at each event`);
});

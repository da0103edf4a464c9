import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { test } from 'node:test';

import { startSteps } from '../static/cards/start-steps.js';
import { keepResults } from '../static/device/results.js';
import { signal } from '../static/lib/signal.js';
import { rounds } from '../static/log/rounds.js';
import { stepsStorage } from '../static/steps/storage.js';
import { RULES, SILENT_MS, counted, optional, stepsDone } from '../static/steps/rules.js';
import { hintOf } from '../static/steps/task-hints.js';
import { kept } from '../static/lib/storage.js';
import { delivery } from './particle-world.mjs';

const PREFIX = 'WebhookTutorial01';
const DEVICE = 'e00fce68ece1d3d21a73dcc9';
const AT = Date.parse('2026-11-23T11:00:00.000Z');
const iso = (ms) => new Date(ms).toISOString();

let nth = 0;
const event = (name, data, coreid, at = AT) => ({ id: `${iso(at)}|${coreid}|${name}|${data}|${(nth += 1)}`, name, data, published_at: iso(at), at, coreid, seen: at, nth, guesses: [] });
const body = (name, data, coreid, at = AT) => JSON.stringify({ event: name, data, coreid, published_at: iso(at) });

/** A round as it comes: the event, hook-sent, the delivery, and what came back. */
function round({ name = PREFIX, data = '{"op":"test","id":7}', coreid = 'api', reply = {}, back = ['{"ok":true,"id":7}'], error = null, sent = true }) {
  const events = [event(name, data, coreid)];
  if (sent) events.push(event(`hook-sent/${name}`, null, 'particle-internal', AT + 3));
  back.forEach((part, i) => events.push(event(`${coreid}/hook-response/${name}/${i}`, part, 'particle-internal', AT + 40 + i)));
  if (error) events.push(event(`${coreid}/hook-error/${name}/0`, error, 'particle-internal', AT + 40));
  const one = delivery(1, { receivedAt: AT + 10, body: body(name, data, coreid), response: back.join(''), ...reply });
  if (reply.use) one.response.reply_use = reply.use;
  return { events, deliveries: [one] };
}

const world = ({ events = [], deliveries = [], ...more } = {}) => ({
  mode: 'simulated', endpoint: 'e', login: { cloud: 'simulated', username: 'me' }, hook: { kind: 'ours' }, prefix: PREFIX,
  rounds: rounds(deliveries, events, { missing: [], unreadable: [] }, { prefix: PREFIX }),
  names: new Map([[DEVICE, 'boron']]), devices: [{ id: DEVICE }], flashed: null, results: [], deviceEventAt: null, listeningSince: AT, maxDelayMs: 30_000, template: null,
  forgotten: null, now: AT, ...more,
});
const said = (id, more, done = {}) => RULES[id](world(more), done);
const is = (id, more, pattern, done) => assert.match(said(id, more, done) ?? '(not done)', pattern, id);
const isNot = (id, more, done) => assert.equal(said(id, more, done), null, id);

test('start is done once the webhook leads here, or without a cloud once there is a hook URL', () => {
  isNot('start', { endpoint: null });
  isNot('start', { hook: { kind: 'elsewhere' } });
  is('start', {}, /were created/);
  isNot('start', { mode: 'none', endpoint: null });
  is('start', { mode: 'none', hook: { kind: 'none' } }, /URL was created/);
});

test('what Start did is said step by step, also what failed', () => {
  const offers = [{ name: 'the simulated cloud', demo: {} }];
  const connection = { offer: offers[0], username: 'me' };
  const done = { isStarted: true, isSigningIn: false, offers, connection, hook: { kind: 'ours', differs: [] }, hadWebhook: false, event: PREFIX };
  const states = (more) => startSteps({ ...done, ...more }).map(({ state }) => state);
  const words = (more) => startSteps({ ...done, ...more }).map(({ words: said }) => said).join(' ');
  assert.deepEqual(states(), ['done', 'done', 'done']);
  assert.deepEqual(states({ isStarted: false }), ['open', 'open', 'open']);
  assert.deepEqual(states({ hook: { kind: 'elsewhere' } }), ['done', 'done', 'failed']);
  assert.match(words({ hook: { kind: 'failed', problem: { message: 'It can’t be reached.' } } }), /can’t be reached\. Decide/);
  assert.match(words({ connection: null, hook: { kind: 'none' } }), /Not signed in\..*No webhook yet/);
  assert.match(words({ connection: null, hook: { kind: 'none' }, hadWebhook: true }), /Signed out.*was there last time/);
  assert.match(words({ connection: null, isSigningIn: true, hook: { kind: 'none' } }), /Signing in/);
  assert.match(words({ offers: [], connection: null, hook: { kind: 'none' } }), /No Particle account can be connected here/);
});

test('whoever sends one sends it to the hook URL, and not through the cloud', () => {
  const sent = (headers = []) => ({ deliveries: [delivery(1, { receivedAt: AT, body: '{}', headers })] });
  is('send-one', sent(), /#1 arrived/);
  is('send-one', sent([['x-sent-by', 'this page, as Particle would']]), /#1 arrived/);
  isNot('send-one', sent([['user-agent', 'ParticleBot/1.1']]));
  isNot('send-one', round({}));
  isNot('send-one', {});
});

test('a test press counts once its answer is back', () => {
  is('test-press', round({}), /#1\. It took 40 ms/);
  isNot('test-press', round({ back: [] }));
  isNot('test-press', { ...round({}), deliveries: [] });
  isNot('test-press', round({ coreid: DEVICE }));
  isNot('test-press', round({ name: `${PREFIX}/kitchen` }));
  isNot('test-press', round({ data: 'hello' }));
});

test('names that trigger and names that do not', () => {
  is('prefix-match', round({ name: `${PREFIX}/kitchen` }), /kitchen.*#1/);
  isNot('prefix-match', round({}));
  isNot('prefix-match', { ...round({ name: `${PREFIX}b`, sent: false, back: [] }), deliveries: [] });
  const wrong = { events: [event('webhooktutorial01', '{}', 'api')] };
  is('wrong-case', wrong, /triggered nothing/);
  isNot('wrong-case', { events: [event(`My${PREFIX}`, '{}', 'api')] });
  isNot('wrong-case', { events: [event(PREFIX, '{}', 'api')] });
});

test('data that is not JSON', () => {
  is('not-json', round({ data: 'hello' }), /hello.*#1/);
  isNot('not-json', round({}));
  isNot('not-json', round({ data: '' }));
});

test('a device is one by the stream, not by what a request says of itself', () => {
  is('device-event', round({ coreid: DEVICE, data: '{"op":"periodic","id":7}' }), /boron.*took/);
  is('device-event', round({ coreid: DEVICE, data: '{"op":"button","id":7}', back: [] }), /boron/);
  isNot('device-event', { ...round({ coreid: DEVICE }), events: [] });
  isNot('device-event', round({}));
  isNot('flash', {});
  is('flash', { flashed: { coreid: DEVICE, at: AT } }, /boron/);
});

test('a made-up coreid comes from nobody', () => {
  const claims = (coreid, headers = []) => ({ deliveries: [delivery(1, { receivedAt: AT, body: JSON.stringify({ event: PREFIX, data: '{}', coreid }), headers })] });
  is('made-up-coreid', claims('000000000000000000000001'), /#1.*000001/);
  isNot('made-up-coreid', claims('000000000000000000000000'));
  isNot('made-up-coreid', claims('api'));
  isNot('made-up-coreid', claims(DEVICE));
  isNot('made-up-coreid', claims('000000000000000000000001', [['user-agent', 'ParticleBot/1.1']]));
  isNot('made-up-coreid', claims('000000000000000000000001', [['x-sent-by', 'this page']]));
  isNot('made-up-coreid', round({ coreid: 'ffffffffffffffffffffffff' }));
});

test('an error counts if it was set here and the device got it', () => {
  const error = 'error status 500 from localhost';
  const set = { coreid: DEVICE, reply: { status: 500, use: { n: 1, of: 1 } }, back: [], error };
  const printed = { results: [{ coreid: DEVICE, kind: 'error', text: error }] };
  is('set-error', { ...round(set), ...printed }, /#1 was answered 500, and the hook-error reached the device/);
  isNot('set-error', round(set));
  is('set-error', { ...round({ ...set, data: '{"op":"periodic","id":7}' }), ...printed }, /#1 \(the event of the minute\) was answered/);
  isNot('set-error', { ...round(set), results: [{ coreid: DEVICE, kind: 'response', text: error }] });
  isNot('set-error', { ...round({ ...set, coreid: 'api' }), ...printed });
  isNot('set-error', { ...round({ ...set, error: null }), ...printed });
  isNot('set-error', { ...round({ ...set, reply: { status: 500 } }), ...printed });
  isNot('set-error', { ...round({ ...set, reply: { status: 200, use: { n: 1, of: 1 } } }), ...printed });
});

test('what no serial port shows counts as published or answered', () => {
  const set = { coreid: DEVICE, reply: { status: 500, use: { n: 1, of: 1 } }, back: [], error: 'no' };
  is('set-error', { ...round(set), mode: 'account' }, /answered 500, and the hook-error for the device was published/);
  isNot('set-error', { ...round({ ...set, coreid: 'api' }), mode: 'account' });
  is('set-error', { ...round({ ...set, coreid: 'api' }), mode: 'account', devices: [] }, /was published/);
  is('set-error', { ...round(set), events: [], mode: 'none' }, /#1 was answered 500\.$/);
});

test('a long answer counts once all its parts came back', () => {
  const parts = ['x'.repeat(512), 'y'.repeat(300)];
  const printed = { results: [{ coreid: DEVICE, kind: 'response', text: 'x'.repeat(100) }] };
  is('long-response', { ...round({ coreid: DEVICE, back: parts }), ...printed }, /812 bytes in 2 parts, and the hook-response reached the device/);
  isNot('long-response', round({ coreid: DEVICE, back: parts }));
  isNot('long-response', { ...round({ coreid: DEVICE, back: parts }), ...printed, events: round({ back: [] }).events });
  isNot('long-response', { ...round({ coreid: DEVICE, back: ['x'.repeat(512)] }), ...printed });
});

test('a slow answer counts once its result came back', () => {
  const slow = { coreid: DEVICE, reply: { delay: 25_000, use: { n: 1, of: 1 } }, back: [], error: 'ESOCKETTIMEDOUT' };
  const printed = { results: [{ coreid: DEVICE, kind: 'error', text: 'ESOCKETTIMEDOUT' }] };
  is('slow-response', { ...round(slow), ...printed }, /answered after 25 s; the cloud gave up before that, and the hook-error reached/);
  isNot('slow-response', round(slow));
  isNot('slow-response', { ...round({ ...slow, error: null }), ...printed });
  isNot('slow-response', { ...round({}), ...printed });
  const alone = { ...round(slow), events: [], mode: 'none' };
  const held = rounds(alone.deliveries, [], { missing: [], unreadable: [] }, { prefix: PREFIX, waiting: [1] });
  is('slow-response', alone, /#1 was answered after 25 s\.$/);
  isNot('slow-response', { ...alone, rounds: held });
});

test('a device’s lines are read for the results of its webhooks', () => {
  const results = signal([]);
  const lines = ['0000006480 [app] INFO: publish WebhookTutorial01 {}', '0000006913 [app] INFO: hook response {"a~":1}~', '0000006999 [app] ERROR: hook error no'];
  keepResults({ results }, DEVICE, lines);
  assert.deepEqual(results.value, [
    { coreid: DEVICE, kind: 'response', text: '{"a~":1}' },
    { coreid: DEVICE, kind: 'error', text: 'no' },
  ]);
});

test('a credential counts once it was refused and is right again', () => {
  const at = (seq, verified, status, error) => {
    const one = round({ reply: { status }, back: error ? [] : ['{}'], error, data: `{"op":"test","id":${seq}}` });
    Object.assign(one.deliveries[0], { seq, verified });
    return one;
  };
  const rounds = (...all) => ({ rounds: all.flatMap((one) => world(one).rounds) });
  const refused = at(1, 'wrong', 401, 'error status 401 from localhost');
  is('credential', rounds(refused, at(2, 'ok', 200)), /#1 got 401 and a hook-error; the credential of #2 was right/);
  isNot('credential', rounds(refused));
  isNot('credential', rounds(at(1, 'ok', 200), refused));
  isNot('credential', rounds(at(1, 'wrong', 401), at(2, 'ok', 200)));
  isNot('credential', rounds(at(1, 'wrong', 200), at(2, 'ok', 200)));
});

test('the template box counts the reader’s own template', () => {
  isNot('template-box', {});
  is('template-box', { template: { bytes: 90 } }, /90 bytes/);
});

test('cleaning up is judged by what is gone', () => {
  isNot('remove-webhook', { hook: { kind: 'absent' } });
  is('remove-webhook', { hook: { kind: 'absent' } }, /no longer/, { start: 'x' });
  isNot('remove-webhook', { hook: { kind: 'none' } }, { start: 'x' });
  isNot('stop-device', { now: AT + SILENT_MS });
  isNot('stop-device', { deviceEventAt: AT, now: AT + SILENT_MS - 1 });
  isNot('stop-device', { deviceEventAt: AT, listeningSince: AT + 1, now: AT + SILENT_MS });
  isNot('stop-device', { deviceEventAt: AT, listeningSince: null, now: AT + SILENT_MS });
  is('stop-device', { deviceEventAt: AT, now: AT + SILENT_MS }, /two minutes/);
  isNot('forget-endpoint', {});
  is('forget-endpoint', { forgotten: 'e' }, /404/);
});

test('what is done stays done, unless what happens later undoes it', () => {
  const gone = world({ hook: { kind: 'absent' }, deviceEventAt: AT, now: AT + SILENT_MS });
  const done = stepsDone(gone, { start: 'made' });
  assert.deepEqual(Object.keys(done).sort(), ['remove-webhook', 'start', 'stop-device']);
  assert.equal(stepsDone(gone, done), done, 'nothing new, the same object');
  const back = stepsDone(world({ deviceEventAt: AT + SILENT_MS, now: AT + SILENT_MS + 1 }), done);
  assert.deepEqual(Object.keys(back).sort(), ['start']);
  assert.equal(stepsDone(world({ login: null }), done).start, done.start);
});

test('what a mode can not do is optional', () => {
  const all = { mode: 'simulated', devices: [{ id: DEVICE }], maxDelayMs: 30_000 };
  for (const needs of ['nothing', 'account', 'device']) assert.equal(optional('x', needs, all), null);
  const none = { ...all, mode: 'none' };
  assert.equal(optional('x', 'nothing', none), null);
  assert.match(optional('x', 'account', none), /account/);
  assert.match(optional('x', 'device', none), /device/);
  assert.match(optional('x', 'device', { ...all, devices: [] }), /no device/);
  assert.equal(optional('x', 'device', { ...all, devices: null }), null);
  assert.match(optional('slow-response', 'account', { ...all, maxDelayMs: 0 }), /wait/);
});

test('typed data counts if a device published it', () => {
  const typed = '{"id":7,"raw":{"_type":"buffer","_data":"AAE="}}';
  is('typed-publish', round({ coreid: DEVICE, data: typed }), /boron.*typed data, in #1/);
  is('typed-publish', round({ coreid: DEVICE, data: 'data:image/png;base64,AAE=' }), /#1/);
  isNot('typed-publish', round({ coreid: DEVICE }));
  isNot('typed-publish', round({ coreid: DEVICE, data: typed.replace('{', '{"op":"periodic",') }));
  isNot('typed-publish', round({ data: typed }));
});

test('what happened before the tasks appeared does not count', () => {
  const before = world({ ...round({}), flashed: { coreid: DEVICE, at: AT } });
  const now = counted(before, { since: AT + 1, after: 1 });
  assert.deepEqual([now.rounds.length, now.flashed], [0, null]);
  assert.equal(counted(before, { since: AT, after: 0 }).rounds.length, 1);
  const unheard = world({ events: [event('webhooktutorial01', '{}', 'api')] });
  assert.equal(counted(unheard, { since: AT, after: 9 }).rounds.length, 1, 'an event is judged by when it was heard');
});

test('a hint names what is missing', () => {
  const hint = (id, more = {}, needs = 'account') => hintOf(id, needs, world(more));
  assert.match(hint('test-press', { endpoint: null }), /press “Start”/);
  assert.match(hint('test-press', { login: null }), /Nobody is signed in/);
  assert.match(hint('test-press', { hook: { kind: 'absent' } }), /no webhook/);
  assert.match(hint('stop-device', { hook: { kind: 'absent' }, deviceEventAt: AT }, 'device'), /two minutes without another/);
  assert.match(hint('test-press', { listeningSince: null }), /does not receive events/);
  assert.match(hint('test-press'), /No event has been published/);
  assert.match(hint('test-press', round({ data: '{}' })), /not by the test button/);
  assert.match(hint('wrong-case', round({ name: `${PREFIX}/kitchen` })), /its case is right/);
  assert.match(hint('wrong-case', { events: [event('other', '{}', 'api')] }), /more than its case/);
  assert.match(hint('prefix-match', round({})), /Add something after it/);
  assert.match(hint('not-json', round({ data: '{}' })), /is JSON/);
  assert.match(hint('send-one', {}, 'nothing'), /Nothing has arrived/);
  assert.match(hint('set-error', round({})), /#1 got another answer/);
  assert.match(hint('slow-response', round({ coreid: DEVICE, reply: { status: 200, delay: 25_000 }, back: [] })), /#1 gets this answer/);
  assert.match(hint('credential'), /No request was refused yet/);
  assert.match(hint('made-up-coreid', {}, 'nothing'), /in place of the zeros/);
  assert.equal(hint('start', { mode: 'none', login: null }, 'nothing'), null);
  assert.match(hint('start', { login: null }, 'nothing'), /Nobody is signed in/);
});

test('the tasks of the page and the rules are the same', () => {
  const folder = new URL('../content/', import.meta.url);
  const ids = readdirSync(folder)
    .filter((name) => name.endsWith('.md'))
    .sort()
    .flatMap((name) => [...readFileSync(new URL(name, folder), 'utf8').matchAll(/prose::task\("([a-z-]+)", Needs::\w+\)/g)].map(([, id]) => id));
  assert.deepEqual([...ids].sort(), Object.keys(RULES).sort());
});

test('what is kept is kept for each endpoint, and what somebody else wrote there is not believed', () => {
  const memory = new Map();
  const storage = { getItem: (name) => memory.get(name) ?? null, setItem: (name, value) => memory.set(name, value) };
  const place = stepsStorage(kept(() => storage, 'steps'));
  assert.equal(place.get('a'), null);
  for (let i = 0; i < 20; i += 1) place.set(`e${i}`, { done: { start: String(i) }, since: i, after: 2 });
  assert.deepEqual(place.get('e19'), { done: { start: '19' }, since: 19, after: 2 });
  assert.equal(place.get('e3'), null, 'the oldest are let go');
  for (const text of ['', 'null', '{}', '[1,["a"],["b",{"done":{"x":1},"since":0}]]']) {
    memory.set('steps', text);
    assert.equal(place.get('b'), null);
  }
});

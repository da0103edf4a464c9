// The webhook is made exactly as its one file says, templates render as the cloud renders them, and estimates are by the rules.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { CloudProblem } from '../static/particle/cloud.js';
import { estimate } from '../static/particle/data-operations.js';
import { explainResponse } from '../static/particle/explain.js';
import { hookKeeper } from '../static/particle/hook.js';
import { differences } from '../static/particle/hook-difference.js';
import { TITLES } from '../static/log/explained.js';
import { answerHints, errorHints, guessHint, receivedHints, responseHints, triggerHints } from '../static/particle/hints.js';
import { join } from '../static/particle/join.js';
import { joined } from '../static/particle/response-parts.js';
import { render } from '../static/particle/template.js';
import { consoleFields, settingsOf } from '../static/particle/console-fields.js';
import { checkSettings } from '../static/particle/settings-check.js';
import { asTemplate, found, freshId, leadingTo, publishLine, settingsFor, testData, tokenIn, unfit } from '../static/particle/webhook.js';
import { DEVICES, delivery, world } from './particle-world.mjs';

const form = JSON.parse(readFileSync(new URL('../../infra/particle/webhook.json', import.meta.url), 'utf8'));
const cases = JSON.parse(readFileSync(new URL('../../infra/simulated-cloud/tests/template-cases.json', import.meta.url), 'utf8'));
const URL_ = 'http://127.0.0.1:8787/hook/abc';

test('what is sent is the file with the address filled in, and nothing else', () => {
  const before = structuredClone(form);
  const sent = settingsFor(form, URL_);
  assert.deepEqual(sent, { ...form, url: URL_ });
  sent.json.event = 'changed';
  assert.deepEqual(form, before);
  assert.deepEqual(JSON.parse(asTemplate(settingsFor(form, URL_))), { ...form, url: URL_ });
  const withToken = settingsFor(form, URL_, 's3cret');
  assert.equal(withToken.headers.Authorization, 'Bearer s3cret');
  assert.deepEqual([tokenIn(withToken), tokenIn(sent), tokenIn(null)], ['s3cret', undefined, undefined]);
});

test('every setting is shown by the words of the console', () => {
  const shown = new Map(consoleFields(settingsFor(form, URL_)));
  const words = ['Event name', 'URL', 'Request type', 'Request format', 'Device', 'Status'].map((word) => shown.get(word));
  assert.deepEqual(words, [form.event, URL_, 'POST', 'JSON', 'Any', 'Enabled']);
  assert.equal(shown.get('Include default data'), 'No');
  assert.equal(shown.get('HTTP headers › Content-Type'), 'application/json');
  assert.equal(shown.get('JSON data › coreid'), '{{{PARTICLE_DEVICE_ID}}}');
  assert.equal(shown.get('Response topic'), form.responseTopic);
  const other = new Map(consoleFields({ event: 'E', url: 'u', requestType: 'GET', deviceID: 'abc', disabled: true, query: { a: 1 } }));
  assert.deepEqual([other.get('Request format'), other.get('Device'), other.get('Status'), other.get('Query parameters › a')], ['Query parameters', 'abc', 'Disabled', '1']);
  const live = { ...settingsFor(form, URL_), id: '1', created_at: 'then', body: null, auth: { username: 'u' } };
  assert.deepEqual(settingsOf(live, form), { ...settingsFor(form, URL_), auth: { username: 'u' } });
});

test('edited settings are checked before they are saved', () => {
  const check = (settings) => checkSettings(typeof settings === 'string' ? settings : JSON.stringify(settings), URL_);
  assert.deepEqual(check(settingsFor(form, URL_)).mistakes, []);
  assert.match(check('{"event": "a",}').mistakes[0], /not JSON: a comma is left over/);
  assert.match(check('[]').mistakes[0], /JSON object/);
  assert.match(check({ event: '', url: URL_ }).mistakes[0], /“event”/);
  assert.match(check({ event: 'a', url: 'https://elsewhere.example' }).mistakes[0], /“url”/);
  assert.equal(check({ event: 'a', url: 'https://elsewhere.example' }).settings, null);
  const wrong = { ...settingsFor(form, URL_), json: '{"room": {{{room}}}}' };
  assert.ok(check(wrong).mistakes.length > 0, 'as the template box judges it');
});

test('one’s own webhook, somebody else’s of the same name, and those that overlap are told apart', () => {
  const hook = (id, event, url, more = {}) => ({ id, event, url, created_at: `2026-01-0${id}`, integration_type: 'Webhook', ...more });
  const list = [hook('1', form.event, 'other'), hook('2', form.event, URL_), hook('3', 'Webhook', 'x'), hook('4', `${form.event}b`, 'y'), hook('5', 'Web', 'z', { disabled: true }), hook('6', 'else', 'q')];
  const all = found(list, form.event, URL_);
  assert.deepEqual([all.ours.id, all.other, all.overlapping.map(({ id }) => id)], ['2', null, ['1', '3', '4']]);
  const without = found([list[0]], form.event, URL_);
  assert.deepEqual([without.ours, without.other.id, without.overlapping], [null, '1', []]);
  assert.deepEqual(found([], form.event, URL_), { ours: null, other: null, overlapping: [] });
  assert.equal(found([hook('1', form.event, URL_, { integration_type: 'AzureIotHub' })], form.event, URL_).ours, null);
});

test('all webhooks that lead here are known with their settings, whatever their events and paths', async () => {
  const hook = (id, event, url, more = {}) => ({ id, event, url, created_at: '', integration_type: 'Webhook', ...more });
  const list = [hook('1', form.event, URL_), hook('2', 'Temp', `${URL_}/rooms/{{{room}}}?x=1`), hook('3', 'Else', `${URL_}d`), hook('4', 'x', 'other'), hook('5', 'y', URL_, { integration_type: 'AzureIotHub' })];
  assert.deepEqual(leadingTo(list, URL_).map(({ id }) => id), ['1', '2']);
  const whole = new Map(list.map((one) => [one.id, { ...one, ...(one.id === '1' ? settingsFor(form, URL_) : {}), responseTopic: `t${one.id}` }]));
  const cloud = { integrations: async () => list, integration: async (_token, id) => whole.get(id) };
  const keeper = hookKeeper({ form, memory: { get: () => null, set: () => {} }, onChange: () => {}, onRefused: () => assert.fail(), expectToken: async (token) => void (expected = token) });
  keeper.at({ cloud, token: 't', url: URL_ });
  await keeper.look();
  assert.deepEqual(keeper.state().leading.map(({ responseTopic }) => responseTopic), ['t1', 't2']);
  assert.match(keeper.state().differs.join(), /responseTopic/);
});

test('test data has a fresh integer', () => {
  assert.equal(testData(1652008511), '{"op":"test","id":1652008511}');
  const ids = new Set(Array.from({ length: 200 }, () => freshId(globalThis.crypto)));
  assert.ok(ids.size > 190 && [...ids].every((id) => Number.isInteger(id) && id >= 1 && id < 2 ** 31));
  assert.equal(freshId({ getRandomValues: (array) => array.fill(0x80000000) }), 1);
});

test('what can’t be published is said before it is sent', () => {
  assert.equal(unfit('WebhookTutorial01', '{}'), null);
  for (const [name, data] of [['', ''], ['é', ''], ['x'.repeat(65), ''], ['Spark/x', ''], ['a\nb', ''], ['a', 'é'.repeat(513)]]) assert.match(unfit(name, data), /\.$/);
  assert.equal(publishLine('E', "it's", (text) => `'${text}'`), "particle publish 'E' 'it's'");
});

test('templates render by the table that the simulated cloud is tested with', () => {
  assert.ok(cases.length > 60);
  for (const { name, template, context, expect } of cases) assert.equal(render(template, [context]), expect, name);
});

test('a template that does not fit together says where, and one that would never end is stopped', () => {
  for (const [template, message] of [['{{#a}}x', 'missing closing tag: a'], ['x{{/a}}', 'Closing tag without opener: /a'], ['{{#a}}{{^b}}{{/a}}{{/b}}', 'Nesting error: b vs. a']]) {
    assert.throws(() => render(template, [null]), { message });
  }
  const list = { a: Array.from({ length: 1000 }, (_, i) => i) };
  assert.throws(() => render(`${'{{#a}}'.repeat(6)}x${'{{/a}}'.repeat(6)}`, [list]), { message: /too many steps/ });
  assert.throws(() => render(`${'{{#a}}'.repeat(99)}${'{{/a}}'.repeat(99)}`, [list]), { message: /nested/ });
  assert.equal(render('{{a}} {{b}} {{toString}}{{__proto__.x}}', [{ a: 'data', b: 'data' }, { a: 'variable' }]), 'variable data ');
});

test('a press costs nothing, a device’s round at least two', () => {
  const { deliveries, events } = world(4);
  const seen = { api: 0, device: 0 };
  for (const trace of join(deliveries, events).filter(({ event }) => event)) {
    const { total, responses, why } = estimate(trace);
    if (trace.coreid === 'api') assert.equal(total, 0, ++seen.api);
    else if (trace.delivery) assert.equal(total, 1 + responses, ++seen.device), assert.equal(responses, trace.responses.length + trace.errors.length);
    assert.match(why, /free/);
  }
  assert.ok(seen.api > 0 && seen.device > 0);
  const large = { event: { name: 'E', data: 'é'.repeat(600), coreid: DEVICES[0] }, responses: [], errors: [] };
  assert.equal(estimate(large).publish, 2);
});

/** The token that the server was told to expect last. */
let expected = '';

/** What hints say; each leads to a paragraph of the tutorial. */
const words = (hints) => {
  for (const { about } of hints) assert.ok(TITLES.has(about), about);
  return hints.map(({ text }) => text).join(' ');
};

test('hints appear where learners trip, and not elsewhere', () => {
  const hints = (body, more = {}, trace = {}) => words(receivedHints({ delivery: delivery(1, { receivedAt: 0, body, ...more }), event: null, first: null, sents: [], ...trace }));
  const form = ['event=E&data=x&published_at=y&coreid=z', { type: 'application/x-www-form-urlencoded', headers: [['user-agent', 'ParticleBot/1.1']] }];
  assert.match(hints(...form), /four fields/);
  assert.equal(hints(form[0], { ...form[1], headers: [] }), '', 'not Particle’s');
  const answered = (more, trace = {}, hooks = []) => {
    const one = { delivery: delivery(1, { receivedAt: 0, body: '{}', headers: [['user-agent', 'ParticleBot/1.1']], ...more }), event: null, name: 'E', coreid: 'api', responses: [], ...trace };
    return words([...responseHints(one), ...explainResponse(one, hooks)]);
  };
  assert.match(answered({ response: '' }), /no hook-response event/);
  assert.match(answered({ status: 404, response: 'x' }), /Not a 2xx/);
  assert.match(answered({ response: 'é'.repeat(300) }), /600 bytes: the cloud passes it on as 2/);
  assert.equal(answered({ response: '{}' }), '');
  assert.match(answered({ status: 302, response: 'x' }), /A redirect: Particle does not document whether this is an error/);
  for (const status of [300, 304]) assert.match(answered({ status, response: 'x' }), new RegExp(`^Particle does not document whether a ${status} is an error\\.$`));
  assert.equal(answered({ status: 404, headers: [] }), '', 'not Particle’s');
  const back = (...texts) => ({ event: {}, responses: texts.map((data, k) => ({ event: { name: `E/${k}`, data, at: 1, nth: k, seen: 1 }, part: k, source: null, ambiguousWith: [] })) });
  const long = 'x'.repeat(1500);
  assert.match(answered({ response: long }, back('21.5'), [{ event: 'E', responseTemplate: '{{{main.temp}}}' }]), /responseTemplate makes of it: 4 bytes in one event/);
  assert.match(answered({ response: long }, back('21.5')), /responseTemplate makes of it: 4 bytes/, 'seen without the settings');
  assert.match(answered({ response: long }, back(long)), /Not split \(unchunked\): 1500 bytes in one event/);
  assert.match(answered({ response: 'ABC' }, back('data:text/plain;base64,QUJD')), /device gets the bytes/);
  assert.match(answered({ response: 'ABC' }, back('data:text/plain;base64,QU', 'JD')), /data URL \(dataUrlResponseEvent\) in 2 events\. Whether the device gets bytes/);
  assert.match(answered({ response: long }, back(long.slice(0, 512), long.slice(512, 1024), long.slice(1024))), /1500 bytes: the cloud passes it on as 3/);
  for (const [text, about] of [['ESOCKETTIMEDOUT', /accepted the connection/], ['ETIMEDOUT', /took the request but did not answer within 20 s/], ['read ECONNRESET', /closed the connection/], ['socket hang up', /closed the connection/], ['connect ETIMEDOUT 10.0.0.1:443', /^There was no connection: nothing at/], ['connect EHOSTUNREACH 10.0.0.1:443', /nothing at the server’s address responded/], ['connect ECONNREFUSED 127.0.0.1:80', /accepts none on this port/], ['getaddrinfo ENOTFOUND example.invalid', /not found in the DNS/], ['self signed certificate', /did not accept the server’s certificate/], ['certificate has expired', /certificate/], ["Hostname/IP does not match certificate's altnames", /certificate/]]) assert.match(words(errorHints({ data: text })), about);
  assert.match(words(guessHint(['hook_sent_data', 'not_known_yet'])), /^In this simulation, hook-sent has no data, and “not known yet” is a guess\. The real cloud may differ\.$/);
  assert.match(words(guessHint(['delete_has_body', 'hook_sent_data', 'hook_sent_before_answer'])), /^In this simulation, a DELETE request has a body, hook-sent has no data, and hook-sent comes before the response\. /);
  assert.deepEqual(guessHint([]), []);
});

test('a webhook that was changed elsewhere says what differs, in sentences', () => {
  const wanted = settingsFor(form, URL_);
  const says = (more) => differences(wanted, { ...structuredClone(wanted), ...more }).join(' ');
  // As the cloud shows it: other keys besides, keys in another order, flags that are off.
  const listed = { id: '1', created_at: '2026-01-01', disabled: false, unchunked: false, hookUrl: URL_, counters: {}, json: Object.fromEntries(Object.entries(form.json).reverse()) };
  assert.equal(says(listed), '');
  assert.equal(differences(wanted, { id: '1', event: form.event, url: URL_ }).length, 0, 'what is not shown is not said to differ');
  assert.match(says({ disabled: true }), /^It is disabled: no event triggers it\.$/);
  assert.match(says({ event: 'Other' }), /^Its event is “Other”, so “WebhookTutorial01” does not trigger it\.$/);
  assert.match(says({ event: 'Webhook' }), /more events trigger it/);
  assert.match(says({ requestType: 'PUT' }), /^requestType is “PUT”; this page wrote “POST”\.$/);
  assert.match(says({ noDefaults: false }), /^noDefaults is “false”; this page wrote “true”\.$/);
  assert.match(says({ deviceID: DEVICES[0] }), new RegExp(`^Only the device “${DEVICES[0]}” triggers it\\.$`));
  assert.match(says({ json: { ...form.json, data: '{{PARTICLE_EVENT_VALUE}}' } }), /^json › data is “{{PARTICLE_EVENT_VALUE}}”; this page wrote “{{{PARTICLE_EVENT_VALUE}}}”\.$/);
  const { coreid: _, ...fewer } = form.json;
  assert.match(says({ json: { ...fewer, room: 'x' } }), /^json has no “coreid”\. json has “room” besides\.$/);
  assert.match(says({ json: undefined, body: '{{{PARTICLE_EVENT_VALUE}}}' }), /^body is “{{{PARTICLE_EVENT_VALUE}}}”; this page sets none\.$/);
  assert.ok(says({ body: 'x'.repeat(5000) }).length < 200);
});

test('the one that this page made is known by its ID under another event’s name, and no other is', () => {
  const list = [{ id: 'a', event: 'Other', url: URL_, created_at: '', integration_type: 'Webhook' }];
  assert.equal(found(list, form.event, URL_, 'a').ours?.id, 'a');
  assert.equal(found(list, form.event, URL_, 'b').ours, null);
  assert.equal(found(list, form.event, URL_).ours, null, 'one that somebody made by hand is not touched');
  assert.equal(found(list, form.event, 'elsewhere', 'a').ours, null);
});

test('the keeper looks at all of it, keeps its ID, and puts it back', async () => {
  let hook = { id: 'a', created_at: '2026-01-01T00:00:00.000Z', ...settingsFor(form, URL_) };
  let shown = true;
  const cloud = {
    integrations: async () => [{ id: hook.id, event: hook.event, url: hook.url, created_at: hook.created_at, integration_type: 'Webhook' }],
    integration: async () => {
      if (shown) return structuredClone(hook);
      throw new CloudProblem('broken', 'no', 500);
    },
    update: async (_token, id, settings) => (hook = { id, created_at: hook.created_at, ...settings }),
  };
  let seen = null;
  const keeper = hookKeeper({ form, memory: { get: () => seen, set: (value) => (seen = value) }, onChange: () => {}, onRefused: () => assert.fail(), expectToken: async (token) => void (expected = token) });
  keeper.at({ cloud, token: 't', url: URL_ });
  await keeper.look();
  assert.deepEqual([keeper.state().kind, keeper.state().differs, seen], ['ours', [], { url: URL_, id: 'a' }]);
  hook = { ...hook, event: 'Other', disabled: true };
  await keeper.look();
  assert.equal(keeper.state().kind, 'ours');
  assert.equal(keeper.state().differs.length, 2);
  await keeper.putBack();
  assert.deepEqual([keeper.state().differs, hook.event, hook.disabled], [[], form.event, undefined]);
  assert.match(expected, /^[\w-]{32}$/, 'the server was told which token to expect');
  assert.equal(tokenIn(hook), expected);
  // Where all of it can't be seen, the list is what there is.
  hook = { ...hook, disabled: true };
  shown = false;
  await keeper.look();
  assert.deepEqual([keeper.state().kind, keeper.state().differs], ['ours', []]);
});

test('a removal without an answer is tried again after a look', async () => {
  let list = [{ id: 'a', created_at: '2026-01-01T00:00:00.000Z', ...settingsFor(form, URL_), integration_type: 'Webhook' }];
  const tries = [];
  let isMute = true;
  const cloud = {
    integrations: async () => list,
    integration: async () => list[0],
    remove: async (_token, id) => {
      tries.push(id);
      if (isMute) throw new CloudProblem('late', 'no answer', 0);
      list = [];
    },
  };
  const keeper = hookKeeper({ form, memory: { get: () => null, set: () => {} }, onChange: () => {}, onRefused: () => assert.fail(), expectToken: async (token) => void (expected = token) });
  keeper.at({ cloud, token: 't', url: URL_ });
  await keeper.look();
  await keeper.remove();
  assert.equal(keeper.state().kind, 'failed');
  isMute = false;
  await keeper.remove();
  assert.deepEqual([keeper.state().kind, tries], ['absent', ['a', 'a']]);
});

test('what Particle’s own request and answers tell a learner is said on their blocks', () => {
  const bot = ['user-agent', 'ParticleBot/1.1 (https://docs.particle.io/webhooks)'];
  const by = (headers, body) => words(receivedHints({ delivery: { ...delivery(1, { receivedAt: 0, body }), request: { ...delivery(1, { receivedAt: 0, body }).request, headers } }, event: null, first: null, sents: [] }));
  assert.match(by([bot], '{"t":1}'), /^There is no content-type/);
  assert.equal(by([bot, ['content-type', 'application/json']], '{"t":1}'), '');

  const part = (name, data, k = 0) => ({ event: { name, data, coreid: 'particle-internal', at: 1, nth: k, seen: 1, guesses: [] }, source: /^(?:api|[0-9a-f]{24})/.exec(name)?.[0] ?? null, part: k, ambiguousWith: [] });
  const answer = (parts, trace) => words(answerHints(joined(parts), trace));
  const api = { coreid: 'api', delivery: null };
  assert.match(answer([part('api/hook-response/E/0', 'x')], api), /has “api” in place of a Device ID/);
  assert.match(answer([part('hook-response/E/0', 'x')], api), /every device that subscribes to it gets this response/);
  assert.equal(answer([part(`${DEVICES[0]}/hook-response/E/0`, 'x')], { coreid: DEVICES[0], delivery: null }), '');
  assert.match(answer([part(`${DEVICES[0]}/hook-response/E/0`, 'x'.repeat(512))], { coreid: DEVICES[0], delivery: null }), /The last part is 512 bytes long, so another may follow/);
  const unsplit = answer([part(`${DEVICES[0]}/hook-response/E/0`, 'x'.repeat(1500))], { coreid: DEVICES[0], delivery: null });
  assert.match(unsplit, /^One event of 1500 bytes: most devices take 1024, so this one does not get it\.$/);
  assert.match(answer([part(`${DEVICES[0]}/hook-response/E/0`, '&quot;')], { coreid: DEVICES[0], delivery: delivery(1, { receivedAt: 0, body: '', response: '"' }) }), /double braces in the webhook’s responseTemplate/);

  assert.match(words(errorHints({ data: 'Sleeping, too many errors, please wait and try again' })), /skipped this event: too many errors/);
  assert.equal(words(errorHints({ data: 'error status 404 from h' })), '');
  assert.match(words(triggerHints({ name: 'E', coreid: 'api' }, ['E'])), /published through the API, not by a device/);
  assert.match(words(triggerHints({ name: 'Ex', coreid: DEVICES[0] }, ['E'])), /Triggers the webhook too/);
  assert.match(words(triggerHints({ name: 'e', coreid: DEVICES[0] }, ['E'])), /upper and lower case count/);
});

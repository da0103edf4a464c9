import assert from 'node:assert/strict';
import { test } from 'node:test';
import { blocksOf } from '../static/log/delivery.js';
import { originOf } from '../static/particle/origin.js';
import { bodyBytes, fieldsOf } from '../static/log/request-body.js';
import { rounds } from '../static/log/rounds.js';

/** @param {object} request @param {object} [response] @param {object} [rest] */
function delivery(request, response = {}, rest = {}) {
  const body = /** @type {any} */ (request).body ?? '';
  return {
    seq: 12,
    received_at: '2026-11-23T11:00:00.123Z',
    took_ms: 7,
    request: {
      method: 'POST', path: '/', query: '', source: '203.0.113.7',
      headers: [['content-type', 'application/json'], ['x-forwarded-for', '203.0.113.7']], added: ['x-forwarded-for'],
      body, body_encoding: 'utf-8', body_bytes: body.length, body_sha256: 'ab', truncated: false,
      ...request,
    },
    response: { status: 200, headers: [['content-type', 'application/json']], body: '{"ok":true}', delay_ms: 0, ...response },
    ...rest,
  };
}

const row = (block, name) => block.rows.find((each) => each.name === name);
const parsedOf = (request) => blocksOf(delivery(request))[1];

test('a delivery is three blocks in the order of cause', () => {
  const blocks = blocksOf(delivery({ body: '{"data":"{\\"op\\":\\"test\\",\\"id\\":1652008511}","coreid":"api"}' }));
  assert.deepEqual(blocks.map(({ kind, direction, title, key }) => [kind, direction, title, key]), [
    ['received', 'in', 'Webhook received', '12:received'],
    ['parsed', 'derived', 'Parsed data', '12:parsed'],
    ['response', 'out', 'Webhook response', '12:response'],
  ]);
  const [received, parsed, response] = blocks;
  assert.equal(row(received, 'method').value, 'POST /');
  assert.deepEqual(row(received, 'headers').pairs, [['content-type', 'application/json']]);
  assert.deepEqual(received.rows.find(({ kind }) => kind === 'folded').pairs, [['x-forwarded-for', '203.0.113.7']]);
  assert.deepEqual(parsed.rows.map(({ name, value }) => [name, value]), [['op', 'test'], ['id', '1652008511'], ['coreid', 'api']]);
  assert.match(parsed.note, /^The log took “data” as the data, “id” in “data” as the ID\. /);
  assert.match(parsed.note, /not a device/);
  assert.equal(row(response, 'status').value, '200 OK');
  assert.equal(response.hop, '7 ms');
  assert.equal(response.at, '2026-11-23T11:00:00.130Z');
});

test('a credential that is expected is right, wrong or missing, and one that is not is not mentioned', () => {
  const shown = (verified) => row(blocksOf(delivery({}, {}, verified && { verified }))[0], 'credential')?.value;
  assert.deepEqual(['ok', 'wrong', 'missing', undefined].map(shown), ['right', 'wrong', 'missing', undefined]);
});

test('a preflight that was not allowed says what to switch on', () => {
  const asks = [['origin', '•••'], ['access-control-request-method', '••••']];
  const note = (request, headers) => rounds([delivery(request, { headers })], [], { missing: [], unreadable: [] })[0].blocks[0].note;
  assert.match(note({ method: 'OPTIONS', headers: asks }, []), /under “Who may call”/);
  assert.equal(note({ method: 'OPTIONS', headers: asks }, [['access-control-allow-origin', '*']]), '');
  assert.equal(note({ method: 'OPTIONS', headers: asks.slice(1) }, []), '');
});

test('a body is shown indented and copied as it came', () => {
  const body = '{"a":12345678901234567890}';
  const shown = row(blocksOf(delivery({ body }))[0], 'body');
  assert.equal(shown.value, '{\n  "a": 12345678901234567890\n}');
  assert.equal(shown.copy, body);
});

test('a body that is no text is a hex view with the exact bytes at hand', () => {
  const request = { body: '/wAB', body_encoding: 'base64', body_bytes: 3 };
  const shown = row(blocksOf(delivery(request))[0], 'body');
  assert.match(shown.value, /^000000 {2}ff 00 01/);
  assert.deepEqual([...shown.bytes()], [255, 0, 1]);
  assert.match(parsedOf(request).note, /not text/);
});

test('published data is found as Particle sends it, as a template can make it, and in a form', () => {
  const data = (request) => fieldsOf(delivery(request).request).get('data') ?? null;
  assert.equal(data({ body: '{"data":"{\\"op\\":1}"}' }), '{"op":1}');
  assert.equal(data({ body: '{"data":{"op":1}}' }), '{"op":1}');
  assert.equal(data({ body: '{"data":"one","data":"two"}' }), 'two');
  const form = { headers: [['content-type', 'application/x-www-form-urlencoded; charset=utf-8']] };
  assert.equal(data({ ...form, body: 'event=x&data=%7B%22id%22%3A1%7D' }), '{"id":1}');
  assert.equal(data({ body: 'data=x' }), null);
  assert.equal(data({ body: '[1]' }), null);
  assert.equal(data({ body: '' }), null);
});

test('what a block shows of a body is what its round is found by', () => {
  const form = (type, body) => delivery({ headers: [['content-type', type]], body });
  const twice = 'event=x&data=%7B%22id%22%3A1%7D&data=%7B%22id%22%3A2%7D';
  for (const type of ['application/x-www-form-urlencoded', 'Application/X-WWW-Form-URLencoded ;charset=utf-8']) {
    const one = form(type, twice);
    assert.equal(row(blocksOf(one)[1], 'id').value, '1', 'the first of a form, as the receiver answers');
    assert.equal(originOf(one).dataId, '1');
  }
  const other = form('application/x-www-form-urlencoded-not', twice);
  assert.match(blocksOf(other)[1].note, /not JSON/);
  assert.equal(originOf(other).data, null);
});

test('each thing that can not be parsed says why', () => {
  const note = (request) => parsedOf(request).note;
  assert.match(note({ body: '' }), /No body/);
  assert.match(note({ body: '{"a":' }), /says JSON, but the body is not valid JSON/);
  assert.match(note({ body: 'hello', headers: [['content-type', 'text/plain']] }), /not JSON \(text\/plain\)/);
  assert.match(note({ body: '['.repeat(10_000) + ']'.repeat(10_000) }), /deeper than 128/);
  assert.match(note({ body: '{"data":"plain"}' }), /“data” is not JSON/);
  assert.match(note({ body: '{"a":1,"a":2}' }), /“a” is there twice.*no field “event”, “data” or “id”/);
});

test('everything that was parsed is shown, and which fields were taken', () => {
  const form = { headers: [['content-type', 'application/x-www-form-urlencoded']] };
  const cases = [
    // Particle's: the members of the data, then the others.
    [{ body: '{"event":"e","data":"{\\"id\\":7,\\"event\\":1}","coreid":"c","x":1}' }, { id: '7', event: '1', 'event beside': 'e', coreid: 'c', x: '1' }, 'The log took “event” as the event, “data” as the data, “id” in “data” as the ID.'],
    [{ body: '{"event":"e","data":{"op":1},"id":"outer"}' }, { op: '1', event: 'e', id: 'outer' }, 'The log took “event” as the event, “data” as the data, “id” as the ID.'],
    [{ ...form, body: 'event=x&data=hello&more=1' }, { data: 'hello', event: 'x', more: '1' }, 'The field “data” is not JSON, so it is shown as it is. The log took “event” as the event, “data” as the data.'],
    [{ ...form, body: 'd%61ta=%7B%22id%22%3A1%7D&event=x&data=2' }, { id: '1', event: 'x', data: '2' }, 'The log took “event” as the event, “data” as the data, “id” in “data” as the ID.'],
    // Others' envelopes stay in their order.
    [{ body: '{"id":"evt_1","type":"invoice.paid","data":{"a":1}}' }, { id: 'evt_1', type: 'invoice.paid', data: '{\n  "a": 1\n}' }, 'The log took “data” as the data, “id” as the ID.'],
    [{ ...form, body: 'payload=%7B%22a%22%3A1%7D&id=7' }, { payload: '{\n  "a": 1\n}', id: '7' }, 'It has no field “event”, “data” or “id”.'],
    // What the receiver does not give back is not taken.
    [{ body: `{"id":"${'x'.repeat(65)}","data":{"id":[1]}}` }, { id: 'x'.repeat(65), data: '{\n  "id": [\n    1\n  ]\n}' }, 'The log took “data” as the data.'],
    [{ body: '{"data":{}}' }, { data: '{}' }, 'The log took “data” as the data.'],
    [{ body: '{}' }, {}, 'An object without members.'],
  ];
  for (const [request, rows, note] of cases) {
    const block = parsedOf(request);
    const nameOf = ({ name, remark }) => (remark ? `${name} ${remark.slice(0, 6)}` : name);
    assert.deepEqual(block.rows.map((one) => [nameOf(one), one.value]), Object.entries(rows), request.body);
    assert.ok(block.note.startsWith(note), `${request.body}: ${block.note}`);
  }
});

test('fields beyond the first rows of data and form follow in their order', () => {
  const others = Array.from({ length: 150 }, (_, i) => `f${i}=${i}`).join('&');
  const data = encodeURIComponent(JSON.stringify(Object.fromEntries(Array.from({ length: 120 }, (_, i) => [`m${i}`, i]))));
  const block = parsedOf({ headers: [['content-type', 'application/x-www-form-urlencoded']], body: `event=x&data=${data}&${others}` });
  const all = [...block.rows, ...block.more.rows(100, 100 + block.more.count)].map(({ name }) => name);
  assert.equal(all.length, 120 + 151);
  assert.deepEqual([all[0], all[119], all[120], all[121], all[270]], ['m0', 'm119', 'event', 'f0', 'f149']);
});

test('an envelope is named', () => {
  const note = (body, headers = []) => parsedOf({ body: JSON.stringify(body), headers }).note;
  const event = { specversion: '1.0', type: 'com.example.x', source: '/s', id: '1', data: { a: 1 } };
  assert.match(note(event, [['content-type', 'application/cloudevents+json']]), /^CloudEvents 1\.0 envelope: type com\.example\.x\. The log took “data” as the data, “id” as the ID\.$/);
  assert.match(note({ a: 1 }, [['ce-specversion', '1.0'], ['ce-type', 'x\u202ey']]), /^CloudEvents 1\.0, its attributes in headers: type x⟨U\+202E⟩y\./);
  assert.match(note({ Type: 'Notification', TopicArn: 'arn:aws:sns:eu-west-1:1:t', Message: '{"a":1}' }), /^Amazon SNS envelope: Notification of arn:aws:sns:eu-west-1:1:t\./);
  assert.doesNotMatch(note({ specversion: '1.0', type: 'x' }), /CloudEvents/);
});

test('a cut body says how much came', () => {
  const blocks = blocksOf(delivery({ body: 'x'.repeat(16_384), body_bytes: 307_200, truncated: true }, { status: 413 }));
  assert.match(blocks[0].note, /300 KiB.*413/);
  assert.match(row(blocks[0], 'body').remark, /284 KiB more/);
  assert.equal(row(blocks[2], 'status').value, '413 Content Too Large');
});

test('a link to confirm a subscription is one only if it leads to the sender', () => {
  const linkOf = (value, headers = []) => row(blocksOf(delivery({ body: JSON.stringify(value), headers }))[0], 'confirm')?.link;
  const sns = (SubscribeURL, Type = 'SubscriptionConfirmation') => ({ Type, SubscribeURL });
  const grid = (validationUrl) => [{ eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent', data: { validationUrl } }];
  const [amazon, azure] = ['https://sns.eu-west-1.amazonaws.com/?Action=ConfirmSubscription&Token=1', 'https://rp-eastus2.eventgrid.azure.net:553/x?id=1'];
  assert.equal(linkOf(sns(amazon)), amazon);
  assert.equal(linkOf(grid(azure)), azure);
  assert.equal(linkOf({}, [['webhook-request-callback', azure]]), azure);
  assert.equal(linkOf(sns(amazon, 'Notification')), undefined);
  for (const other of [amazon.replace('https', 'http'), 'https://sns.eu-west-1.amazonaws.com.example/', 'https://user@sns.eu-west-1.amazonaws.com/', 'javascript:alert(1)', 7, null, '\u202e']) {
    assert.equal(linkOf(sns(other)), undefined);
    assert.equal(linkOf(grid(other)), undefined);
  }
});

test('it is said when a request lacks what the answer repeats', () => {
  const note = (more) => blocksOf(delivery({}, more))[2].note;
  assert.match(note({ unfilled: true }), /lacks a value that your answer repeats/);
  assert.equal(note({}), '');
});

test('a held response says what Particle makes of it', () => {
  const [, , response] = blocksOf(delivery({}, { delay_ms: 25_000, reply_use: { n: 2, of: 3 } }));
  assert.equal(response.note, 'By your setting, 2 of 3. Held for 25 s: Particle stops waiting at 20 s.');
});

test('query and path are shown as sent, and decoded where there is room', () => {
  const [received] = blocksOf(delivery({ path: '/caf%C3%A9', query: 'a=1&a=%20' }));
  assert.equal(row(received, 'method').value, 'POST /caf%C3%A9?a=1&a=%20');
  assert.deepEqual(row(received, 'query').pairs, [['a', '1'], ['a', ' ']]);
  assert.equal(row(received, 'path, decoded').value, '/café');
  assert.equal(row(blocksOf(delivery({ path: '/%ff%zz' }))[0], 'path, decoded'), undefined);
});

test('bytes of a text body are its UTF-8', () => {
  assert.deepEqual([...bodyBytes(delivery({ body: 'é' }).request)], [0xc3, 0xa9]);
});

test('rounds are in the order of their numbers, with gaps named in their place', () => {
  const at = (seq) => delivery({}, {}, { seq });
  const found = rounds([at(1), at(5)], [], { missing: [2, 3], unreadable: [4] });
  assert.deepEqual(found.map(({ who, status }) => `${who} ${status}`), [
    'POST 200',
    '#2–#3 hold no delivery: nothing was acknowledged under them',
    '#4 holds a delivery, but what is stored under it can’t be read',
    'POST 200',
  ]);
});

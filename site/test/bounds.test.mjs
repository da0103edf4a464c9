// However much a webhook holds, what is drawn of it is bounded, and the rest comes in steps.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gzipSync } from 'node:zlib';

import { elementOf, nodesIn } from './dom.mjs';
import { drawBlock } from '../static/log/block.js';
import { mountRounds } from '../static/log/rail.js';
import { rounds } from '../static/log/rounds.js';
import { drawRows } from '../static/log/row.js';
import { createState } from '../static/state.js';
import { delivery } from './particle-world.mjs';

const SIZE = 256 * 1024;
const MAX_NODES = 20_000;
const GAPS = { missing: [], unreadable: [] };
const repeat = (text) => text.repeat(Math.floor(SIZE / text.length));
const members = (count, make) => `{${Array.from({ length: count }, (_, i) => make(i)).join(',')}}`;
const FORM = { headers: [['content-type', 'application/x-www-form-urlencoded']] };
const typed = (type, ...more) => ({ headers: [['content-type', type], ...more] });
const gzipped = (text, type = 'application/json') => [gzipSync(text).toString('base64'), { body_encoding: 'base64', ...typed(type, ['content-encoding', 'gzip']) }];
const parts = (headers, content) => `${repeat(`--b\r\n${headers}\r\n\r\n${content}\r\n`)}--b--`;
const MULTIPART = typed('multipart/form-data; boundary=b');
/** Bodies of 256 KiB, and requests, of every shape. */
const SHAPES = {
  'a form of one letter a field': [repeat('a&'), FORM],
  'a form of long names': [Array.from({ length: 60 }, (_, i) => `${'n'.repeat(4000)}${i}=v`).join('&'), FORM],
  'an object of many members': [members(32_000, (i) => `"${i}":1`)],
  'names that objects have': [members(8_000, (i) => `"${['constructor', '__proto__', 'toString', 'hasOwnProperty'][i % 4]}":${i}`)],
  'an object of long names': [members(60, (i) => `"${'k'.repeat(4000)}${i}":1`)],
  'a list of many': [`[${repeat('1,')}1]`],
  'as deep as JSON may be': [`${'['.repeat(128)}${']'.repeat(128)}`],
  'deeper than JSON may be': ['['.repeat(SIZE)],
  'deep in every member': [members(900, (i) => `"${i}":${'['.repeat(126)}${']'.repeat(126)}`)],
  'many short lines': [repeat('\n')],
  'one line': [repeat('x')],
  'many parts': [repeat('--b\r\ncontent-disposition: form-data; name="a"\r\n\r\nx\r\n'), { headers: [['content-type', 'multipart/form-data; boundary=b']] }],
  'parts of nothing': [parts('', ''), MULTIPART],
  'parts of names that can not be seen': [parts(`content-disposition: form-data; name="${'\u202e'.repeat(50)}"; filename="${'\u0007'.repeat(50)}"`, 'x'), MULTIPART],
  'parts of long names': [parts(`content-disposition: form-data; name="${'n'.repeat(900)}"`, 'x'), MULTIPART],
  'parts of bytes': [Buffer.from(parts('content-disposition: form-data; name=a; filename=b', '\xff\xfe'.repeat(1_000)), 'latin1').toString('base64'), { body_encoding: 'base64', ...MULTIPART }],
  'parts in parts': [parts('content-type: multipart/mixed; boundary=c', '--c\r\n\r\nx\r\n--c--'), MULTIPART],
  'many megabytes, gzipped': gzipped(Buffer.alloc(64 * 1024 * 1024, 'a')),
  'JSON of 4 MB, gzipped': gzipped(`[${'[[[[1]]]],'.repeat(400_000)}1]`),
  'a form of 4 MB, gzipped': gzipped('a&'.repeat(2_000_000), FORM.headers[0][1]),
  'members of 4 MB, gzipped': gzipped(members(60, (i) => `"${i}":${JSON.stringify(JSON.parse(`[${'['.repeat(120)}${']'.repeat(120)}${`,${'['.repeat(120)}${']'.repeat(120)}`.repeat(250)}]`))}`)),
  'JSON lines': [repeat('{}\n'), typed('application/x-ndjson')],
  'XML of entities': [`<!DOCTYPE a [<!ENTITY b "${'x'.repeat(1_000)}"><!ENTITY c "${'&b;'.repeat(1_000)}">]><a>${repeat('&c;')}</a>`, typed('text/xml')],
  'XML as deep as it is long': ['<a>'.repeat(10_000) + '</a>'.repeat(10_000), typed('text/xml')],
  'XML of many elements': [`<a>${'<b/>'.repeat(16_000)}</a>`, typed('text/xml')],
  'a charset of what can not be seen': [Buffer.alloc(SIZE, '\u202e', 'utf16le').toString('base64'), { body_encoding: 'base64', ...typed('text/plain; charset=utf-16') }],
  'characters that can not be seen': [repeat('\u202e')],
  'names of them': [members(4_000, (i) => `"${'\u200b'.repeat(18)}${i}":"${'\u200b'.repeat(18)}"`)],
  'half characters': [repeat('\\ud800')],
  'many headers': ['x', { headers: Array.from({ length: 3_000 }, (_, i) => [`x-${i}`, 'v'.repeat(60)]) }],
  'many headers on the way': ['x', { headers: Array.from({ length: 3_000 }, (_, i) => [`x-${i}`, 'v']), added: Array.from({ length: 3_000 }, (_, i) => `x-${i}`) }],
  'headers of what can not be seen': ['x', { headers: Array.from({ length: 100 }, (_, i) => [`x-${i}`, '\u00ad'.repeat(1_000)]) }],
  'many fields in the query': ['x', { query: repeat('a&') }],
  'bytes': [Buffer.alloc(SIZE).toString('base64'), { body_encoding: 'base64' }],
};

/** The blocks of such a request, as the log has them. */
function blocksOf([body, request = {}]) {
  const one = delivery(1, { receivedAt: 0, body });
  Object.assign(one.request, { body, body_bytes: SIZE, added: [], ...request });
  return rounds([one], [], GAPS)[0].blocks;
}

for (const [name, shape] of Object.entries(SHAPES)) {
  test(`bounded: ${name}`, async () => {
    const whole = await Promise.all(blocksOf(shape).map(async ({ read, ...block }) => ({ ...block, ...(await read?.()) })));
    for (const fit of ['closed', 'open']) {
      const blocks = whole.map((block) => drawBlock(block, new Date(), fit));
      assert.equal(blocks.length, 3);
      const nodes = blocks.reduce((sum, block) => sum + nodesIn(block), 0);
      assert.ok(nodes < MAX_NODES, `${fit}: ${nodes} nodes`);
      const rows = blocks.flatMap((block) => [...block.querySelectorAll('.block-row')]);
      assert.ok(rows.length <= 120, `${fit}: ${rows.length} rows`);
      for (const row of rows) assert.ok(!row.textContent.includes('[native code]'), row.textContent.slice(0, 200));
      const notes = blocks.map((block) => block.querySelector('[data-slot=note]').textContent);
      assert.ok(!notes.some((note) => note.includes('could not be drawn') || note.includes('could not draw')), notes.join());
    }
  });
}

test('what is not drawn at once comes in steps', () => {
  const block = blocksOf(SHAPES['a form of one letter a field'])[1];
  assert.equal(block.rows.length, 100);
  assert.equal(block.more.count, 130_972);
  const list = document.createElement('dl');
  list.append(...drawRows(block, 'open'));
  const button = list.querySelector('.row-further');
  assert.equal(button.textContent, 'and 130,972 more');
  button.click();
  assert.equal(list.querySelectorAll('.block-row').length, 600);
  assert.equal(button.textContent, 'and 130,472 more');
  const brief = drawRows(block, 'closed');
  assert.equal(brief.length, 31);
  assert.equal(brief.at(-1).textContent, 'and 131,042 more');
});

test('a block is drawn, and once more when its body is decoded', async () => {
  const [block] = blocksOf(gzipped('{"a":1}'));
  const bodyOf = (node) => [...node.querySelectorAll('.block-row')].find((row) => row.querySelector('[data-slot=name]').textContent === 'body');
  let isRead = () => {};
  const reading = new Promise((read) => (isRead = read));
  const node = drawBlock({ ...block, read: () => reading }, new Date(), 'open');
  assert.match(bodyOf(node).textContent, /1f 8b 08/);
  isRead(await block.read());
  await reading;
  await null;
  const tools = [...bodyOf(node).querySelectorAll('button')].map(({ textContent }) => textContent);
  assert.match(bodyOf(node).textContent, /"a": 1.*gunzipped for display/s);
  assert.deepEqual(tools, ['Copy text', 'Copy base64', 'Copy hex', 'Download']);
  const failed = drawBlock({ ...block, read: () => Promise.reject(new Error('offline')) }, new Date());
  await null;
  await null;
  assert.match(failed.querySelector('[data-slot=note]').textContent, /^Not decoded: Error: offline/);
});

test('a picture is drawn where there is room, and base64 is decoded when asked', async () => {
  const png = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';
  const request = { body_encoding: 'base64', ...typed('image/png') };
  const [block] = blocksOf([png, request]);
  const { rows } = await block.read();
  const closed = drawBlock({ ...block, rows, read: undefined }, new Date());
  assert.equal(closed.querySelector('img'), null);
  assert.match(closed.textContent, /PNG picture, 1 × 1, 70 bytes/);
  const revoked = [];
  const revoke = URL.revokeObjectURL;
  URL.revokeObjectURL = (url) => revoked.push(url);
  const image = drawBlock({ ...block, rows, read: undefined }, new Date(), 'open').querySelector('img');
  assert.match(image.getAttribute('src'), /^blob:/);
  image.dispatchEvent(new document.defaultView.Event('load'));
  assert.deepEqual(revoked, [image.getAttribute('src')]);
  URL.revokeObjectURL = revoke;

  const list = document.createElement('dl');
  list.append(...drawRows(blocksOf([`{"data":"${png}"}`])[1], 'open'));
  const button = [...list.querySelectorAll('button')].find(({ textContent }) => textContent === 'Decode base64');
  button.click();
  while (list.children.length < 2) await new Promise((next) => setImmediate(next));
  assert.match(list.children[1].textContent, /^data, decoded.*PNG picture/);
  assert.ok(list.children[1].querySelector('img'));
});

test('a delivery that can not be drawn says so and takes no other with it', () => {
  const broken = delivery(2, { receivedAt: 0, body: 'no base64 !' });
  broken.request.body_encoding = 'base64';
  const others = [1, 3].map((seq) => delivery(seq, { receivedAt: 0, body: 'x' }));
  const all = rounds([...others, broken], [], GAPS).map(({ blocks }) => blocks.map(({ note }) => note));
  assert.deepEqual(all.map(({ length }) => length), [3, 1, 3]);
  assert.match(all[1][0], /^This delivery is in the log, but the page could not draw it: /);
});

test('rounds that come at once are drawn in several tasks, the newest first', (t) => {
  // Each look at the clock finds it three milliseconds on.
  let now = 0;
  t.mock.method(performance, 'now', () => (now += 3));
  const list = document.createElement('ol');
  const draw = mountRounds(list);
  const all = rounds(Array.from({ length: 8 }, (_, i) => delivery(i + 1, { receivedAt: 0, body: 'x' })), [], GAPS);
  const arrived = new Set(all.map(({ key }) => key));
  const shown = () => [...list.children].map((node) => node.querySelector('[data-slot=seq]').textContent);
  assert.equal(draw(all, arrived), false);
  assert.deepEqual(shown(), ['#6', '#7', '#8']);
  const [newest] = [...list.children].slice(-1);
  assert.equal(draw(all, arrived), false);
  assert.deepEqual(shown(), ['#3', '#4', '#5', '#6', '#7', '#8']);
  assert.equal(draw(all, arrived), true);
  assert.deepEqual(shown(), all.map(({ seq }) => `#${seq}`));
  assert.equal(list.lastElementChild, newest, 'what is drawn is kept');
  assert.equal(list.querySelectorAll('[data-arrives]').length, 24, 'each arrives');
  assert.equal(draw(all.slice(1), arrived), true);
  assert.equal(list.children.length, 7);
});

test('a component is mounted without a page', async () => {
  const root = elementOf('log/more');
  globalThis.localStorage = { getItem: () => null, setItem: () => {}, removeItem: () => {} };
  const state = createState();
  const { mountOne } = await import('../static/lib/component.js');
  const { mount } = await import('../static/log/more.js');
  state.keys.value = { owner: 'own_', share: 'read_', endpoint: 'e' };
  mountOne(root, mount, { state });
  const clear = root.querySelector('[data-action=clear]');
  assert.equal(clear.hidden, false);
  clear.click();
  assert.deepEqual(state.dialog.value, { name: 'clear' });
});

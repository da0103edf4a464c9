// Bodies that take a decoder are shown as what they are, within bounds, and their exact bytes stay at hand.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { brotliCompressSync, deflateRawSync, deflateSync, gzipSync } from 'node:zlib';

import { blocksOf } from '../static/log/delivery.js';
import { takesDecoder } from '../static/log/request-body.js';
import { delivery } from './particle-world.mjs';

/** A request as the receiver keeps it. @param {string | Uint8Array} body @param {string} type @param {[string, string][]} [headers] */
function received(body, type, headers = []) {
  const bytes = Buffer.from(body);
  const text = bytes.toString('utf8');
  const isText = Buffer.from(text).equals(bytes);
  const one = delivery(1, { receivedAt: 0, body: isText ? text : bytes.toString('base64'), type, headers });
  Object.assign(one.request, { body_encoding: isText ? 'utf-8' : 'base64', body_bytes: bytes.length });
  return one;
}

/** What is shown of it in the end: the row of its body, and the block of what was parsed. */
async function shown(body, type, headers, change = {}) {
  const one = received(body, type, headers);
  Object.assign(one.request, change);
  const [first, second] = blocksOf(one);
  assert.equal(Boolean(first.read), takesDecoder(one.request));
  const [rows, parsed] = first.read ? [(await first.read()).rows, await second.read()] : [first.rows, second];
  return { body: rows.find(({ name }) => name === 'body'), parsed, rows: Object.fromEntries(parsed.rows.map(({ name, value }) => [name, value])) };
}

const FORM = 'application/x-www-form-urlencoded';
const utf16 = (text, isBig = false) => (isBig ? Buffer.from(text, 'utf16le').swap16() : Buffer.from(text, 'utf16le'));

test('text is read in the charset of its content type', async () => {
  const cases = [
    [Buffer.from('price=\xa3', 'latin1'), `${FORM}; charset=ISO-8859-1`, 'price=£', 'read as ISO-8859-1', { price: '£' }],
    ['price=%A3+1', `${FORM}; charset="iso-8859-1"`, 'price=%A3+1', '', { price: '£ 1' }],
    ['name=%C3%A9', `${FORM};charset=windows-1252`, 'name=%C3%A9', '', { name: 'é' }],
    ['t=%D2%BB%D0%A9', `${FORM}; charset=gbk`, 't=%D2%BB%D0%A9', 'read as gbk', { t: '一些' }],
    [utf16('{"a":"é"}'), 'application/json; charset=utf-16le', '{\n  "a": "é"\n}', 'read as utf-16le', { a: 'é' }],
    [utf16('\ufeff{"a":1}', true), 'application/json', '{\n  "a": 1\n}', 'read as utf-16be', { a: '1' }],
    [Buffer.from('{"a":"\xcf\xe8"}', 'latin1'), 'application/json; charset=windows-1251', '{\n  "a": "Пи"\n}', 'read as windows-1251', { a: 'Пи' }],
    ['{"a":"é"}', 'application/json; charset=ISO-8859-1', '{\n  "a": "é"\n}', 'UTF-8, not ISO-8859-1 as declared', { a: 'é' }],
    [Buffer.from('<?xml version="1.0" encoding="ISO-8859-1"?><a>\xe9</a>', 'latin1'), 'text/xml', '<?xml version="1.0" encoding="ISO-8859-1"?>\n<a>é</a>', 'read as ISO-8859-1', {}],
    ['{"a":1}', 'application/json; charset=klingon', '{\n  "a": 1\n}', 'charset “klingon” is not known here', { a: '1' }],
  ];
  for (const [body, type, value, remark, rows] of cases) {
    const found = await shown(body, type);
    assert.equal(found.body.value, value, type);
    assert.equal(found.body.remark ?? '', remark, type);
    assert.deepEqual(found.rows, rows, type);
    if (Buffer.isBuffer(body)) assert.deepEqual(Buffer.from(found.body.bytes()), body, 'the bytes are those that came');
  }
  const bytes = await shown(Buffer.from([0xff, 0x41]), 'text/plain; charset=utf-8');
  assert.match(bytes.body.value, /^000000 {2}ff 41/);
  assert.match(bytes.body.remark, /^not valid utf-8; not text; 2 bytes$/);
});

test('what is compressed is decompressed for display and kept as it came', async () => {
  const json = '{"a":1,"b":"é"}';
  const cases = [
    [gzipSync(json), 'gzip', 'gunzipped for display'],
    [gzipSync(json), 'X-GZIP', 'gunzipped for display'],
    [gzipSync(json), '', 'gunzipped for display'],
    [deflateSync(json), 'deflate', 'inflated for display'],
    [deflateRawSync(json), 'deflate', 'inflated for display'],
    [gzipSync(deflateSync(json)), 'deflate, gzip', 'gunzipped for display; inflated for display'],
  ];
  for (const [body, encoding, remark] of cases) {
    const found = await shown(body, 'application/json', encoding === '' ? [] : [['content-encoding', encoding]]);
    assert.equal(found.body.value, '{\n  "a": 1,\n  "b": "é"\n}', encoding);
    assert.equal(found.body.copy, json);
    assert.equal(found.body.remark, remark);
    assert.deepEqual(Buffer.from(found.body.bytes()), body, 'the bytes are those that came');
    assert.deepEqual(found.rows, { a: '1', b: 'é' });
  }
});

test('what can not be decompressed says why', async () => {
  const of = async (body, encoding, change) => shown(body, 'application/json', [['content-encoding', encoding]], change);
  const lie = await of('{"a":1}', 'gzip');
  assert.equal(lie.body.value, '{\n  "a": 1\n}');
  assert.equal(lie.body.remark, 'content-encoding says gzip, but the bytes are not valid gzip');
  assert.deepEqual(lie.rows, { a: '1' }, 'a proxy may have decompressed it and kept the header');
  assert.match((await of(gzipSync('{}'), 'compress')).body.remark, /^content-encoding “compress” is not known here; not text/);
  const junk = await of(Buffer.concat([gzipSync('{}'), Buffer.from([1])]), 'gzip');
  assert.match(junk.body.remark, /^content-encoding says gzip, but the bytes are not valid gzip; not text|^gunzipped for display; what follows the first gzip stream is not shown/);
  const brotli = await of(brotliCompressSync('{"a":"ö"}'), 'br');
  assert.match(brotli.body.remark, /^(?:compressed with Brotli, which this browser can’t decode|decoded from Brotli for display)/);
  const whole = gzipSync(Buffer.from(Array.from({ length: 9_000 }, (_, i) => (i * i) % 251)));
  const cut = await of(whole.subarray(0, whole.length - 90), 'gzip', { truncated: true, body_bytes: whole.length });
  assert.match(cut.body.remark, /gunzipped for display; what follows the first gzip stream is not shown; the first .* of /);
  assert.match(cut.parsed.note, /Only the beginning/);
});

test('JSON lines are a row each', async () => {
  for (const [type, body] of [['application/x-ndjson', '{"a":1}\r\n\n[2]\nno\n'], ['application/jsonl', '{"a":1}\n[2]\nno'], ['application/json-seq', '\u001e{"a":1}\n\u001e[2]\n\u001eno\n']]) {
    const { parsed, rows, body: row } = await shown(body, type);
    assert.deepEqual(rows, { 1: '{\n  "a": 1\n}', 2: '[\n  2\n]', 3: 'no' }, type);
    assert.equal(parsed.rows[2].remark, 'not JSON');
    assert.match(parsed.note, /^3 values/);
    assert.equal(row.bytes, undefined, 'a text as it came');
  }
});

test('parts of a multipart body can be read and saved', async () => {
  const pdf = Buffer.from('%PDF-1.7\n\xff\xfe\r\n--', 'latin1');
  const png = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64');
  const part = (headers, content) => Buffer.concat([Buffer.from(`--b x\r\n${headers}\r\n\r\n`), Buffer.from(content), Buffer.from('\r\n')]);
  const file = (name, type) => `Content-Disposition: form-data; name="f"; filename="${name}"\r\nContent-Type: ${type}`;
  const body = Buffer.concat([
    part('Content-Disposition: form-data; name="text"', '{"a":1}'),
    part(file('../../a\u202efdp.pdf', 'application/pdf'), pdf),
    part(file('dot.png', 'image/svg+xml'), png),
    part(file('x.svg', 'image/svg+xml'), '<svg onload="alert(1)"/>'),
    part('Content-Type: text/plain; charset=latin1\r\nContent-Transfer-Encoding: base64', 'owo='),
    part('Content-Disposition: attachment;\r\n filename*=UTF-8\'\'caf%C3%A9.txt', 'x'),
    part('content-type: multipart/mixed; boundary=c', '--c\r\n\r\ninner\r\n--c--'),
    Buffer.from('--b x--\r\nepilogue'),
  ]);
  const { parsed, body: row } = await shown(body, 'multipart/form-data; boundary="b x"');
  assert.deepEqual(parsed.rows.map(({ name, kind, remark = '', file: saved = '' }) => [name, kind, remark, saved]), [
    ['text', 'text', '', ''],
    ['f', 'hex', 'file “../../a⟨U+202E⟩fdp.pdf”, application/pdf; not text; 15 bytes', 'a_fdp.pdf'],
    ['f', 'image', 'file “dot.png”, image/svg+xml; PNG picture, 1 × 1, 70 bytes', 'dot.png'],
    ['f', 'text', 'file “x.svg”, image/svg+xml, 24 bytes', 'x.svg'],
    ['part 5', 'text', 'text/plain, 2 bytes; read as latin1', 'part-5.bin'],
    ['part 6', 'text', 'file “café.txt”, 1 byte', 'café.txt'],
    ['part 7', 'text', 'multipart/mixed, 19 bytes', 'part-7.bin'],
  ]);
  assert.equal(parsed.rows[0].value, '{\n  "a": 1\n}');
  assert.deepEqual(Buffer.from(parsed.rows[1].bytes()), pdf, 'to the byte');
  assert.equal(parsed.rows[2].picture.type, 'image/png', 'by its bytes, whatever it says');
  assert.equal(parsed.rows[4].value, '£\n');
  assert.equal(parsed.note, '7 parts, one a row.');
  assert.deepEqual(Buffer.from(row.bytes()), body);
  assert.match(row.remark, /^“Parsed data” has its parts; not text/);
  const whole = await shown(gzipSync(png), 'image/png', [['content-encoding', 'gzip']]);
  assert.deepEqual([Buffer.from(whole.body.picture.bytes), Buffer.from(whole.body.bytes())], [png, gzipSync(png)]);
  assert.match(whole.parsed.note, /a PNG picture, so there is nothing to parse/);
  for (const [type, note] of [['multipart/mixed', /no valid boundary/], ['multipart/mixed; boundary=z', /not in the body/]])
    assert.match((await shown(body, type)).parsed.note, note);
  const open = await shown('--b\r\n\r\none\r\n--b\r\n\r\ntwo', 'multipart/mixed; boundary=b');
  assert.deepEqual(open.rows, { 'part 1': 'one' });
  assert.match(open.parsed.note, /^1 part, one a row\. The last boundary is missing/);
});

test('small contents are no bombs', async () => {
  const bomb = await shown(gzipSync(Buffer.alloc(64 * 1024 * 1024, '{')), 'application/json', [['content-encoding', 'gzip']]);
  assert.equal(bomb.body.copy ?? bomb.body.value, '{'.repeat(4 * 1024 * 1024));
  assert.equal(bomb.body.remark, 'gunzipped for display; only the first 4 MiB');
  assert.match(bomb.parsed.note, /Only the beginning of the body was decoded/);
  const umlauts = await shown(gzipSync(`x${'ö'.repeat(4 * 1024 * 1024)}`), 'text/plain', [['content-encoding', 'gzip']]);
  assert.match(umlauts.body.value.slice(0, 9), /^xö+$/, 'the last character is cut');
  const many = await shown(gzipSync('1\n'.repeat(1_000_000)), 'application/x-ndjson', [['content-encoding', 'gzip']]);
  assert.equal(many.parsed.rows.length + many.parsed.more.count, 1_000_000);
  assert.deepEqual(many.parsed.more.rows(999_998, 1_000_000).map(({ name }) => name), ['999999', '1000000']);
});

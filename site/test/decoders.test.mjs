// The decoders that have no view of their own: what they take, what they leave as it came, and that hostile input costs little.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { holdsBase64 } from '../static/lib/base64.js';
import { headerParts } from '../static/lib/header-parts.js';
import { base64Rows } from '../static/log/base64-rows.js';
import { fileName } from '../static/log/file-name.js';
import { imageOf } from '../static/log/image.js';
import { indentXml } from '../static/log/indent-xml.js';
import { partsOf } from '../static/log/multipart.js';

test('a header is cut into what it says and its parameters', () => {
  const parts = (header) => {
    const { type, parameters } = headerParts(header);
    return [type, Object.fromEntries(parameters)];
  };
  assert.deepEqual(parts(' Text/XML ; Charset="UTF-8" ;x=1; x=2'), ['text/xml', { charset: 'UTF-8', x: '1' }]);
  assert.deepEqual(parts('form-data; name="a;\\"b"; filename="C:\\dir\\x.pdf"'), ['form-data', { name: 'a;"b', filename: 'C:\\dir\\x.pdf' }]);
  assert.deepEqual(parts(''), ['', {}]);
  assert.equal(headerParts(`a${';b="'.repeat(5_000)}`).type, 'a');
});

test('XML is indented as long as that changes nothing', () => {
  const cases = [
    ['<a>R&amp;D</a>', '<a>R&amp;D</a>'],
    ['<?xml version="1.0"?><a b=">"><c/><d x=\'1\'>t</d></a>', '<?xml version="1.0"?>\n<a b=">">\n  <c/>\n  <d x=\'1\'>t</d>\n</a>'],
    ['<a>\n\n<!-- <x> --> <b><![CDATA[<&]]></b></a>', '<a>\n  <!-- <x> -->\n  <b><![CDATA[<&]]></b>\n</a>'],
    ['<a></a>', '<a></a>'],
  ];
  for (const [text, shown] of cases) assert.equal(indentXml(text, 1_000), shown);
  const unusual = ['<a>text<b/></a>', '<a><b/>text</a>', '<a><b></a></b>', '<a>', '<a/><b/>', 'x', '', '<a', '<a b="></a>', '<!DOCTYPE a [<!ENTITY e "x">]><a>&e;</a>', '<a xml:space="preserve"> <b/></a>', '<a><!-- </a>', '<![CDATA[x]]>'];
  for (const text of unusual) assert.equal(indentXml(text, 1_000), null, text);
  assert.equal(indentXml('<a>'.repeat(200) + '</a>'.repeat(200), 1e6), null, 'too deep');
  assert.equal(indentXml(`${'<a>'.repeat(100)}${'<b/>'.repeat(100)}${'</a>'.repeat(100)}`, 10_000), null, 'too long');
});

test('a picture is one by its bytes, and of a size that can be shown', () => {
  const bytes = (...parts) => Buffer.concat([...parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))), Buffer.alloc(30)]);
  const png = (width, height) => bytes('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', [width >> 24, (width >> 16) & 255, (width >> 8) & 255, width & 255, 0, 0, height >> 8, height & 255]);
  const of = (found) => found && [found.type, found.width, found.height];
  assert.deepEqual(of(imageOf(png(640, 480))), ['image/png', 640, 480]);
  assert.deepEqual(of(imageOf(bytes('GIF89a', [2, 1, 3, 0]))), ['image/gif', 258, 3]);
  assert.deepEqual(of(imageOf(bytes([0xff, 0xd8, 0xff, 0xe0, 0, 4, 0, 0, 0xff, 0xc2, 0, 17, 8, 0, 5, 1, 0]))), ['image/jpeg', 256, 5]);
  assert.deepEqual(of(imageOf(bytes('RIFF\0\0\0\0WEBPVP8X\0\0\0\0\0\0\0\0', [9, 0, 0, 4, 0, 0]))), ['image/webp', 10, 5]);
  assert.deepEqual(of(imageOf(bytes('RIFF\0\0\0\0WEBPVP8 \0\0\0\0\0\0\0\0\0\0', [7, 0, 8, 0]))), ['image/webp', 7, 8]);
  for (const none of [png(50_000, 50_000), png(0, 9), bytes('<svg xmlns="http://www.w3.org/2000/svg">'), bytes('BM'), bytes([0xff, 0xd8, 0xff, 0xff]), Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'), Buffer.alloc(0)])
    assert.equal(imageOf(none), null);
});

test('a name to save a file by is the last part of a path, without tricks', () => {
  const cases = [
    ['report.pdf', 'report.pdf'], ['../../etc/passwd', 'passwd'], ['C:\\dir\\x.txt', 'x.txt'], ['.bashrc', 'bashrc'], ['a\u202egnp.exe', 'a_gnp.exe'],
    ['a\0b\nc', 'a_b_c'], ['x<>:"|?*.txt', 'x_______.txt'], ['con.txt', '_con.txt'], ['name. . ', 'name'], ['日本 語.txt', '日本 語.txt'],
    ['', 'part-1.bin'], ['..', 'part-1.bin'], ['/', 'part-1.bin'], [`${'n'.repeat(250)}.pdf`, `${'n'.repeat(100)}.pdf`], ['\ud800x', '_x'],
  ];
  for (const [name, safe] of cases) assert.equal(fileName(name, 'part-1.bin'), safe);
});

test('base64 in a field is found by what it says, also inside JSON', () => {
  const encoded = (text, form = 'base64') => Buffer.from(text).toString(form);
  for (const text of [encoded('{"a":1,"b":"é"}'), encoded('hello, hello, hello', 'base64url'), encoded('%PDF-1.7 \xff\xfe\xfd'), `{"message":{"data":"${encoded('{"op":"test"}')}"}}`]) assert.ok(holdsBase64(text), text);
  for (const text of ['', 'a word', 'evt_1MqwvE2eZvKYlo2C5abcdef12', 'deadbeefdeadbeefdeadbeefdeadbeef', 'abcdefghijklmnopqrstuvwxyz', '2026-11-23T11-00-00-000Z', `x${encoded('hello, hello, hello')}`])
    assert.ok(!holdsBase64(text), text);
  const rows = (name, text) => base64Rows(name, text).map((row) => [row.name, row.kind, row.value]);
  assert.deepEqual(rows('data', encoded('{"a":1,"b":"é"}')), [['data, decoded', 'text', '{\n  "a": 1,\n  "b": "é"\n}']]);
  assert.deepEqual(rows('message', `{"data":"${encoded('{"op":"test"}')}","list":["${encoded('hello, hello, hello')}"],"n":1,"x":null}`), [
    ['message.data, decoded', 'text', '{\n  "op": "test"\n}'],
    ['message.list.0, decoded', 'text', 'hello, hello, hello'],
  ]);
  assert.equal(base64Rows('x', JSON.stringify(Array(5_000).fill(encoded('hello, hello, hello')))).length, 20);
  assert.ok(!holdsBase64(`"${'A'.repeat(1_000_000)}!"`));
});

test('parts beyond those that are wanted are only counted', () => {
  const nested = partsOf('--out\r\n\r\n--outer\r\n--out x\r\nz\r\n--out \t\r\n\r\ny\r\n--out--', 'multipart/mixed; boundary=out', 0, 9);
  assert.deepEqual(nested.parts.map(({ bytes }) => Buffer.from(bytes).toString()), ['--outer\r\n--out x\r\nz', 'y']);
  const { parts, count } = partsOf('--b\r\nx: y\r\n\r\nz\r\n'.repeat(100_000) + '--b--', 'multipart/form-data; boundary=b', 99_999, 100_001);
  assert.deepEqual([count, parts.length, Buffer.from(parts[0].bytes).toString()], [100_000, 1, 'z']);
  const qp = partsOf('--b\ncontent-transfer-encoding: quoted-printable\ncontent-disposition: form-data; name="%22a"\n\nprice=3D=A3=\n.\n--b--', 'multipart/mixed; boundary=b', 0, 9).parts[0];
  assert.equal(qp.name, '"a');
  assert.equal(Buffer.from(qp.bytes).toString('latin1'), 'price=\xa3.');
});

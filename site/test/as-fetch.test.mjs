// What is sent again arrives as it was, as far as a browser may.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { asFetch, asText, fromText, sendable } from '../static/log/as-fetch.js';
import { receiver } from './receiver.mjs';

const server = receiver();
const { came } = server;

const request = (of = {}) => ({
  method: 'POST', path: '/', raw_path: '', query: '', source: '', headers: [['content-type', 'text/plain']], added: [],
  body: '', body_encoding: 'utf-8', body_bytes: Buffer.byteLength(of.body ?? ''), body_sha256: '', truncated: false, ...of,
});

test('the line of JavaScript sends the request again', async () => {
  const bytes = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
  const cases = [
    request({ body: 'it\'s "quoted" \\ \u2028 </script> \u202e é🙂\r\n', raw_path: '/a%20b', path: '/a%20b', query: 'q=%22' }),
    request({ body: bytes.toString('base64'), body_encoding: 'base64', body_bytes: 256, method: 'PUT' }),
    request({ method: 'GET', headers: [['x-one', 'a'], ['host', 'h.example'], ['x-forwarded-for', '1']], added: ['x-forwarded-for'] }),
  ];
  for (const one of cases) {
    const { line, notes } = asFetch(one, server.hook);
    assert.doesNotMatch(line, /[\u2028\u202e]|<\//);
    await new Function(`return (async () => { ${line} })()`)();
    const got = came.at(-1);
    const body = one.body_encoding === 'utf-8' ? Buffer.from(one.body) : bytes;
    assert.deepEqual([got.method, got.url, got.body], [one.method, `${new URL(server.hook).pathname}${one.raw_path}${one.query && `?${one.query}`}`, body]);
    assert.deepEqual(notes.slice(0, -1), one.method === 'GET' ? ['A browser replaces or omits: host.'] : []);
    assert.match(notes.at(-1), /CORS/);
  }
  assert.equal(came.at(-1).headers['x-one'], 'a');
});

test('what a browser can’t send is said', () => {
  const { headers, notes } = sendable(request({ method: 'GET', body: 'x', truncated: true, headers: [['Cookie', 'a'], ['x-key', '•••'], ['x-a', 'b']] }));
  assert.deepEqual(headers, [['x-a', 'b']]);
  assert.deepEqual(notes, ['A browser replaces or omits: Cookie, x-key.', 'A browser sends no body with GET.', 'Only the beginning of the body was kept, so only that is sent.']);
});

test('a request is edited as text', () => {
  const one = request({ raw_path: '/orders', path: '/orders', query: 'a=1', body: '{"a":1}\n\n{"b":2}\n' });
  const { method, below, headers, body } = fromText(asText(one));
  assert.deepEqual({ method, below, headers, body }, { method: 'POST', below: '/orders?a=1', headers: one.headers, body: one.body });
  assert.equal(asText(request({ body: '/w==', body_encoding: 'base64', body_bytes: 1 })), null);
  assert.equal(fromText('GET').body, null);
  // What a text field makes of it, and what was sent.
  const typed = (text) => fromText(asText(request({ body: text })).replaceAll('\r\n', '\n'), text);
  assert.equal(typed('--b\r\n\r\none\r\n').body, '--b\r\n\r\none\r\n');
  assert.deepEqual([typed('a\r\nb\n').body, typed('a\r\nb\n').notes], ['a\nb\n', ['Its line ends were CRLF and LF; now all are LF.']]);
  const named = fromText('POST /\nUser-Agent: me\nx-a: b\n\n');
  assert.deepEqual([named.headers, named.notes], [[['x-a', 'b']], ['A browser replaces or omits: User-Agent.']]);
  for (const [text, problem] of [['', /first line/], ['TRACE /', /first line/], ['POST https://other.example/', /first line/], ['POST /\nno colon', /not a header: no colon/], ['GET /\n\nbody', /no body with GET/]])
    assert.match(fromText(text), problem);
});

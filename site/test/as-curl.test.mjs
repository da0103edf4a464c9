import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { promisify } from 'node:util';
import { asCurl } from '../static/log/as-curl.js';
import { receiver } from './receiver.mjs';

const server = receiver();
const { came } = server;

const request = (of = {}) => ({
  method: 'POST', path: '/', query: '', source: '203.0.113.7', headers: [['content-type', 'text/plain'], ['user-agent', 'a/1']], added: [],
  body: '', body_encoding: 'utf-8', body_bytes: Buffer.byteLength(of.body ?? ''), body_sha256: '', truncated: false, ...of,
});

/** Runs the line in a real bash with the real curl, and gives what arrived. */
async function sentAgain(of) {
  came.length = 0;
  const { line } = asCurl(request(of), server.hook);
  // From standard input: an argument has an end, and so has a file name of a script.
  const run = promisify(execFile)('bash', ['-s'], { env: { PATH: process.env.PATH, HOME: '/nonexistent', LC_ALL: 'C.UTF-8' } });
  run.child.stdin.end(`set -o pipefail\n${line}\n`);
  await run;
  assert.equal(came.length, 1, line);
  const [{ method, url, raw, body }] = came;
  const headers = raw.flatMap((name, i) => (i % 2 === 0 ? [[name.toLowerCase(), Buffer.from(raw[i + 1], 'latin1').toString()]] : []));
  return { method, url, headers: headers.filter(([name]) => !['host', 'content-length'].includes(name)), body, line };
}

const TEXTS = [
  '{"a":"b"}', 'it\'s', "'''", '$(touch /tmp/hit) `date` $HOME ${PATH} \\ ! !! !$ * ~ # ; & | < > ( )', '"; rm -rf x; "', 'two\nlines\n', '\n', '@file', '-d x',
  'é🙂👩‍👩‍👧‍👦 \u202e bidi \u200b\ufeff', 'tab\tand\r\nreturn', '\u001b[31mansi\u0007\u007f', '\\n \\x41 \\101 \\', "!'\\\u0001'7", '%s %d %%', '\u0000begins', 'in\u0000the middle', '\u2028', ' ', '=', '&',
];

test('every text arrives byte for byte', async () => {
  for (const body of TEXTS) {
    const arrived = await sentAgain({ body });
    assert.equal(arrived.body.toString(), body, arrived.line);
    assert.equal(arrived.method, 'POST');
    assert.deepEqual(arrived.headers, [['content-type', 'text/plain'], ['user-agent', 'a/1']], 'nothing of curl’s own');
  }
});

test('every byte arrives, and bodies of any length', async () => {
  const all = Buffer.from(Array.from({ length: 512 }, (_, i) => i & 255));
  assert.deepEqual((await sentAgain({ body: all.toString('base64'), body_encoding: 'base64' })).body, all);
  for (const length of [64 * 1024, 64 * 1024 + 1, 256 * 1024]) {
    const body = 'é\''.repeat(length).slice(0, length);
    assert.equal((await sentAgain({ body })).body.toString(), body);
  }
});

test('methods, paths, queries and headers arrive as they were', async () => {
  for (const method of ['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'HEAD']) {
    const arrived = await sentAgain({ method, headers: [] });
    assert.equal(arrived.method, method);
    assert.deepEqual(arrived.headers, [], method);
    assert.equal(arrived.url, new URL(server.hook).pathname);
  }
  assert.equal((await sentAgain({ method: 'GET', body: 'a body' })).body.toString(), 'a body');
  for (const [path, query] of [['/a/../b/./c', ''], ["/it's/%24(x)/$HOME/`id`", "q=[1-3]&x={a,b}&'=\"&$x=1&%00"], ['/', 'a=1'], ['/x', '']]) {
    const arrived = await sentAgain({ path, query });
    assert.equal(arrived.url, new URL(server.hook).pathname + (path === '/' ? '' : path) + (query === '' ? '' : `?${query}`));
  }
  const headers = [['x-quotes', `'"$(id)\`id\`!\\`], ['x-empty', ''], ['x-unicode', 'é🙂'], ['content-type', 'application/json; x=\'y\''], ['accept', 'a/b'], ['user-agent', 'c/1 (d; e)'], ['@x', 'at']];
  assert.deepEqual((await sentAgain({ headers: headers.slice(0, 6), body: '{}' })).headers, headers.slice(0, 6));
  const without = await sentAgain({ headers: [['x', '1']], body: 'no type' });
  assert.deepEqual(without.headers, [['x', '1']], 'no content-type, because none came');
});

test('what belongs to the connection, or was added on the way, is left out', () => {
  const headers = /** @type {[string, string][]} */ ([['host', 'h'], ['connection', 'close'], ['content-length', '3'], ['transfer-encoding', 'chunked'], ['x-forwarded-for', '1.2.3.4'], ['via', 'CDN'], ['x-own', 'kept']]);
  const { line, notes } = asCurl(request({ headers, added: ['x-forwarded-for', 'via'], body: 'abc' }), server.hook);
  assert.match(line, /x-own: kept/);
  assert.doesNotMatch(line, /host:|connection|content-length|transfer|forwarded|via/i);
  assert.deepEqual(notes, []);
});

test('a masked value is a place to fill in, and said to be', () => {
  const { line, notes } = asCurl(request({ headers: [['authorization', '•••••••'], ['x-key', '••'], ['accept', '*/*']] }), server.hook);
  assert.match(line, /'authorization: YOUR-AUTHORIZATION'/);
  assert.match(line, /'x-key: YOUR-X-KEY'/);
  assert.doesNotMatch(line, /•/);
  assert.match(notes[0], /^authorization and x-key are masked/);
});

test('a body of which only the beginning was kept says so', () => {
  const { notes } = asCurl(request({ body: 'abc', body_bytes: 300_000, truncated: true }), server.hook);
  assert.match(notes[0], /first 3 of 300000 bytes/);
});

test('a URL with a slash at its end is told from one without', () => {
  const urls = ['', '/', '/a/'].map((raw_path) => asCurl(request({ path: raw_path || '/', raw_path }), server.hook).line);
  assert.deepEqual(urls.map((line) => line.includes(`${server.hook}'`) || line.endsWith(server.hook)), [true, false, false]);
  assert.ok(urls[1].includes(`${server.hook}/`) && urls[2].includes(`${server.hook}/a/`), urls.join('\n'));
});

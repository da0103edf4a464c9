import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import { likelyShell, shellLine } from '../static/lib/shell-line.js';

const request = (body) => ({
  method: 'POST',
  url: 'http://127.0.0.1:8787/hook/b7nihh2yefj2lxoxyqgcjpq6pi',
  headers: /** @type {[string, string][]} */ ([['Content-Type', 'application/json']]),
  body,
});

test('a line for sh gives every byte to the program', () => {
  for (const body of ['{"a":"b"}', "it's", '$(date) `date` $HOME \\ ! * ~', '"; rm -rf x; "', 'two\nlines', '@file', 'é🙂', "'''"]) {
    // The shell itself says what it makes of the line; `curl` is a function that prints its arguments.
    const script = `curl() { printf '%s\\0' "$@"; }\n${shellLine('sh', request(body))}`;
    const given = execFileSync('sh', ['-c', script], { encoding: 'utf8' }).split('\0').slice(0, -1);
    assert.deepEqual(given, ['-H', 'Content-Type: application/json', '--data-raw', body, request('').url]);
  }
});

test('PowerShell gets its own command, with quotes of every kind doubled', () => {
  assert.equal(
    shellLine('powershell', request('it\'s ‘so’ {"a":1}')),
    "Invoke-RestMethod -Method POST -Uri 'http://127.0.0.1:8787/hook/b7nihh2yefj2lxoxyqgcjpq6pi' -ContentType 'application/json' -Body 'it''s ‘‘so’’ {\"a\":1}'",
  );
});

test('the Windows prompt gets double quotes, with those inside escaped', () => {
  assert.equal(
    shellLine('cmd', request('{"a":"b\\"}')),
    'curl -H "Content-Type: application/json" --data-raw "{\\"a\\":\\"b\\\\\\"}" "http://127.0.0.1:8787/hook/b7nihh2yefj2lxoxyqgcjpq6pi"',
  );
});

test('the method is said where it is not the usual one', () => {
  const line = (method, body = '') => shellLine('sh', { method, url: 'http://x/', headers: [], body });
  assert.equal(line('GET'), "curl 'http://x/'");
  assert.equal(line('DELETE'), "curl -X DELETE 'http://x/'");
  assert.equal(line('HEAD'), "curl -I 'http://x/'");
  assert.equal(line('PUT', 'a'), "curl -X PUT --data-raw 'a' 'http://x/'");
});

test('the likely shell is that of the computer', () => {
  assert.equal(likelyShell('Win32'), 'powershell');
  assert.equal(likelyShell('MacIntel'), 'sh');
  assert.equal(likelyShell('Linux x86_64'), 'sh');
});

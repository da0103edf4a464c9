// The page makes exactly the calls that Particle documents, and has a plain sentence for everything that can go wrong.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { cloud } from '../static/particle/cloud.js';

const NOW = Date.parse('2026-11-23T11:00:00Z');
function recorded(...answers) {
  const calls = [];
  const fetch = async (url, init) => {
    calls.push({ url, method: init.method, auth: init.headers.authorization, type: init.headers['content-type'], body: init.body, credentials: init.credentials, redirect: init.redirect });
    const answer = answers.shift();
    if (answer instanceof Error) throw answer;
    const [status, body] = answer ?? [200, { ok: true }];
    return new Response(status === 204 ? null : typeof body === 'string' ? body : JSON.stringify(body), { status });
  };
  return { calls, client: cloud({ fetch, api: 'https://api.particle.io', name: 'The Particle cloud', now: () => NOW }) };
}
const line = ({ method, url, auth, type, body }) => [method, url.replace('https://api.particle.io', ''), auth ?? '-', type ?? '-', body ?? '-'];

test('signing in with a one-time code makes two calls, with the secrets in their bodies', async () => {
  const { calls, client } = recorded([403, { error: 'mfa_required', error_description: 'x', mfa_token: 'mfa1' }], [200, { token_type: 'bearer', access_token: 'abc', expires_in: 3600 }]);
  const round = await client.signIn({ username: 'a@b.c', password: 'p&=ä' });
  assert.deepEqual(round, { mfaToken: 'mfa1' });
  const ticket = await client.sendCode({ mfaToken: 'mfa1', code: '123456', username: 'a@b.c' });
  assert.deepEqual(ticket, { token: 'abc', expiresAt: NOW + 3_600_000, made: true, username: 'a@b.c' });
  const form = 'application/x-www-form-urlencoded';
  assert.deepEqual(calls.map(line), [
    ['POST', '/oauth/token', '-', form, 'grant_type=password&username=a%40b.c&password=p%26%3D%C3%A4&client_id=particle&client_secret=particle&expires_in=3600'],
    ['POST', '/oauth/token', '-', form, 'grant_type=urn%3Acustom%3Amfa-otp&mfa_token=mfa1&otp=123456&client_id=particle&client_secret=particle&expires_in=3600'],
  ]);
  assert.ok(calls.every(({ credentials, redirect }) => credentials === 'omit' && redirect === 'error'));
});

test('all other calls, one by one', async () => {
  const id = '5f0000000000000000000001';
  const { calls, client } = recorded([200, []], [200, []], [200, { id }], [200, { ok: true, id }], [200, { ok: true }], [200, { ok: true }], [200, { ok: true }], [200, { ok: true }]);
  await client.devices('t');
  await client.integrations('t');
  await client.integration('t', id);
  assert.equal(await client.create('t', { event: 'E', url: 'u' }), id);
  await client.update('t', id, { event: 'E', url: 'v' });
  await client.remove('t', id);
  await client.publish('t', 'E', '{"op":"test","id":7}');
  await client.signOut({ token: 't', made: true });
  const json = 'application/json';
  assert.deepEqual(calls.map(line), [
    ['GET', '/v1/devices', 'Bearer t', '-', '-'],
    ['GET', '/v1/integrations', 'Bearer t', '-', '-'],
    ['GET', `/v1/integrations/${id}`, 'Bearer t', '-', '-'],
    ['POST', '/v1/integrations', 'Bearer t', json, '{"event":"E","url":"u"}'],
    ['PUT', `/v1/integrations/${id}`, 'Bearer t', json, '{"event":"E","url":"v"}'],
    ['DELETE', `/v1/integrations/${id}`, 'Bearer t', '-', '-'],
    ['POST', '/v1/devices/events', 'Bearer t', json, '{"name":"E","data":"{\\"op\\":\\"test\\",\\"id\\":7}","private":true}'],
    ['DELETE', '/v1/access_tokens/current', 'Bearer t', '-', '-'],
  ]);
  assert.ok(calls.every(({ url }) => !url.includes('?')), 'no secret, and nothing else, in a query');
});

test('a pasted token is looked at, and never deleted', async () => {
  const { calls, client } = recorded([200, { username: 'me@example.org' }], [200, { expires_at: '2026-11-23T12:00:00.000Z' }]);
  const ticket = await client.useToken('  0123456789abcdef \n');
  assert.deepEqual(ticket, { token: '0123456789abcdef', expiresAt: Date.parse('2026-11-23T12:00:00.000Z'), made: false, username: 'me@example.org' });
  await client.signOut(ticket);
  assert.deepEqual(calls.map(({ method, url }) => `${method} ${new URL(url).pathname}`), ['GET /v1/user', 'GET /v1/access_tokens/current']);
});

test('an end that is no time is not made into one', async () => {
  for (const expires_at of ['never 1', '', null, 7]) {
    const { client } = recorded([200, { username: 'me@example.org' }], [200, { expires_at }]);
    assert.equal((await client.useToken('0123456789abcdef')).expiresAt, null);
  }
});

test('what is no token is not sent anywhere', async () => {
  const { calls, client } = recorded();
  for (const text of ['', 'short', 'two words here', 'line\nfeed-and-more']) await assert.rejects(client.useToken(text), { cause: 'expired' });
  assert.equal(calls.length, 0);
});

test('a wrong password is tried once', async () => {
  const { calls, client } = recorded([400, { error: 'invalid_grant', error_description: 'User credentials are invalid' }]);
  await assert.rejects(client.signIn({ username: 'a', password: 'b' }), { cause: 'password', message: /^User name or password is wrong\. It was tried once/ });
  assert.equal(calls.length, 1);
});

test('each thing that goes wrong has its sentence', async () => {
  const check = async (answer, cause, words) => {
    const { client } = recorded(answer);
    await assert.rejects(client.devices('t'), (error) => {
      assert.equal(error.cause, cause, error.message);
      assert.match(error.message, words);
      return true;
    });
  };
  await check([401, { error: 'invalid_token', error_description: 'The access token provided is invalid.' }], 'expired', /^The sign-in is no longer valid/);
  await check([429, { error: 'too_many_requests' }], 'busy', /too much was asked of it \(429\)/);
  await check([529, {}], 'busy', /\(529\)/);
  await check([429, { error: 'account_locked', error_description: 'the account is locked' }], 'locked', /half an hour/);
  await check([500, { error: 'x' }], 'broken', /a problem of its own \(500\)/);
  await check([502, '<html>Bad gateway</html>'], 'strange', /not JSON/);
  await check([200, '<html>Sign in to the wireless network</html>'], 'strange', /not JSON/);
  await check([403, { ok: false, errors: ['not yours'] }], 'refused', /refused: not yours\.$/);
  await check([404, { error: 'Integration not found' }], 'gone', /Integration not found/);
  await check(new TypeError('failed to fetch'), 'offline', /can’t be reached/);
  const { client } = recorded([403, { error: 'invalid_grant', error_description: 'the one-time code is wrong' }]);
  await assert.rejects(client.sendCode({ mfaToken: 'm', code: '0', username: 'a' }), { cause: 'code' });
});

test('lists are taken in the three shapes that Particle’s own clients know, and strangers in them are left out', async () => {
  const hook = { id: 'i', event: 'E', url: 'u' };
  for (const body of [[hook], { integrations: [hook] }, { webhooks: [hook, null, 7, {}] }]) {
    const { client } = recorded([200, body]);
    assert.deepEqual(await client.integrations('t'), [hook]);
  }
  const { client } = recorded([200, { error: null }]);
  assert.deepEqual(await client.devices('t'), []);
});

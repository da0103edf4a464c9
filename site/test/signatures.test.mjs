// A signature is right exactly when the sender's own library or published example says so.

import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign } from 'node:crypto';
import { createRequire } from 'node:module';
import { test } from 'node:test';

import { SCHEMES, check, likelyScheme } from '../static/log/signatures.js';

const installed = createRequire(new URL('../../tests/browser/package.json', import.meta.url));
const BODY = '{"event":"paid", "amount":7,\n"é":true}\n';
const AT = 1_795_431_600;
const RECEIVED = new Date(AT * 1000 + 2000).toISOString();
const URL_ = 'https://hook.example/hook/ep?a=1';

const request = (headers, body = BODY, more = {}) => ({
  method: 'POST', path: '/', query: '', source: '', added: [], headers: Object.entries(headers), body,
  body_encoding: 'utf-8', body_bytes: body.length, body_sha256: '', truncated: false, ...more,
});
const scheme = (name) => SCHEMES.find((one) => one.name.startsWith(name));
const verdict = (name, asked, secret, url = URL_, at = RECEIVED) => check(scheme(name), asked, at, { secret, url });
const hmac = (hash, secret, content, encoding) => createHmac(hash, secret).update(content).digest(encoding);

/** What each sender would send, signed by its own library where it has one. */
const SENT = {
  async 'Standard Webhooks'() {
    const { Webhook } = installed('standardwebhooks');
    const secret = `whsec_${Buffer.from('a secret of 24 bytes or so').toString('base64')}`;
    const signature = new Webhook(secret).sign('msg_1', new Date(AT * 1000), BODY);
    return [request({ 'svix-id': 'msg_1', 'svix-timestamp': String(AT), 'svix-signature': `v1a,x v1,AAAA ${signature}` }), secret];
  },
  // https://docs.github.com/webhooks/using-webhooks/validating-webhook-deliveries
  async GitHub() {
    const signature = 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17';
    return [request({ 'x-hub-signature-256': signature }, 'Hello, World!'), 'It\'s a Secret to Everybody'];
  },
  async Stripe() {
    const Stripe = installed('stripe');
    const header = new Stripe('sk_test_x').webhooks.generateTestHeaderString({ payload: BODY, secret: 'whsec_x', timestamp: AT });
    return [request({ 'stripe-signature': `${header},v0=00` }), 'whsec_x'];
  },
  // https://shopify.dev/docs/apps/build/webhooks/subscribe/https
  async Shopify() {
    return [request({ 'x-shopify-hmac-sha256': hmac('sha256', 'secret', BODY, 'base64') }), 'secret'];
  },
  // https://docs.slack.dev/authentication/verifying-requests-from-slack
  async Slack() {
    const body =
      'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c';
    const headers = {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    };
    return [request(headers, body), '8f742231b10e8888abcd99yyyzzz85a5', URL_, new Date(1531420618000).toISOString()];
  },
  // https://developers.zoom.us/docs/api/webhooks
  async Zoom() {
    const signature = `v0=${hmac('sha256', 'token', `v0:${AT}:${BODY}`, 'hex')}`;
    return [request({ 'x-zm-request-timestamp': String(AT), 'x-zm-signature': signature }), 'token'];
  },
  // https://www.twilio.com/docs/usage/security
  async Twilio() {
    const fields = { Digits: '1234', CallSid: 'CA1234567890ABCDE', To: '+18005551212', Caller: '+14158675309', From: '+14158675309' };
    const headers = { 'content-type': 'application/x-www-form-urlencoded', 'x-twilio-signature': 'RSOYDt4T1cUTdK1PDd93/VVr8B8=' };
    return [request(headers, String(new URLSearchParams(fields))), '12345', 'https://mycompany.com/myapp.php?foo=1&bar=2'];
  },
  async SendGrid() {
    const { EventWebhook } = installed('@sendgrid/eventwebhook');
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const key = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
    const signature = sign('sha256', Buffer.from(AT + BODY), privateKey).toString('base64');
    const theirs = new EventWebhook();
    assert.ok(theirs.verifySignature(theirs.convertPublicKeyToECDSA(key), BODY, signature, String(AT)));
    const header = 'x-twilio-email-event-webhook-';
    return [request({ [`${header}signature`]: signature, [`${header}timestamp`]: String(AT) }), key];
  },
  // https://documentation.mailgun.com/docs/mailgun/user-manual/webhooks/securing-webhooks
  async Mailgun() {
    const signature = { timestamp: String(AT), token: 't0ken', signature: hmac('sha256', 'secret', `${AT}t0ken`, 'hex') };
    return [request({}, JSON.stringify({ signature, 'event-data': {} })), 'secret'];
  },
  // https://developer.squareup.com/docs/webhooks/step3validate
  async Square() {
    return [request({ 'x-square-hmacsha256-signature': hmac('sha256', 'secret', URL_ + BODY, 'base64') }), 'secret'];
  },
  async 'HMAC-SHA-1'() {
    return [request({ 'x-hub-signature': `sha1=${hmac('sha1', 'secret', BODY, 'hex')}` }), 'secret'];
  },
  async 'HMAC-SHA-512'() {
    return [request({ 'x-paystack-signature': hmac('sha512', 'secret', BODY, 'hex') }), 'secret'];
  },
};

for (const [name, sent] of Object.entries(SENT)) {
  test(`${name}: right with the secret, and wrong with any other secret or content`, async () => {
    const [asked, secret, url, at] = await sent();
    assert.equal(likelyScheme(asked), scheme(name));
    const good = await verdict(name, asked, secret, url, at);
    assert.deepEqual([good.right, good.words.startsWith('The signature is right')], [true, true], good.words);
    const otherSecret = secret.replace(/.(?=.{4}$)/, (one) => (one === 'A' ? 'B' : 'A'));
    assert.equal((await verdict(name, asked, otherSecret, url, at)).right, false);
    assert.equal((await verdict(name, asked, '', url, at)).right, false);
    if (name === 'Mailgun') return;
    const other = request(Object.fromEntries(asked.headers), asked.body.replace(/[a-z]/, 'Z'));
    assert.match((await verdict(name, other, secret, url, at)).words, /^Wrong: the secret is another one/);
  });
}

test('the usual reasons are named', async () => {
  const signed = (content) => ({ 'x-hub-signature-256': `sha256=${hmac('sha256', 'key', content, 'hex')}` });
  const reason = async (content, body) => (await verdict('GitHub', request(signed(content), body), 'key')).words;
  assert.match(await reason(BODY, BODY.trimEnd()), /line feed .* missing/);
  assert.match(await reason(BODY.trimEnd(), BODY), /was not signed: it was added/);
  assert.match(await reason('{"a":1}', '{ "a": 1 }'), /rewritten .* without blanks/);
  assert.match(await reason('{\n  "a": 1\n}', '{"a":1}'), /rewritten .* with blanks/);
  assert.match((await verdict('GitHub', request(signed(BODY)), ' key ')).words, /blanks at its ends/);
  const square = (url) => request({ 'x-square-hmacsha256-signature': hmac('sha256', 'key', url + BODY, 'base64') });
  const address = async (wrote, here) => (await verdict('Square', square(wrote), 'key', here)).words;
  assert.match(await address('https://h.example/a/', 'https://h.example/a'), /with a slash/);
  assert.match(await address('https://h.example/a', 'https://h.example/a/'), /without the slash/);
  assert.match(await address('https://h.example/a', 'http://h.example/a'), /another scheme/);
  assert.match(await address('https://other.example/a', 'http://h.example/a'), /another URL/);
});

test('what can’t be checked is not called wrong', async () => {
  const asymmetric = request({ 'webhook-id': 'msg_1', 'webhook-timestamp': String(AT), 'webhook-signature': 'v1a,AAAA' });
  assert.match((await verdict('Standard Webhooks', asymmetric, 'whsec_AAAA')).words, /of a kind that is not checked here/);
  const [asked] = await SENT.GitHub();
  assert.equal((await verdict('GitHub', asked, '')).words, 'Enter the webhook secret.');
});

test('an old or future signature is not called right', async () => {
  const [asked, secret] = await SENT.Stripe();
  const late = await verdict('Stripe', asked, secret, URL_, new Date((AT + 301) * 1000).toISOString());
  assert.match(late.words, /signed 301 s before it arrived/);
  const early = await verdict('Stripe', asked, secret, URL_, new Date((AT - 301) * 1000).toISOString());
  assert.match(early.words, /signed 301 s after it arrived/);
  assert.deepEqual([late.right, early.right], [false, false]);
});

test('what a signature does not cover is said', async () => {
  const [asked, secret] = await SENT.Mailgun();
  assert.match((await verdict('Mailgun', asked, secret)).words, /covers only the timestamp/);
});

test('what can’t be checked is said', async () => {
  const hidden = await verdict('GitHub', request({ 'x-hub-signature-256': '•'.repeat(71) }), 'key');
  assert.match(hidden.words, /masks the signature/);
  assert.match((await verdict('GitHub', request({}), 'key')).words, /no signature of GitHub/);
  const cut = request({ 'x-hub-signature-256': 'sha256=00' }, 'a', { truncated: true });
  assert.match((await verdict('GitHub', cut, 'key')).words, /Only the beginning/);
  for (const hostile of ['', '=', 'sha256=', 'sha256=zz', 'v1,', '\u{1f600}', 'x'.repeat(100_000)]) {
    for (const { name } of SCHEMES) {
      const headers = { 'x-hub-signature-256': hostile, 'webhook-signature': hostile, 'stripe-signature': hostile, 'x-twilio-email-event-webhook-signature': hostile };
      assert.equal((await verdict(name, request(headers), hostile)).right, false);
    }
  }
});

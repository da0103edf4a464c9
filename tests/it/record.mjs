// Plays the part of the page: `node record.mjs STACK` makes an endpoint, a webhook and some rounds, and prints the rounds
// as JSON. What is in a block, and in which words, is decided by the page's own modules; nothing here formats anything.

import { execFile } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { promisify } from 'node:util';

import { apiClient } from '../../site/static/lib/api-client.js';
import { PRESETS } from '../../site/static/cards/reply-setting.js';
import { keysOfOwner } from '../../site/static/keys/keys.js';
import { cloud as particle } from '../../site/static/particle/cloud.js';
import { concerns, meaningOf } from '../../site/static/particle/event.js';
import { sseReader } from '../../site/static/particle/sse.js';
import { listen } from '../../site/static/particle/stream.js';
import { settingsFor, testData } from '../../site/static/particle/webhook.js';
import { rounds } from '../../site/static/log/rounds.js';
import { timeOfDay } from '../../site/static/lib/time.js';
import { exampleName } from '../../site/static/steps/examples.js';

/** @type {{page: string, particle: string, username: string, password: string, device: string, owner: string}} */
const stack = JSON.parse(process.argv[2]);
const form = JSON.parse(await readFile(new URL('../../infra/particle/webhook.json', import.meta.url), 'utf8'));
/** How long something may take before it counts as not coming; a device compiles its firmware first, on a machine that may be busy. */
const PATIENCE_MS = 180_000;
/** What the webhook sends in `Authorization`, as the page shows it to every reader. */
const SECRET = 'A-LONG-RANDOM-SECRET';

const api = (/** @type {string} */ path, /** @type {RequestInit} */ options = {}) => fetch(stack.page + path, { ...options, headers: { authorization: `Bearer ${stack.owner}`, ...options.headers } });
const client = apiClient({ fetch: (path, options) => fetch(stack.page + path, options), key: stack.owner });
const keys = await keysOfOwner(stack.owner, crypto);
const { hook_url } = await client.create();

const cloud = particle({ fetch, api: stack.particle, name: 'the simulated cloud' });
const signedIn = await cloud.signIn(stack);
if (!('ticket' in signedIn)) throw new Error('the simulated account has no second factor');
const { token } = signedIn.ticket;

/** @type {import('../../site/static/particle/event.js').Event[]} */
const events = [];
/** What the cloud said of devices. @type {string[]} */
const said = [];
/** @type {() => void} */
let heard = () => {};
const stop = new AbortController();
const clock = { now: () => Date.now(), wait: (/** @type {number} */ ms, /** @type {AbortSignal} */ signal) => new Promise((done) => {
  const timer = setTimeout(done, ms);
  signal.addEventListener('abort', () => (clearTimeout(timer), done(undefined)), { once: true });
}) };
await new Promise((listening) => {
  void listen({
    fetch, api: stack.particle, token, clock, signal: stop.signal,
    onState: ({ kind }) => kind === 'listening' && listening(undefined),
    onEvent: (event) => {
      if (concerns(event, form.event)) events.push(event);
      else said.push(`${event.name} ${event.data}`);
      heard();
    },
  });
});
await client.changeSettings({ expect: { scheme: 'bearer', token: SECRET, refuse: 0 } });
await cloud.create(token, settingsFor(form, hook_url, SECRET));
const devices = await cloud.devices(token);
const names = new Map(devices.map(({ id, name }) => [id, name ?? id]));

/** Waits for something to be true after an event. @param {string} what @param {() => boolean} isThere */
const until = (what, isThere) => new Promise((done, failed) => {
  const timer = setTimeout(() => failed(new Error(`not within ${PATIENCE_MS} ms: ${what}`)), PATIENCE_MS);
  heard = () => {
    if (!isThere()) return;
    clearTimeout(timer);
    done(undefined);
  };
  heard();
});

let cursor = '';
/**
 * Does something and records the round that follows.
 * @param {() => Promise<unknown>} act @param {(kind: string, part: number | null) => boolean} ends
 */
const record = async (act, ends) => {
  const before = events.length;
  await act();
  const since = () => events.slice(before);
  await until('the last event of a round', () => since().some((event) => ends(meaningOf(event).kind, meaningOf(event).part)));
  return drawn(since());
};
/** The round of these events and of what the log has since the last time. @param {typeof events} since */
const drawn = async (since) => {
  // Asked once: what was answered to the cloud is in the log.
  const page = await client.log(cursor === '' ? {} : { after: cursor });
  cursor = page.cursor;
  const found = rounds(page.deliveries, since, { missing: [], unreadable: [] }, { prefix: form.event, names, timeZone: 'UTC' });
  if (found.length !== 1) throw new Error(`expected one round, found ${found.map(({ who, status }) => `${who} ${status}`).join(', ')}`);
  const [{ who, status, blocks }] = found;
  return { title: `${who}, ${status}`, blocks: blocks.map(recorded) };
};

/** @param {import('../../site/static/log/delivery.js').Block} block */
const recorded = (block) => ({
  name: exampleName(block),
  kind: block.kind,
  direction: block.direction,
  title: block.title,
  seq: block.seq === null ? '' : `#${block.seq}`,
  at: block.at ?? '',
  time: block.at === null ? '' : timeOfDay(block.at, new Date(block.at), 'UTC'),
  rows: block.rows.filter(({ openOnly }) => !openOnly).map(recordedRow),
  note: block.note,
});

/** @param {import('../../site/static/log/delivery.js').Row} row */
const recordedRow = ({ name, kind, value, pairs = [], remark = '' }) => {
  if (kind === 'folded') return { name, fold: value, pairs };
  return { name, ...(value === '' ? {} : { value }), ...(pairs.length === 0 ? {} : { pairs }), ...(remark === '' ? {} : { remark }) };
};

const test = (/** @type {number} */ id) => () => cloud.publish(token, form.event, testData(id));
const reply = async (/** @type {object} */ setting) => {
  const answer = await api('/api/reply', { method: 'PUT', body: JSON.stringify(setting), headers: { 'content-type': 'application/json' } });
  if (!answer.ok) throw new Error(`the reply was refused: ${await answer.text()}`);
};
const back = (/** @type {string} */ kind) => kind === 'response';

/** @type {Record<string, object>} */
const found = {};
found.test = await record(test(1652008511), back);
found.device = await record(() => press(), back);
found.device = { ...found.device, serial: await serial() };

// An error, once.
await reply({ status: 500, content_type: 'application/json', body: '{"ok":false,"id":{{id}}}', times: 1 });
found.error = await record(test(1652008512), (kind) => kind === 'error');

// A response of three parts.
await reply({ ...PRESETS.long({ max_delay_ms: 0 }), times: 1 });
found.long = await record(test(1652008513), (kind, part) => kind === 'response' && part === 2);

// Anybody can send what looks like a device's, with the line that the page shows.
const body = JSON.stringify({ event: form.event, data: JSON.stringify({ op: 'button', id: 1 }), coreid: '000000000000000000000000' });
await promisify(execFile)('curl', ['--silent', '--fail', hook_url, '-H', 'Content-Type: application/json', '--data-raw', body]);
found['made-up'] = await drawn([]);
// What the section on typed data has the reader flash.
const section = await readFile(new URL('../../site/content/09-typed-publish.md', import.meta.url), 'utf8');
const [, lines] = /```cpp\n([^]*?)```/.exec(section) ?? [];
const firmware = await (await fetch(`${stack.page}/webhook-tutorial.cpp`)).text();
await flash(firmware.replace('Particle.publish(eventName, data);', lines.trim()));
found.typed = await record(() => press(), back);
stop.abort();

// Ports and the endpoint's name are this run's own; the page shows them as `cargo run` has them.
const text = JSON.stringify(found).replaceAll(new URL(stack.page).host, '127.0.0.1:8787').replaceAll(`"${new URL(stack.page).port}"`, '"8787"').replaceAll(keys.endpoint, 'YOUR-ENDPOINT');
// The stream may outlive its abort here: Node's fetch forgets the signal of a request that was collected as garbage.
process.stdout.write(text, () => process.exit());

/** Has the device run another firmware. @param {string} text */
async function flash(text) {
  const before = said.length;
  const { errors } = await cloud.flash(token, stack.device, { name: 'webhook-tutorial.cpp', text, version: devices[0].system_firmware_version ?? '' });
  if (errors !== null) throw new Error(`it does not compile: ${JSON.stringify(errors)}`);
  await until('the new firmware is connected', () => {
    const since = said.slice(before);
    const flashed = since.findIndex((event) => event.startsWith('spark/flash/status success'));
    return flashed >= 0 && since.slice(flashed).some((event) => event === 'spark/status online');
  });
}

/** Clicks the device's MODE button, once its firmware runs. */
async function press() {
  const path = `${stack.particle}/simulated/devices/${stack.device}`;
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  const deadline = performance.now() + PATIENCE_MS;
  for (;;) {
    // Not attached yet, it is not known at all.
    const answer = await fetch(path, { headers, signal: AbortSignal.timeout(PATIENCE_MS) });
    const state = answer.ok ? await answer.json() : { message: 'not attached' };
    if (state.running && state.online) break;
    if (performance.now() > deadline) throw new Error(`the device does not run: ${JSON.stringify(state)}`);
    await new Promise((next) => setTimeout(next, 100));
  }
  const pressed = await fetch(`${path}/button`, { method: 'POST', headers, body: '{"clicks":1}' });
  if (!pressed.ok) throw new Error(`the button was not clicked: ${await pressed.text()}`);
}

/** What the device printed, once it has printed the response. @returns {Promise<string[]>} */
async function serial() {
  const answer = await fetch(`${stack.particle}/simulated/devices/${stack.device}/serial`, { headers: { authorization: `Bearer ${token}` }, signal: AbortSignal.timeout(PATIENCE_MS) });
  /** @type {string[]} */
  const lines = [];
  const reader = sseReader(({ event, data }) => event === 'serial' && lines.push(JSON.parse(data).line));
  const isWhole = () => lines.some((line) => line.includes('hook response'));
  for await (const bytes of answer.body ?? []) {
    reader.push(bytes);
    if (isWhole()) break;
  }
  return lines.filter((line) => line.includes('[app]'));
}

// The mistakes in a template are found by one table of rules, in the box and in the log.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { check } from '../static/cards/template-check.js';
import { TITLES } from '../static/log/explained.js';
import { jsonProblem } from '../static/lib/json-problem.js';
import { explain } from '../static/particle/explain.js';
import { RULES, fillSettings, templateHints } from '../static/particle/template-rules.js';
import { dice, delivery } from './particle-world.mjs';

const read = (path) => JSON.parse(readFileSync(new URL(path, import.meta.url), 'utf8'));
// The same in Rust.
const PROBLEMS = [
  ['{"t":21.', 8, 'end'],
  ['{"t":tru', 8, 'end'],
  ['{"t":"ab', 5, 'unclosed'],
  ['{"t":"\\u00', 5, 'unclosed'],
  ['{"t":21.}', 5, 'number'],
  ['[01]', 1, 'number'],
  ['[1.2.3]', 1, 'quotes'],
  ['[2026-11-28]', 1, 'quotes'],
  ["{'t':1}", 1, 'single'],
  ["['t']", 1, 'single'],
  ['["a\nb"]', 3, 'control'],
  ['["C:\\q"]', 4, 'escape'],
  ['{"t":1}}', 7, 'more'],
];
const words = (template, data) => check(template, data).hints.map(({ where, text }) => `${where}: ${text}`).join('\n');
const EVENT = { name: 'E', coreid: 'api', at: 0 };

test('the box renders every case of the one table as the simulated cloud does', () => {
  const cases = read('../../infra/simulated-cloud/tests/template-cases.json');
  assert.ok(cases.length > 60);
  for (const { name, template, context, expect } of cases) {
    // The box fills in the cloud's own names itself.
    if (Object.keys(context ?? {}).some((key) => key.startsWith('PARTICLE_'))) continue;
    assert.equal(check(template, JSON.stringify(context)).body, expect, name);
  }
});

const CASES = read('../../infra/simulated-cloud/tests/template-hints.json');
for (const { name, integration, data, hints } of CASES) {
  test(`the rules on ${name}`, () => {
    const filling = fillSettings(integration, { ...EVENT, data });
    assert.deepEqual(templateHints(filling).map(({ id }) => id), hints);
    const text = integration.body ?? (typeof integration.json === 'string' ? integration.json : null);
    if (text !== null && Object.keys(integration).length === 1) assert.deepEqual(check(text, data).hints.map(({ id }) => id), hints, 'in the box');
  });
}

test('each rule has an example that it finds and one that it does not', () => {
  for (const { id, about } of RULES) {
    assert.ok(CASES.some(({ hints }) => hints.includes(id)) && CASES.some(({ hints }) => !hints.includes(id)), id);
    assert.ok(TITLES.has(about), about);
  }
});

test('what is said names the cause', () => {
  assert.match(words('{{{Room}}}', '{"room":1}'), /has no “Room”.*Did you mean room\?/);
  assert.match(words('{{{temp}}}', '{"sensor":{"temp":1}}'), /Did you mean sensor\.temp\?/);
  assert.match(words('{{{device_id}}}', '{}'), /Did you mean PARTICLE_DEVICE_ID\?/);
  assert.match(words('{{{loc}}}', '{"loc":{"lat":1}}'), /\{\{\{loc\.lat\}\}\}/);
  assert.match(words('{"t":{{{a}}}}', '{"a":{"b":1,}}'), /a comma is left over, at position 12/);
  assert.match(words('{"a":[{{#a}}{{.}},{{/a}}]}', '{"a":[1,2]}'), /body: A comma is left over after the last item, at position 10/);
  assert.match(words('{{#a}}x', '{"a":1}'), /can’t be filled: missing closing tag: a/);
  const value = '{{{PARTICLE_EVENT_VALUE}}}';
  assert.match(words(`{"t":${value}}`, '{"t":1,}'), /data: The data is not JSON \(a comma is left over, at position 7\), and it is a part of the body/);
  assert.match(words('{{{b}}}', '{"t":21.'), /it ends too early, at position 9/);
  assert.match(words('{{{b}}}', "{'t':1}"), /single quotes in place of double quotes, at position 2/);
  assert.match(words('{"t":"{{{t}}}"}', '{"t":"a\\nb"}'), /a line break or another control character within a text, at position 8/);
  for (const [data, cause] of [['{"t":null}', '“t” is null'], ['{"t":""}', '“t” is empty'], ['{"t":[]}', '“t” is an empty list']])
    assert.ok(words('{"t":{{{t}}}}', data).includes(`{{{t}}}: ${cause}, so nothing`), data);
  assert.match(words(`{"t":${value}}`, ''), /the event has no data/);
  assert.match(words('{"t":{{{t}}}}', '{"t":[1,2]}'), /“t” is a list, which is written as 1,2, without brackets/);
  assert.match(words('{"t":{{{t}}}}', '{"t":"abc"}'), /Put quotes around the tag\.$/);
  assert.match(words(`{"t":${value}}`, 'true story'), /“true story” is text without quotes.*Test sends plain text/);
  assert.match(words('{"t":{{{TEMP}}}}', '{"temp":1}'), /a cloud secret named TEMP .* Did you mean temp\?$/);
  assert.match(words('{{{a.b}}}', '{"a.b":1}'), /A dot reaches into an object, and “a.b” is one name there/);
  assert.doesNotMatch(words('{"v":{{{v}}},}', '{"v":1}'), /section/);
  assert.match(words('{{{1}}}{{{2}}}{{{3}}}{{{4}}}{{{5}}}{{{6}}}{{{7}}}', '{}'), /“5”, so nothing is written there\. And 2 more\.$/);
  assert.equal(check('{{#a}}x', '{}').body, null);
  assert.equal(check('{"k":{{{AUTH_KEY}}}}', '{}').body, '{"k":[[SENSITIVE]]}');
});

test('the log explains what came, with or without the webhook’s settings', () => {
  const bot = [['user-agent', 'ParticleBot/1.1']];
  const ids = (body, data, hooks = [], more = {}) => {
    const one = delivery(1, { receivedAt: 0, body, headers: bot, ...more });
    Object.assign(one.request, more.request);
    return explain({ delivery: one, event: more.event === null ? null : { ...EVENT, data }, name: 'E' }, hooks).map(({ id }) => id);
  };
  for (const { name, integration, data, hints } of CASES) {
    const { body, error } = fillSettings(integration, { ...EVENT, data });
    if (error !== null || integration.query || integration.form || integration.responseTemplate) continue;
    // What is wrong with something that was not published yet is no matter here.
    const expected = hints.filter((id) => id !== 'data-size');
    assert.deepEqual(ids(body, data, [{ event: 'E', ...integration }]), expected, name);
  }
  for (const [body, data, expected] of [
    ['{"t":}', '{"x":1}', ['missing-name']],
    ['{"loc":[object Object]}', '{"loc":{"lat":1}}', ['object-as-value']],
    ['{"data":test-event}', 'test-event', ['unquoted-text']],
    ['{"a":[1,2,]}', '{"a":[1,2]}', ['comma-left']],
    ['{"value":"21.5"}', '21.5', ['became-string']],
    ['{"n":"it&#39;s"}', '{"n":"it\'s"}', ['double-braces']],
    ['{"t":21.5}', '{"t":21.5}', []],
  ])
    assert.deepEqual(ids(body, data), expected, body);
  assert.deepEqual(ids('{"a":[1,]}', '{}', [], { headers: [['user-agent', 'curl/8']], event: null }), [], 'not Particle’s');
  assert.deepEqual(ids('', '{"n":"R&D"}', [], { request: { query: 'n=R%26amp%3BD' } }), ['double-braces'], 'in a query');
});

test('no template and no data is too much for the rules', () => {
  const before = performance.now();
  for (const template of [`{{{${' '.repeat(300_000)}`, `{{${' '.repeat(300_000)}}`, '{'.repeat(300_000), '{{{a}}}'.repeat(50_000)]) words(template, '{"a":1}');
  assert.ok(performance.now() - before < 5_000);
  const nested = (depth) => `${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`;
  assert.equal(words('{{{a.a.a.a}}}', nested(200)).includes('not JSON'), false);
  const settings = { json: JSON.parse(nested(5_000)) };
  assert.match(templateHints(fillSettings(settings, { ...EVENT, data: '{}' }))[0].text, /nested more than 64 deep/);
});

test('a text is JSON for the one who says where it is not exactly if it is', () => {
  const pieces = ['{', '}', '[', ']', ',', ':', '"a"', '"', '1', '-', '01', '1.5e3', 'true', 'null', 'x', ' ', '\n', '\\', '\u0001', '"\\u00e9"'];
  for (let seed = 0; seed < 20_000; seed += 1) {
    const random = dice(seed);
    const text = Array.from({ length: random.below(9) }, () => random.pick(pieces)).join('');
    let isJson = true;
    try {
      JSON.parse(text);
    } catch {
      isJson = false;
    }
    const problem = jsonProblem(text);
    assert.equal(problem === null, isJson, text);
    if (problem) assert.ok(problem.at >= 0 && problem.at <= text.length, text);
  }
  assert.deepEqual(jsonProblem('{"values":{"t":21.5,}}'), { at: 19, reason: 'comma' });
  assert.equal(jsonProblem('['.repeat(200_000)).reason, 'end');
  for (const [text, at, reason] of PROBLEMS) assert.deepEqual(jsonProblem(text), { at, reason }, text);
});

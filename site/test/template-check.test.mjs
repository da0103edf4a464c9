import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { check } from '../static/cards/template-check.js';

const words = (template, data) => check(template, data).mistakes.map((one) => `${one.where}: ${one.words}`).join('\n');

test('the box renders every case of the one table as the simulated cloud does', () => {
  const cases = JSON.parse(readFileSync(new URL('../../infra/simulated-cloud/tests/template-cases.json', import.meta.url), 'utf8'));
  assert.ok(cases.length > 60);
  for (const { name, template, context, expect } of cases) {
    // The box fills in the cloud's own names itself.
    if (Object.keys(context ?? {}).some((key) => key.startsWith('PARTICLE_'))) continue;
    assert.equal(check(template, JSON.stringify(context)).body, expect, name);
  }
});

test('a template without a mistake', () => {
  const { body, mistakes } = check('{"a":{{{a.b}}},"d":"{{{PARTICLE_DEVICE_ID}}}"}', '{"a":{"b":2}}');
  assert.deepEqual(mistakes, []);
  assert.equal(JSON.parse(body).a, 2);
  assert.deepEqual(check('{{#list}}{{{name}}};{{/list}}', '{"list":[{"name":"a"},{"name":"b"}]}'), { body: 'a;b;', mistakes: [] });
});

test('each mistake is pointed out where it is', () => {
  assert.match(words('{"n":"{{note}}"}', '{"note":"Anna\'s"}'), /template: \{\{note\}\}: two braces/);
  assert.equal(words('{"n":"{{note}}"}', '{"note":"plain"}'), '', 'two braces do no harm here');
  assert.match(words('{{{Room}}}', '{"room":1}'), /has “Room”.*Did you mean room\?/);
  assert.match(words('{{{temp}}}', '{"sensor":{"temp":1}}'), /Did you mean sensor\.temp\?/);
  assert.match(words('{{{nothing}}}', '{}'), /becomes nothing\.$/);
  assert.match(words('{{{a}}}', '{"a":{"b":1}}'), /object/);
  assert.match(words('x {{{a', '{"a":1}'), /never closed/);
  assert.match(words('{{#a}}x', '{"a":1}'), /can’t be filled: missing closing tag: a/);
  assert.match(words('{"a":{{{b}}}}', '{"c":1}'), /body: The body is not valid JSON: a value is missing/);
  assert.match(words('{"a":"{{{b}}}"}', '{"b":"say \\"hi\\""}'), /body: .*quotes/);
  assert.match(words('plain', 'not json'), /data: The data is not JSON/);
  assert.equal(words('{{{PARTICLE_EVENT_VALUE}}}', ''), '');
  assert.equal(check('{{#a}}x', '{}').body, null);
});

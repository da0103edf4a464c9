// The names that templates and scripts share are the same on both sides: components, their slots, their actions.

import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const templates = new URL('../templates/', import.meta.url);
const scripts = new URL('../static/', import.meta.url);
const htmls = readdirSync(templates, { recursive: true }).filter((path) => path.endsWith('.html'));
const html = new Map(htmls.map((path) => [path.slice(0, -5), readFileSync(new URL(path, templates), 'utf8').replace(/<template[^]*?<\/template>/g, '')]));
const all = (text, pattern) => [...text.matchAll(pattern)].map(([, name]) => name);
const attribute = (text, name) => all(text, new RegExp(`\\b${name}="([^"]*)"`, 'g'));
const script = (name) => readFileSync(new URL(`${name}.js`, scripts), 'utf8');
/** Components whose names differ from one use to the next, or that share their markup with the prose. */
const GENERAL = new Set(['lib/dialog', 'steps/text']);
/** Components that frame the page of the log, in its own template. */
const OF_PAGE = new Set(['log/workbench', 'log/drawer']);

test('a component has a template and a script of its name', () => {
  for (const [path, text] of html) {
    for (const name of attribute(text, 'data-component').filter((one) => !GENERAL.has(one))) {
      assert.equal(path, OF_PAGE.has(name) ? 'log' : name, `${name} is in ${path}.html`);
      assert.match(script(name), /^export function mount\(/m, name);
    }
  }
  const named = new Set([...html.values()].flatMap((text) => attribute(text, 'data-component')));
  const files = readdirSync(scripts, { recursive: true }).filter((path) => path.endsWith('.js'));
  const mounts = files.filter((path) => /^export function mount\(/m.test(readFileSync(new URL(path, scripts), 'utf8')));
  assert.deepEqual(mounts.map((path) => path.slice(0, -3)).sort(), [...named].sort());
});

test('slots and actions are the same in template and script', () => {
  for (const [path, text] of html) {
    const [name] = attribute(text, 'data-component');
    if (!name || GENERAL.has(name) || path === 'log' || path === 'tutorial') continue;
    const source = script(name);
    const destructured = all(source, /const \{([^}]*)\} =\s+(?:slots\(\w+\)|at);/g).flatMap((names) => all(names, /(?:^|,)\s*'?([\w-]+)'?/g));
    const isNamed = source.includes('const at = slots(root)');
    const members = isNamed ? [...all(source, /\bat\.(\w+)/g), ...all(source, /\bat\['([\w-]+)'\]/g)] : [];
    const used = new Set([...destructured, ...members]);
    // Written with a name that is computed: those of the rows of a list, say.
    const isComputed = /\bat\[[`\w]/.test(source);
    const slots = new Set(attribute(text, 'data-slot'));
    for (const slot of used) assert.ok(slots.has(slot), `${name}.js uses the slot ${slot}`);
    if (!isComputed) for (const slot of slots) assert.ok(used.has(slot), `${path}.html has the slot ${slot}`);

    const returned = /\n {2}return \{([^]*?)\n?(?: {2})?\};\n/.exec(source.slice(source.indexOf('export function mount')))?.[1] ?? '';
    const actions = new Set([...all(returned, /^(?: {4}| )(?:async )?'?([\w-]+)'?[(:]/gm), ...all(returned, /, (?:async )?'?([\w-]+)'?: \(/g)]);
    const offered = new Set(attribute(text, 'data-action'));
    assert.deepEqual([...offered].sort(), [...actions].sort(), name);
  }
});

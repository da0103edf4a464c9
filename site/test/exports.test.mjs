import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';

const root = new URL('..', import.meta.url);
/** Modules and their tests, without what is said of types. */
const sources = readdirSync(root, { recursive: true })
  .filter((path) => /^(?:static\/.*\.js|test\/.*\.mjs)$/.test(path))
  .map((path) => ({ path, text: readFileSync(new URL(path, root), 'utf8').replace(/\/\*\*[^]*?\*\//g, '') }));
/** What a module imports from, as a path like its own. */
const pathOf = (path, from) => new URL(from, new URL(path, root)).pathname.slice(root.pathname.length);
const named = (names) => names.split(',').map((name) => name.trim().split(/ as |: /)[0]).filter(Boolean);

test('what a module exports is imported by another, or by a test', () => {
  const imported = new Set();
  for (const { path, text } of sources) {
    for (const [, names, from] of text.matchAll(/^import \{([^}]+)\} from '(\.[^']+)';$/gm)) {
      for (const name of named(names)) imported.add(`${pathOf(path, from)} ${name}`);
    }
    // Of what is loaded later, any word may be what is taken.
    for (const [, from] of text.matchAll(/import\('(\.[^']+)'\)/g)) {
      for (const [word] of text.matchAll(/\w+/g)) imported.add(`${pathOf(path, from)} ${word}`);
    }
  }
  const exported = sources.flatMap(({ path, text }) =>
    [...text.matchAll(/^export (?:async )?(?:const|function|class) (\w+)/gm)].map(([, name]) => `${path} ${name}`),
  );
  assert.ok(exported.length > 100, String(exported.length));
  // Components are mounted by their names (components.test.mjs).
  const unused = exported.filter((one) => !imported.has(one) && !one.endsWith(' mount'));
  assert.deepEqual(unused, []);
});

// What is said when something that can't be undone fails is true: of what was done before, and of what nobody knows.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApiProblem } from '../static/lib/api-client.js';
import { attempt } from '../static/lib/attempt.js';
import { leave } from '../static/lib/dialog.js';

/** Signs out with everything chosen; one step fails. @param {string} failing @param {Error} problem */
async function left(failing, problem) {
  const tried = [];
  const step = (name) => async () => {
    tried.push(name);
    if (name === failing) throw problem;
  };
  const page = { particle: { removeWebhook: step('remove'), signOut: step('sign out') }, endpoint: { forget: step('forget') } };
  const words = await attempt((done) => leave({ remove: true, forget: true }, page, done));
  return { tried, words };
}

test('what was done before a step failed is said, and no further step is tried', async () => {
  const refused = new ApiProblem(403, 'this key may not do that');
  assert.deepEqual(await left('', refused), { tried: ['remove', 'forget', 'sign out'], words: '' });
  assert.deepEqual(await left('remove', refused), { tried: ['remove'], words: 'That did not work: this key may not do that.' });
  assert.deepEqual(await left('forget', refused), { tried: ['remove', 'forget'], words: 'The webhook is removed. That did not work: this key may not do that.' });
});

test('what had no answer may have been done, and nothing else is said of it', async () => {
  const { words } = await left('forget', new ApiProblem(0, 'the server did not answer in time'));
  assert.equal(words, 'The webhook is removed. It is not known whether that worked: the server did not answer in time. To try again does no harm.');
});

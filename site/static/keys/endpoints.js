// @ts-check
// The endpoints whose keys this browser keeps: their names, switching, a new one, and all keys as a
// file. Each tab looks at its own.

import { failure } from '../lib/api-client.js';
import { slots } from '../lib/component.js';
import { element, wordButton, write } from '../lib/dom.js';
import { save } from '../lib/save.js';
import { computed, effect } from '../lib/signal.js';
import { keyFile, nameOf, readKeyFile } from './key-file.js';
import { keysOfOwner } from './keys.js';

/** Longer files have other things in them. */
const MAX_FILE = 1024 * 1024;

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, endpoint }) {
  const { title, list, file, said, new: another, save: saving } = slots(root);
  let isMaking = false;
  /** Whether the button that had the focus is about to go. */
  let hadFocus = false;
  const own = computed(() => state.keys.value?.owner ?? null);
  /** The one that this tab looks at comes first. */
  const owners = computed(
    () => [...(own.value === null ? [] : [own.value]), ...state.others.value],
    (a, b) => a.join() === b.join(),
  );
  effect(() => {
    root.hidden = false;
    // Before there is one, Start makes it.
    another.hidden = own.value === null;
    for (const node of [title, list, saving]) node.hidden = owners.value.length === 0;
    void draw(owners.value);
  });

  /** @param {string[]} keys */
  async function draw(keys) {
    const found = await Promise.all(keys.map((owner) => keysOfOwner(owner, crypto)));
    if (keys !== owners.peek()) return;
    list.replaceChildren(
      ...found.map(({ owner, endpoint: id }) => {
        const name = /** @type {HTMLInputElement} */ (element('input', ''));
        name.type = 'text';
        name.maxLength = 60;
        name.placeholder = 'no name';
        name.value = endpoint.nameOf(id);
        name.setAttribute('aria-label', `Name of ${id}`);
        name.addEventListener('change', () => endpoint.setName(id, nameOf(name.value)));
        const open = wordButton('Switch to it', () => {
          hadFocus = true;
          void endpoint.use(owner ?? '');
        });
        const isHere = owner === own.peek();
        const here = isHere ? element('span', 'endpoint-here', 'in this tab') : open;
        return element('li', '', name, element('code', '', id), here);
      }),
    );
    if (hadFocus) list.querySelector('input')?.focus();
    hadFocus = false;
  }

  file.addEventListener('change', async () => {
    const chosen = file.files?.[0];
    const entries = chosen?.size > MAX_FILE ? null : readKeyFile((await chosen?.text()) ?? '');
    file.value = '';
    if (entries === null) {
      write(said, 'This is not a file of keys: nothing was loaded.');
      return;
    }
    for (const { owner, name } of entries) {
      endpoint.add(owner);
      if (name !== '') endpoint.setName((await keysOfOwner(owner, crypto)).endpoint, name);
    }
    const count = `${entries.length} ${entries.length === 1 ? 'key' : 'keys'}`;
    write(said, `${count} loaded. Choose an endpoint above.`);
  });

  async function saveKeys() {
    const found = await Promise.all(owners.peek().map((one) => keysOfOwner(one, crypto)));
    const entries = found.map(({ owner, endpoint: id }) => ({
      owner: owner ?? '',
      name: endpoint.nameOf(id),
    }));
    save('webhook-keys.json', [keyFile(entries)], 'application/json');
    write(said, 'Whoever has this file owns the endpoints.');
  }

  async function makeNew() {
    if (isMaking) return;
    isMaking = true;
    const why = await endpoint.start({ isNew: true });
    isMaking = false;
    if (why?.field === 'creation_code') state.dialog.value = { name: 'creation-code', isNew: true };
    else write(said, why ? failure(why) : 'This tab has a new endpoint.');
  }

  return { new: () => makeNew(), save: () => saveKeys(), load: () => file.click() };
}

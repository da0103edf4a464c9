// @ts-check
// The firmware on the page: to copy, to download, to change, and to flash.

import { slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { element, fromTemplate, slot, write, writeOrHide } from '../lib/dom.js';
import { effect, signal, untracked } from '../lib/signal.js';
import { inBrowser } from '../lib/storage.js';
import { CloudProblem } from '../particle/cloud.js';
import {
  isInProduct,
  isVersion,
  nameOf,
  platformName,
  replaces,
  versionsFor,
  whyNot,
} from './flashable.js';
import { flashRun } from './flash-run.js';

/**
 * @typedef {import('../particle/cloud.js').Device} Device
 * @typedef {import('../particle/model.js').Connection} Connection
 */

/** The part of the upload is named so; the ending says that it is source. */
const FILE = 'webhook-tutorial.cpp';
/** Where this browser keeps a learner's changes. */
const keptText = inBrowser('webhook-tutorial/firmware');
/** The last line of `publish()`, which the section on typed publish replaces. */
const PUBLISH_LINE = 'Particle.publish(eventName, data);';
/** The simulated cloud takes half a megabyte; no firmware of one file is as large as this. */
const MAX_SOURCE = 256 * 1024;

/** What each step of a flash means. */
const STEPS = new Map([
  ['compiling', 'Compiling in the cloud.'],
  ['sent', 'Compiled; sending it to the device.'],
  ['delivered', 'Received; the device is restarting.'],
  ['back', 'Back online.'],
]);

/** @type {import('../lib/component.js').Mount} */
export function mount(root, page) {
  const { state } = page;
  const at = slots(root);
  const original = at.source.textContent ?? '';
  /** With its colours, to go back to. */
  const coloured = at.source.cloneNode(true);
  /** What the learner made of it; null if nothing. */
  const changed = signal(keptText.text());
  const isEditing = signal(false);
  const isChanged = () => changed.value !== null && changed.value !== original;
  const source = () => changed.peek() ?? original;
  const flash = mountFlash(at, page, { source, isChanged: () => source() !== original });

  effect(() => {
    const text = changed.value ?? original;
    if (at.edited.value !== text) at.edited.value = text;
  });
  effect(() => {
    at.changed.hidden = !isChanged();
    at.reset.hidden = !isChanged();
  });
  /** @type {string | null} */
  let blobUrl = null;
  effect(() => {
    const editing = isEditing.value;
    at.edit.setAttribute('aria-pressed', String(editing));
    at.edit.textContent = editing ? 'Done' : 'Edit';
    at.shown.hidden = editing;
    at.edited.hidden = !editing;
    // Not with every key: a new address for the download each time would be as many copies.
    if (editing) return;
    const text = changed.value ?? original;
    if (at.source.textContent !== text) {
      if (isChanged()) at.source.textContent = text;
      else at.source.replaceChildren(...coloured.cloneNode(true).childNodes);
    }
    if (blobUrl !== null) URL.revokeObjectURL(blobUrl);
    blobUrl = isChanged() ? URL.createObjectURL(new Blob([text], { type: 'text/plain' })) : null;
    at.download.href = blobUrl ?? `/${FILE}`;
  });

  /** @param {string | null} text */
  const change = (text) => {
    changed.value = text;
    keptText.keep(text);
  };
  at.edited.addEventListener('input', () =>
    change(at.edited.value === original ? null : at.edited.value),
  );

  effect(() => {
    const request = state.flashRequest.value;
    if (request === null) return;
    untracked(() => {
      state.flashRequest.value = null;
      const parts = source().split(PUBLISH_LINE);
      const { lines } = request;
      if (lines !== null && parts.length === 2) {
        const indent = /[ \t]*$/.exec(parts[0])?.[0] ?? '';
        change(parts.join(lines.trim().replaceAll('\n', `\n${indent}`)));
      }
      void flash.open({ isFar: lines !== null });
    });
  });

  return {
    copy: (button) => copyFrom(button, source()),
    edit() {
      isEditing.value = !isEditing.peek();
      if (!isEditing.peek()) return;
      // It is shown first.
      queueMicrotask(() => at.edited.focus());
    },
    reset() {
      change(null);
      at.edit.focus();
    },
    close: () => at.dialog.close(),
  };
}

/**
 * The dialog before a flash, and what is said while it goes on.
 * @param {Record<string, any>} at the slots of the component
 * @param {import('../page.js').Page} page
 * @param {{source: () => string, isChanged: () => boolean}} firmware
 */
function mountFlash(at, { state, particle, clock }, { source, isChanged }) {
  const form = /** @type {HTMLFormElement} */ (at.form);
  /** @type {ReturnType<typeof flashRun> | null} */
  let run = null;
  /** The devices in the dialog, looked up when it was opened. @type {Device[]} */
  let devices = [];
  /** @type {unknown} */
  let targets = null;
  /** Whether somebody asked from another section, and stays there unless it fails. */
  let isFar = false;
  const isFlashing = () => run?.state().kind === 'going';

  const selected = () => {
    const chosen = new FormData(form).get('flash-device');
    return devices.find(({ id }) => id === chosen) ?? null;
  };
  const ownVersion = (/** @type {Device | null} */ device) => {
    const own = device?.system_firmware_version ?? null;
    return own !== null && isVersion(own) ? own : null;
  };
  const version = () => {
    const chosen = at.target.hidden ? at.typed.value.trim() : at.target.value;
    return ownVersion(selected()) ?? (isVersion(chosen) ? chosen : null);
  };

  function drawDialog() {
    const device = selected();
    const own = ownVersion(device);
    at.version.hidden = device === null || own !== null;
    const known = `It is compiled for Device OS ${own}, which the device has.`;
    write(at['target-words'], device === null ? '' : own !== null ? known : UNKNOWN_VERSION);
    write(at.replaces, device === null ? '' : replaces(device, FILE, isChanged()));
    at.go.disabled = device === null || version() === null;
  }

  function drawTargets() {
    const device = selected();
    if (device === null) return;
    const versions = versionsFor(targets, device.platform_id);
    at.target.hidden = versions.length === 0;
    at.typed.hidden = versions.length > 0;
    const first = new Option('choose one', '', true, true);
    at.target.replaceChildren(first, ...versions.map((one) => new Option(one, one)));
  }

  /** @param {string | null} chosenId chosen already */
  function drawDevices(chosenId) {
    const rows = devices.map((device) => {
      const row = fromTemplate('flash-device-template');
      const input = /** @type {HTMLInputElement} */ (row.querySelector('input'));
      const why = whyNot(device);
      const own = device.system_firmware_version;
      input.value = device.id;
      input.disabled = why !== '';
      input.checked = why === '' && device.id === chosenId;
      write(slot(row, 'name'), nameOf(device));
      write(slot(row, 'kind'), `${platformName(device)}${own ? `, Device OS ${own}` : ''}`);
      write(slot(row, 'why'), why);
      return row;
    });
    at.devices.replaceChildren(...(rows.length > 0 ? rows : [NO_DEVICE]));
  }

  form.addEventListener('change', ({ target }) => {
    if (/** @type {HTMLInputElement} */ (target).name === 'flash-device') drawTargets();
    drawDialog();
  });
  at.typed.addEventListener('input', drawDialog);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const device = selected();
    const wanted = version();
    const now = particle.connection.peek();
    if (!device || wanted === null || !now) return;
    at.dialog.close();
    begin(now, device, wanted);
  });

  /** @param {{isFar: boolean}} from */
  async function open(from) {
    const now = particle.connection.peek();
    if (isFlashing()) return at.progress.focus();
    if (now === null) return;
    ({ isFar } = from);
    writeOrHide(at.problem, '');
    const what = isChanged() ? 'The firmware as you changed it' : 'The firmware';
    write(at.what, `${what} is compiled in the cloud and sent to the device.`);
    devices = state.devices.peek() ?? [];
    drawDevices(null);
    drawDialog();
    if (!at.dialog.open) at.dialog.showModal();
    try {
      const [list, offered] = await Promise.all([
        now.cloud.devices(now.token),
        now.cloud.buildTargets().catch(() => null),
      ]);
      targets = offered;
      devices = await Promise.all(list.map((device) => withMark(now, device)));
      const able = devices.filter((device) => whyNot(device) === '');
      drawDevices(able.length === 1 ? able[0].id : null);
      drawTargets();
      drawDialog();
    } catch (error) {
      const isCloud = error instanceof CloudProblem;
      if (isCloud && error.cause === 'expired') particle.refused(now.token);
      writeOrHide(
        at.problem,
        isCloud
          ? `The devices could not be listed. ${error.message}`
          : 'Something went wrong in this page.',
      );
    }
  }

  /**
   * Whether a product's device is a development device: the account's own list may not say.
   * @param {Connection} now
   * @param {Device} device
   */
  async function withMark(now, device) {
    if (!isInProduct(device) || device.development !== null) return device;
    const product = /** @type {number} */ (device.product_id);
    try {
      const { development } = await now.cloud.productDevice(now.token, product, device.id);
      return { ...device, development };
    } catch {
      return device;
    }
  }

  /** @param {Connection} now @param {Device} device @param {string} wanted */
  function begin(now, device, wanted) {
    const text = source();
    at.progress.hidden = false;
    write(at.title, `Flashing ${nameOf(device)}`);
    if (text.length > MAX_SOURCE) {
      run = null;
      at.steps.replaceChildren();
      return write(at.words, 'The file is too large to be sent from here.');
    }
    const { cloud, token } = now;
    run = flashRun({
      cloud,
      token,
      device,
      name: FILE,
      text,
      version: wanted,
      clock,
      onChange: drawRun,
    });
    drawRun();
    if (!isFar) at.progress.focus();
    const mine = run;
    void mine.done.then(() => {
      if (mine.state().kind === 'back') void particle.learnDevices();
      else if (isFar) at.progress.focus();
    });
  }

  function drawRun() {
    const now = run?.state();
    if (!now) return;
    const steps = 'steps' in now ? now.steps : [];
    if (steps.length < at.steps.childElementCount) at.steps.replaceChildren();
    const fresh = steps.slice(at.steps.childElementCount);
    at.steps.append(...fresh.map((step) => element('li', '', STEPS.get(step) ?? '')));
    at.progress.dataset.state = now.kind;
    writeOrHide(at.errors, now.kind === 'errors' ? now.text : '');
    write(at.words, (state.flashWords.value = wordsFor(now)));
  }

  particle.listen((event) => run?.hear(event));
  return { open };
}

const NO_DEVICE = 'There is no device in this account. Claim one in the console first.';
const UNKNOWN_VERSION =
  'The cloud does not know which Device OS the device has. A newer one than it has would make ' +
  'it update itself first, which takes long over a cellular connection.';

/** @param {import('./flash-run.js').FlashState} state */
function wordsFor(state) {
  if (state.kind === 'back') return 'The device is back online, with the new firmware.';
  if (state.kind === 'errors')
    return (
      'It does not compile, so nothing was flashed and the device goes on with what it ' +
      'runs. The compiler wrote:'
    );
  if (state.kind === 'stopped') return state.words;
  const step = state.steps.at(-1);
  const slow = state.slow
    ? ' No news for a minute; over a slow connection this can take several.'
    : '';
  if (step === 'compiling') return `Compiling …${slow}`;
  return `${step === 'sent' ? 'Sending …' : 'Waiting for the device to come back …'}${slow}`;
}

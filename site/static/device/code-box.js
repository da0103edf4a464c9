// @ts-check
// The firmware on the page: to copy, to download, to change, and to flash. Only DOM and its wiring.

import { copyFrom } from '../lib/copy.js';
import { buttons, copyOf, dialog, part, slot, write } from '../lib/dom.js';
import { CloudProblem } from '../particle/cloud.js';
import { inBrowser } from '../lib/storage.js';
import { isInProduct, isVersion, nameOf, platformName, replaces, versionsFor, whyNot } from './flashable.js';
import { flashRun } from './flash-run.js';

/**
 * @typedef {import('../particle/cloud.js').Device} Device
 * @typedef {{id: string, cloud: ReturnType<typeof import('../particle/cloud.js').cloud>, token: string, simulated: boolean,
 *   devices: Device[] | null}} Connection
 */

/** The part of the upload is named so; the ending says that it is source. */
const FILE = 'webhook-tutorial.cpp';
/** Where this browser keeps a learner's changes. */
const keptText = inBrowser('webhook-tutorial/firmware');
/** The simulated cloud takes half a megabyte; no firmware of one file is as large as this. */
const MAX_SOURCE = 256 * 1024;

/** What each step of a flash means. @type {Record<import('./flash-run.js').Step, string>} */
const STEPS = {
  compiling: 'The cloud compiles it.',
  sent: 'It compiled; the program is on its way to the device.',
  delivered: 'The device has it, and restarts.',
  back: 'The device is back online, with the new firmware.',
};

/**
 * @param {{clock: import('../particle/stream.js').Clock, connection: () => Connection | null, refused: (token: string) => void,
 *   onFlashed: () => void}} with_
 */
export function mountCodeBox({ clock, connection, refused, onFlashed }) {
  const original = slot('firmware-source').textContent ?? '';
  /** With its colours, to go back to. */
  const coloured = slot('firmware-source').cloneNode(true);
  const edited = /** @type {HTMLTextAreaElement} */ (part('firmware-edited'));
  const shown = part('firmware-shown');
  const download = /** @type {HTMLAnchorElement} */ (part('firmware-download'));
  const asked = dialog('flash');
  const form = /** @type {HTMLFormElement} */ (part('flash-form'));
  const target = /** @type {HTMLSelectElement} */ (part('flash-target'));
  const typed = /** @type {HTMLInputElement} */ (part('flash-target-typed'));
  const go = /** @type {HTMLButtonElement} */ (part('flash-go'));
  /** What the learner made of it; null if nothing. @type {string | null} */
  let changed = keptText.text();
  let editing = false;
  /** @type {ReturnType<typeof flashRun> | null} */
  let run = null;
  /** The devices in the dialog, looked up when it was opened. @type {Device[]} */
  let devices = [];
  /** @type {unknown} */
  let targets = null;
  /** @type {string | null} */
  let blobUrl = null;

  const source = () => changed ?? original;
  const flashing = () => run?.state().kind === 'going';

  function draw() {
    const isChanged = changed !== null && changed !== original;
    part('code-changed').hidden = !isChanged;
    for (const button of buttons('firmware-reset')) button.hidden = !isChanged;
    for (const button of buttons('firmware-edit')) {
      button.setAttribute('aria-pressed', String(editing));
      button.textContent = editing ? 'Done' : 'Edit';
    }
    shown.hidden = editing;
    edited.hidden = !editing;
    if (!editing && (slot('firmware-source').textContent ?? '') !== source()) {
      if (isChanged) slot('firmware-source').textContent = source();
      else slot('firmware-source').replaceChildren(...coloured.cloneNode(true).childNodes);
    }
    for (const button of buttons('flash')) button.disabled = flashing();
    if (blobUrl !== null) URL.revokeObjectURL(blobUrl);
    blobUrl = isChanged ? URL.createObjectURL(new Blob([source()], { type: 'text/plain' })) : null;
    download.href = blobUrl ?? `/${FILE}`;
  }

  edited.addEventListener('input', () => {
    changed = edited.value === original ? null : edited.value;
    keptText.keep(changed);
    // Not all of it: a new address for the download at every key would be as many copies.
    part('code-changed').hidden = changed === null;
    for (const button of buttons('firmware-reset')) button.hidden = changed === null;
  });

  // ---- The dialog

  const selected = () => devices.find(({ id }) => id === new FormData(form).get('flash-device')) ?? null;
  const version = () => {
    const device = selected();
    if (device === null) return null;
    const own = device.system_firmware_version;
    if (own !== null && isVersion(own)) return own;
    const chosen = target.hidden ? typed.value.trim() : target.value;
    return isVersion(chosen) ? chosen : null;
  };

  function drawDialog() {
    const device = selected();
    const own = device?.system_firmware_version ?? null;
    const known = own !== null && isVersion(own);
    part('flash-version').hidden = device === null || known;
    write(slot('flash-target-words'), device === null ? '' : known ? `It is compiled for Device OS ${own}, which the device has.` : 'The cloud does not know which Device OS the device has. A newer one than it has would make it update itself first, which takes long over a cellular connection.');
    write(slot('flash-replaces'), device === null ? '' : replaces(device, changed !== null && changed !== original ? `your changed ${FILE}` : FILE));
    go.disabled = device === null || version() === null;
  }

  function drawTargets() {
    const device = selected();
    if (device === null) return;
    const versions = versionsFor(targets, device.platform_id);
    target.hidden = versions.length === 0;
    typed.hidden = versions.length > 0;
    const first = new Option('choose one', '', true, true);
    target.replaceChildren(first, ...versions.map((one) => new Option(one, one)));
  }

  /** @param {string | null} chosenId chosen already */
  function drawDevices(chosenId) {
    slot('flash-devices').replaceChildren(
      ...devices.map((device) => {
        const row = copyOf('flash-device-template');
        const input = /** @type {HTMLInputElement} */ (row.querySelector('input'));
        const why = whyNot(device);
        input.value = device.id;
        input.disabled = why !== '';
        input.checked = why === '' && device.id === chosenId;
        slot('name', row).textContent = nameOf(device);
        slot('kind', row).textContent = `${platformName(device)}${device.system_firmware_version ? `, Device OS ${device.system_firmware_version}` : ''}`;
        slot('why', row).textContent = why;
        return row;
      }),
    );
    if (devices.length === 0) slot('flash-devices').textContent = 'There is no device in this account. Claim one in the console first.';
  }

  form.addEventListener('change', ({ target: node }) => {
    if (/** @type {HTMLInputElement} */ (node).name === 'flash-device') drawTargets();
    drawDialog();
  });
  typed.addEventListener('input', drawDialog);
  form.addEventListener('submit', (event) => {
    event.preventDefault();
    const device = selected();
    const wanted = version();
    const now = connection();
    if (!device || wanted === null || !now) return;
    asked.close();
    begin(now, device, wanted);
  });

  function say(/** @type {string} */ words) {
    slot('flash-problem').textContent = words;
    slot('flash-problem').hidden = words === '';
  }

  async function open() {
    const now = connection();
    if (flashing() || now === null) return;
    say('');
    write(slot('flash-what'), changed !== null && changed !== original ? 'The firmware as you changed it is compiled in the cloud and sent to the device.' : 'The firmware is compiled in the cloud and sent to the device.');
    devices = now.devices ?? [];
    drawDevices(null);
    drawDialog();
    if (!asked.open) asked.showModal();
    try {
      const [list, offered] = await Promise.all([now.cloud.devices(now.token), now.cloud.buildTargets().catch(() => null)]);
      targets = offered;
      devices = await Promise.all(list.map((device) => withMark(now, device)));
      const able = devices.filter((device) => whyNot(device) === '');
      drawDevices(able.length === 1 ? able[0].id : null);
      drawTargets();
      drawDialog();
    } catch (error) {
      if (error instanceof CloudProblem && error.cause === 'expired') refused(now.token);
      say(error instanceof CloudProblem ? `The devices could not be listed. ${error.message}` : 'Something went wrong in this page.');
    }
  }

  /** Whether a product's device is a development device: the account's own list may not say. @param {Connection} now @param {Device} device */
  async function withMark(now, device) {
    if (!isInProduct(device) || device.development !== null) return device;
    try {
      const { development } = await now.cloud.productDevice(now.token, /** @type {number} */ (device.product_id), device.id);
      return { ...device, development };
    } catch {
      return device;
    }
  }

  // ---- The flash

  /** @param {Connection} now @param {Device} device @param {string} wanted */
  function begin(now, device, wanted) {
    const text = source();
    part('flash-progress').hidden = false;
    write(slot('flash-title'), `Flashing ${nameOf(device)}`);
    if (text.length > MAX_SOURCE) {
      run = null;
      slot('flash-steps').replaceChildren();
      write(slot('flash-words'), 'The file is too large to be sent from here.');
      return;
    }
    run = flashRun({ cloud: now.cloud, token: now.token, device, name: FILE, text, version: wanted, clock, onChange: drawRun });
    drawRun();
    part('flash-progress').focus();
    const mine = run;
    void mine.done.then(() => mine.state().kind === 'back' && onFlashed());
  }

  function drawRun() {
    const state = run?.state();
    if (!state) return;
    const steps = 'steps' in state ? state.steps : [];
    const list = slot('flash-steps');
    if (steps.length < list.childElementCount) list.replaceChildren();
    for (const step of steps.slice(list.childElementCount)) {
      const item = document.createElement('li');
      item.textContent = STEPS[step];
      list.append(item);
    }
    part('flash-progress').dataset.state = state.kind;
    const errors = part('flash-errors');
    errors.hidden = state.kind !== 'errors';
    if (state.kind === 'errors') errors.textContent = state.text;
    write(slot('flash-words'), wordsFor(state));
    for (const button of buttons('flash')) button.disabled = state.kind === 'going';
  }

  draw();
  if (changed !== null) edited.value = changed;

  return {
    /** @type {Record<string, (button: HTMLElement) => unknown>} */
    actions: {
      'firmware-copy': (button) => copyFrom(button, source()),
      'firmware-edit': () => {
        editing = !editing;
        if (editing) edited.value = source();
        draw();
        if (editing) edited.focus();
      },
      'firmware-reset': () => {
        changed = null;
        keptText.keep(null);
        edited.value = original;
        draw();
        for (const button of buttons('firmware-edit')) button.focus();
      },
      flash: open,
    },
    /** @param {{name: string, data: string | null, coreid: string}} event */
    hear: (event) => run?.hear(event),
    draw,
  };
}

/** @param {import('./flash-run.js').FlashState} state */
function wordsFor(state) {
  if (state.kind === 'back') return 'Done: the device is back online.';
  if (state.kind === 'errors') return 'It does not compile, so nothing was flashed and the device goes on with what it runs. The compiler wrote:';
  if (state.kind === 'stopped') return state.words;
  const step = state.steps.at(-1);
  const slow = state.slow ? ' No news for a minute; over a slow connection this can take several.' : '';
  return `${step === 'compiling' ? 'Compiling …' : step === 'sent' ? 'Sending …' : 'Waiting for the device to come back …'}${slow}`;
}

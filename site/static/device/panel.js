// @ts-check
// The panel of a virtual device: its light, its button, its power and its serial monitor. Only DOM and its wiring; only the
// simulated cloud has such devices.

import { copyFrom } from '../lib/copy.js';
import { buttons, part, slot, write } from '../lib/dom.js';
import { controls } from './controls.js';
import { lineOf, MAX_LINES, newIn } from './serial-lines.js';

/**
 * @typedef {import('./controls.js').ControlsState} ControlsState
 * @typedef {import('./code-box.js').Connection} Connection
 */

/** Lines come in bursts; the monitor is drawn once for all of them. */
const DRAW_MS = 50;
/** Nearer to the end than this is at the end, where new lines pull the view along. */
const AT_END_PX = 24;

/**
 * @param {{wait: (ms: number, signal: AbortSignal) => Promise<void>, onReason: () => void}} with_ `onReason`: an event of the
 *   device is about to come
 */
export function mountDevicePanel({ wait, onReason }) {
  const serial = part('serial');
  const chosen = /** @type {HTMLSelectElement} */ (part('device-chosen'));
  const source = /** @type {HTMLSelectElement} */ (part('power-source'));
  const battery = /** @type {HTMLInputElement} */ (part('battery'));
  const unknown = /** @type {HTMLInputElement} */ (part('battery-unknown'));
  /** @type {Connection | null} */
  let connection = null;
  /** @type {ReturnType<typeof controls> | null} */
  let hands = null;
  /** Which device is watched, by connection and ID. */
  let watched = '';
  let stop = new AbortController();
  /** @type {string | null} */
  let id = null;
  /** @type {ControlsState | null} */
  let state = null;
  let lost = '';
  /** What was printed, as it came. @type {string[]} */
  let lines = [];
  /** Not drawn yet. @type {string[]} */
  let waiting = [];
  let isDrawPlanned = false;
  let muted = false;

  // ---- The serial monitor

  /** @param {string[]} more */
  function print(more) {
    if (more.length === 0) return;
    lines = [...lines, ...more].slice(-MAX_LINES);
    waiting = [...waiting, ...more].slice(-MAX_LINES);
    if (isDrawPlanned) return;
    isDrawPlanned = true;
    setTimeout(drawLines, DRAW_MS);
  }

  function drawLines() {
    isDrawPlanned = false;
    const atEnd = serial.scrollHeight - serial.scrollTop - serial.clientHeight < AT_END_PX;
    serial.append(
      ...waiting.map((printed) => {
        const { text, level } = lineOf(printed);
        const row = document.createElement('div');
        row.className = 'serial-line';
        if (level !== '') row.dataset.level = level;
        row.textContent = text;
        return row;
      }),
    );
    waiting = [];
    while (serial.childElementCount > MAX_LINES) serial.firstElementChild?.remove();
    if (atEnd) serial.scrollTop = serial.scrollHeight;
  }

  function forget() {
    lines = [];
    waiting = [];
    serial.replaceChildren();
  }

  // ---- Watching

  /** Brings what is watched in line with who is signed in, which device is chosen, and whether anybody looks. */
  function follow() {
    const next = connection?.simulated && id !== null && !document.hidden ? `${connection.cloud.api}|${connection.token}|${id}` : '';
    if (next === watched) return;
    stop.abort();
    stop = new AbortController();
    watched = next;
    hands = connection?.simulated ? controls({ fetch: fetch.bind(globalThis), api: connection.cloud.api, token: connection.token, wait }) : null;
    if (next === '' || id === null || hands === null) return;
    const { signal } = stop;
    void hands.watch(id, {
      signal,
      onFirst: (first) => !signal.aborted && print(newIn(lines, first)),
      onLine: (line) => !signal.aborted && print([line]),
      onState: (now) => {
        if (signal.aborted) return;
        state = now;
        lost = '';
        draw();
      },
      onLost: (why) => {
        lost = why;
        draw();
      },
    });
  }

  function choose(/** @type {string | null} */ next) {
    if (next === id) return;
    id = next;
    state = null;
    lost = '';
    forget();
  }

  chosen.addEventListener('change', () => {
    choose(chosen.value);
    follow();
    draw();
  });
  document.addEventListener('visibilitychange', follow);

  // ---- The hands

  const say = (/** @type {string} */ words) => write(slot('device-said'), words);

  /** @param {(hands: ReturnType<typeof controls>, id: string) => Promise<string | null>} act @param {string} done */
  async function hand(act, done) {
    if (hands === null || id === null) return;
    const problem = await act(hands, id);
    say(problem ?? done);
  }

  const charge = () => (unknown.checked ? null : Number(battery.value));
  const sendPower = () => hand((at, device) => at.power(device, Number(source.value), charge()), 'The power is set; the next event reports it.');
  source.addEventListener('change', sendPower);
  battery.addEventListener('change', () => {
    unknown.checked = false;
    void sendPower();
  });
  battery.addEventListener('input', () => write(slot('battery'), `${battery.value} %`));
  unknown.addEventListener('change', sendPower);

  // ---- What is shown

  function draw() {
    const isHere = connection?.simulated && id !== null;
    part('device-panel').hidden = !isHere;
    if (!isHere) return;
    const live = state?.attached ? state : null;
    const [light, words] = lightOf(state, lost);
    part('device-light').dataset.state = light;
    write(slot('device-state'), words);
    write(slot('device-about'), state ? `${state.name} (${state.id}) runs ${state.firmware || 'no firmware'}${state.compiler ? '' : '; it has no compiler'}.` : '');
    const message = lost || state?.message || '';
    write(slot('device-message'), message);
    slot('device-message').hidden = message === '';
    for (const button of buttons('press-mode')) button.disabled = !live?.running;
    for (const button of buttons('plug')) {
      button.disabled = live === null;
      button.textContent = live?.plugged === false ? 'Plug in' : 'Unplug';
    }
    const managed = live === null || live.power_source !== null;
    part('device-power').hidden = !managed;
    part('device-no-power').hidden = managed;
    for (const control of [source, battery, unknown]) control.disabled = live === null;
    // What somebody is about to set is not set back under their hand.
    if (live && !part('device-power').contains(document.activeElement)) {
      source.value = String(live.power_source ?? 0);
      unknown.checked = live.battery === null;
      if (live.battery !== null) battery.value = String(live.battery);
    }
    write(slot('battery'), unknown.checked ? 'unknown' : `${battery.value} %`);
    const { publishes = 0, responses = 0 } = state?.data_operations ?? {};
    write(slot('device-operations'), `Since the program started: ${publishes + responses} data operation${publishes + responses === 1 ? '' : 's'} (${publishes} published, ${responses} received), as Particle would count them.`);
  }

  return {
    /** @type {Record<string, (button: HTMLElement) => unknown>} */
    actions: {
      'press-mode': () => {
        onReason();
        return hand((at, device) => at.press(device, 1), 'Clicked once.');
      },
      plug: () => {
        const plugged = state?.plugged === false;
        return hand((at, device) => at.plug(device, plugged), plugged ? 'Plugged in; it boots.' : 'Unplugged.');
      },
      'serial-copy': (button) => copyFrom(button, [...serial.children].map((line) => line.textContent).join('\n')),
      'serial-clear': () => {
        waiting = [];
        serial.replaceChildren();
      },
      'serial-mute': (button) => {
        muted = !muted;
        button.setAttribute('aria-pressed', String(muted));
        serial.setAttribute('aria-live', muted ? 'off' : 'polite');
      },
    },
    /** @param {{connection: Connection | null, simulates: boolean}} view `simulates`: a simulated cloud is offered here */
    update({ connection: next, simulates }) {
      connection = next;
      const devices = next?.simulated ? (next.devices ?? []) : [];
      if (!devices.some((device) => device.id === id)) choose((devices.find(({ online }) => online) ?? devices[0])?.id ?? null);
      part('device-choice').hidden = devices.length < 2;
      const names = devices.map(({ id: value, name }) => `${value} ${name}`).join();
      if (chosen.dataset.names !== names) {
        chosen.dataset.names = names;
        chosen.replaceChildren(...devices.map((device) => new Option(device.name ?? device.id, device.id)));
      }
      chosen.value = id ?? '';
      const absent = part('device-absent');
      absent.hidden = !simulates || id !== null || (next !== null && !next.simulated);
      write(absent, absent.hidden ? '' : next === null ? 'The virtual device appears here once the simulated account is connected.' : next.devices === null ? 'Asking for the devices …' : 'No virtual device runs: the program was started with --no-device.');
      follow();
      draw();
    },
  };
}

/** @param {ControlsState | null} state @param {string} lost @returns {['on' | 'wait' | 'off', string]} */
function lightOf(state, lost) {
  if (lost !== '') return ['off', 'not connected'];
  if (state === null) return ['wait', 'asking …'];
  if (!state.attached) return ['off', 'not attached'];
  if (!state.plugged) return ['off', 'unplugged'];
  if (state.online) return ['on', 'online'];
  return state.running ? ['wait', 'connecting …'] : ['off', 'offline'];
}

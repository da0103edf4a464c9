// @ts-check
// The panel of a virtual device: its light, its button, its power and its serial monitor. Only the
// simulated cloud has such devices.

import { slots } from '../lib/component.js';
import { copyFrom } from '../lib/copy.js';
import { element, write, writeOrHide } from '../lib/dom.js';
import { effect, signal } from '../lib/signal.js';
import { controlsAt, preferred } from './controls.js';
import { keepResults } from './results.js';
import { MAX_LINES, lineOf, newIn } from './serial-lines.js';

/** @typedef {import('./controls.js').ControlsState} ControlsState */

/** Lines come in bursts; the monitor is drawn once for all of them. */
const DRAW_MS = 50;
/** Nearer to the end than this is at the end, where new lines pull the view along. */
const AT_END_PX = 24;

/** @type {import('../lib/component.js').Mount} */
export function mount(root, { state, particle, clock, expectRound }) {
  const at = slots(root);
  const { serial, source, battery, unknown } = at;
  const chosen = signal(/** @type {string | null} */ (null));
  const isHidden = signal(document.hidden);
  /** What the device says of itself, and why it says nothing. */
  const device = signal(/** @type {ControlsState | null} */ (null));
  const lost = signal('');
  const monitor = serialMonitor(serial);
  let isMuted = false;

  /** Which device is watched, by connection and ID. */
  let watched = '';
  let stop = new AbortController();
  /**
   * The device that the controls are for.
   * @type {{controls: ReturnType<typeof controlsAt>, id: string} | null}
   */
  let target = null;

  document.addEventListener('visibilitychange', () => (isHidden.value = document.hidden));
  at.choice.addEventListener('change', () => (chosen.value = at.choice.value));

  effect(() => {
    const now = particle.connection.value;
    const devices = now?.isSimulated ? (state.devices.value ?? []) : [];
    const isThere = devices.some(({ id }) => id === chosen.value);
    const first = preferred(devices)?.id ?? null;
    const id = isThere ? chosen.value : first;
    at.panel.hidden = id === null;
    at['choice-label'].hidden = devices.length < 2;
    const names = devices.map((one) => `${one.id} ${one.name}`).join();
    if (at.choice.dataset.names !== names) {
      at.choice.dataset.names = names;
      at.choice.replaceChildren(...devices.map((one) => new Option(one.name ?? one.id, one.id)));
    }
    at.choice.value = id ?? '';
    const simulates = particle.offers.value?.some(({ demo }) => demo !== null);
    const isAbsent = simulates && id === null && (now === null || now.isSimulated);
    writeOrHide(at.absent, isAbsent ? absentWords(now !== null, state.devices.value !== null) : '');
    follow(now, id, isHidden.value);
  });

  /**
   * Watches the device that is shown, if anybody looks.
   * @param {import('../particle/model.js').Connection | null} now
   * @param {string | null} id
   * @param {boolean} hidden
   */
  function follow(now, id, hidden) {
    const next = now && id !== null && !hidden ? `${now.cloud.api}|${now.token}|${id}` : '';
    if (next === watched) return;
    const isOther = target?.id !== id;
    stop.abort();
    stop = new AbortController();
    watched = next;
    if (next === '' || now === null || id === null) return;
    if (isOther) {
      device.value = null;
      lost.value = '';
      monitor.clear();
    }
    target = { controls: controlsAt(now, clock), id };
    const { signal: ended } = stop;
    /** @template {any[]} A @param {(...values: A) => void} act @returns {(...values: A) => void} */
    const whileWatched =
      (act) =>
      (...values) =>
        void (ended.aborted || act(...values));
    void target.controls.watch(id, {
      signal: ended,
      onFirst: whileWatched((lines) => print(id, newIn(monitor.lines(), lines))),
      onLine: whileWatched((line) => print(id, [line])),
      onState: whileWatched((reported) => {
        lost.value = '';
        device.value = reported;
      }),
      onLost: whileWatched((why) => (lost.value = why)),
    });
  }

  /** @param {string} id @param {string[]} lines */
  function print(id, lines) {
    monitor.print(lines);
    keepResults(state, id, lines);
  }

  effect(() => {
    const now = device.value;
    const live = now?.attached ? now : null;
    const [light, words] = lightOf(now, lost.value);
    at.light.dataset.state = light;
    write(at.state, words);
    const compiler = now?.compiler ? '' : '; it has no compiler';
    const firmware = now?.firmware || 'no firmware';
    const has = live?.running ? 'runs' : 'has';
    write(at.about, now ? `${now.name} (${now.id}) ${has} ${firmware}${compiler}.` : '');
    writeOrHide(at.message, lost.value || now?.message || '');
    at.press.disabled = !live?.running;
    at.plug.disabled = live === null;
    at.plug.textContent = live?.plugged === false ? 'Plug in' : 'Unplug';
    const isManaged = live === null || live.power_source !== null;
    at.power.hidden = !isManaged;
    at['no-power'].hidden = isManaged;
    for (const control of [source, battery, unknown]) control.disabled = live === null;
    // What somebody is about to set is not set back under their hand.
    if (live && !at.power.contains(document.activeElement)) {
      source.value = String(live.power_source ?? 0);
      unknown.checked = live.battery === null;
      if (live.battery !== null) battery.value = String(live.battery);
    }
    write(at.charge, unknown.checked ? 'unknown' : `${battery.value} %`);
    const { publishes = 0, responses = 0 } = now?.data_operations ?? {};
    const count = publishes + responses;
    const operations =
      `${count} data operation${count === 1 ? '' : 's'} (${publishes} ` +
      `published, ${responses} received)`;
    write(
      at.operations,
      `Since this virtual device started: ${operations}, as Particle would count them.`,
    );
  });

  /**
   * @param {(controls: ReturnType<typeof controlsAt>, id: string) => Promise<string | null>} act
   * @param {string} done
   */
  async function control(act, done) {
    if (target === null) return;
    const problem = await act(target.controls, target.id);
    write(at.status, problem ?? done);
  }
  const setPower = () => {
    const charge = unknown.checked ? null : Number(battery.value);
    return control(
      (to, id) => to.power(id, Number(source.value), charge),
      'The power is set; the next event reports it.',
    );
  };
  source.addEventListener('change', setPower);
  battery.addEventListener('change', () => {
    unknown.checked = false;
    void setPower();
  });
  battery.addEventListener('input', () => write(at.charge, `${battery.value} %`));
  unknown.addEventListener('change', setPower);

  return {
    press() {
      expectRound();
      return control((to, id) => to.press(id, 1), 'Clicked once.');
    },
    plug() {
      const isPlugged = device.peek()?.plugged === false;
      const done = isPlugged ? 'Plugged in; it boots.' : 'Unplugged.';
      return control((to, id) => to.plug(id, isPlugged), done);
    },
    copy: (button) =>
      copyFrom(button, [...serial.children].map((line) => line.textContent).join('\n')),
    clear: () => monitor.clearView(),
    mute(button) {
      isMuted = !isMuted;
      button.setAttribute('aria-pressed', String(isMuted));
      serial.setAttribute('aria-live', isMuted ? 'off' : 'polite');
    },
  };
}

/** What a device printed, drawn a few times a second. @param {HTMLElement} view */
function serialMonitor(view) {
  /** @type {string[]} */
  let lines = [];
  /** Not drawn yet. @type {string[]} */
  let waiting = [];
  let isDrawPlanned = false;

  function draw() {
    isDrawPlanned = false;
    const isAtEnd = view.scrollHeight - view.scrollTop - view.clientHeight < AT_END_PX;
    view.append(
      ...waiting.map((printed) => {
        const { text, level } = lineOf(printed);
        const row = element('div', 'serial-line', text);
        if (level !== '') row.dataset.level = level;
        return row;
      }),
    );
    waiting = [];
    while (view.childElementCount > MAX_LINES) view.firstElementChild?.remove();
    if (isAtEnd) view.scrollTop = view.scrollHeight;
  }
  const clearView = () => {
    waiting = [];
    view.replaceChildren();
  };

  return {
    lines: () => lines,
    /** @param {string[]} more */
    print(more) {
      if (more.length === 0) return;
      lines = [...lines, ...more].slice(-MAX_LINES);
      waiting = [...waiting, ...more].slice(-MAX_LINES);
      if (isDrawPlanned) return;
      isDrawPlanned = true;
      setTimeout(draw, DRAW_MS);
    },
    clearView,
    clear() {
      lines = [];
      clearView();
    },
  };
}

/** @param {boolean} isConnected @param {boolean} isKnown whether the devices are listed */
function absentWords(isConnected, isKnown) {
  if (!isConnected)
    return 'The virtual device appears here once the simulated account is connected.';
  if (!isKnown) return 'Asking for the devices …';
  return 'No virtual device runs: the program was started with --no-device.';
}

/**
 * @param {ControlsState | null} device
 * @param {string} lost
 * @returns {['on' | 'wait' | 'off', string]}
 */
function lightOf(device, lost) {
  if (lost !== '') return ['off', 'not connected'];
  if (device === null) return ['wait', 'asking …'];
  if (!device.attached) return ['off', 'not attached'];
  if (!device.plugged) return ['off', 'unplugged'];
  if (device.online) return ['on', 'online'];
  return device.running ? ['wait', 'connecting …'] : ['off', 'offline'];
}

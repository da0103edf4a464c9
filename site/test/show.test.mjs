import assert from 'node:assert/strict';
import { test } from 'node:test';
import { clip, hexView, pieces, signOf, size } from '../static/lib/text.js';
import { fullTime, span, timeOfDay } from '../static/lib/time.js';

const shown = (text) => pieces(text).map((piece) => piece.text).join('');
const signs = (text) => pieces(text).filter((piece) => piece.sign).map((piece) => piece.text);

test('what can not be seen gets a sign, and what turns the text around loses its power', () => {
  assert.deepEqual(signs('\u001b[31m\u0000'), ['␛', '␀']);
  assert.deepEqual(signs('a\u202eb\u2066c\u200fd'), ['⟨U+202E⟩', '⟨U+2066⟩', '⟨U+200F⟩']);
  assert.deepEqual(signs('\ud800 \udc00'), ['⟨U+D800⟩', '⟨U+DC00⟩']);
  assert.equal(signOf('\u007f'), '␡');
});

test('what can be seen stays as it is', () => {
  for (const text of ['', 'plain', 'tab\tand\nline', 'lines\r\nof Windows', 'שלום 🙂 é', '<script>alert(1)</script>']) {
    assert.equal(shown(text), text);
    assert.deepEqual(signs(text), []);
  }
});

test('a text of nothing but signs stays small', () => {
  const text = '\u0000'.repeat(200_000);
  assert.ok(pieces(text).length < 1_000);
  assert.equal(shown(text), '␀'.repeat(200_000));
});

test('a text is cut at so many characters or lines, never through a character', () => {
  assert.deepEqual(clip('abcdef', 4, 9), { text: 'abcd', rest: 2 });
  assert.deepEqual(clip('a\nb\nc', 99, 2), { text: 'a\nb', rest: 2 });
  assert.deepEqual(clip('a\nb', 99, 2), { text: 'a\nb', rest: 0 });
  assert.deepEqual(clip('a🙂b', 2, 9), { text: 'a', rest: 3 });
});

test('bytes as a hex view', () => {
  const view = hexView(Uint8Array.from({ length: 18 }, (_, i) => i + 0x5a));
  assert.equal(
    view,
    '000000  5a 5b 5c 5d 5e 5f 60 61  62 63 64 65 66 67 68 69  Z[\\]^_`abcdefghi\n000010  6a 6b                                             jk',
  );
});

test('sizes and spans as people say them', () => {
  assert.deepEqual([0, 1, 1023, 1024, 1536, 300 * 1024, 4 * 1024 ** 2].map(size), ['0 bytes', '1 byte', '1023 bytes', '1 KiB', '1.5 KiB', '300 KiB', '4 MiB']);
  assert.deepEqual([0, 999, 1_000, 25_400, 60_000, 7 * 86_400_000].map(span), ['0 ms', '999 ms', '1 s', '25.4 s', '1 minute', '7 days']);
});

test('times are in the reader’s zone, with the day only when it is another', () => {
  const now = new Date('2026-11-23T12:00:00Z');
  assert.equal(timeOfDay('2026-11-23T11:03:14.102Z', now, 'UTC'), '11:03:14.102');
  assert.equal(timeOfDay('2026-11-23T11:03:14.102Z', now, 'Asia/Kolkata'), '16:33:14.102');
  assert.equal(timeOfDay('2026-11-21T11:03:14.102Z', now, 'UTC'), '21 Nov 11:03:14.102');
  assert.equal(timeOfDay('nonsense', now), 'nonsense');
  assert.match(fullTime('2026-11-23T11:03:14.102Z', 'UTC'), /23 Nov 2026.*11:03:14\.102.*UTC/);
});

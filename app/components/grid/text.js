// Tokens, words and where they are found: text in, offsets out, nothing of the page.
// Offsets are UTF-16 units, as the browser counts; token_ends come in characters, as Python counts.

const WORD = /[\p{L}\p{N}\p{M}_]/u;
// Scripts that put no space between words: every token boundary is as good as a word's.
const UNSPACED = /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Thai}\p{scx=Laoo}\p{scx=Khmr}\p{scx=Mymr}]/u;
const GRAPHEMES = new Intl.Segmenter(undefined, { granularity: "grapheme" });

/** The end of each token in UTF-16 units. A token that is part of a character ends where it began. */
function tokenEnds(text, endsInCharacters) {
  const offsets = [0];
  for (const character of text) offsets.push(offsets.at(-1) + character.length);
  return endsInCharacters.map((end) => offsets[Math.min(end, offsets.length - 1)]);
}

/** Where the last token begins as a reader sees it: without its space, never inside a character. */
function triggerStart(text, ends) {
  const last = ends.findLast((end) => end < text.length) ?? 0;
  const start = text.length ? (GRAPHEMES.segment(text).containing(last)?.index ?? last) : 0;
  const space = /^\s+(?=\S)/u.exec(text.slice(start));
  return start + (space ? space[0].length : 0);
}

/** Line breaks and control characters shown as one visible character each, so that offsets stay. */
function visible(text) {
  return text.replace(/\p{Cc}/gu, (character) => {
    const code = character.codePointAt(0);
    return code < 0x20 ? String.fromCodePoint(0x2400 + code) : "\u2421";
  });
}

/** A selection widened to whole tokens and freed of the spaces round it; null if nothing is left. */
function snapToTokens({ text, ends }, start, end) {
  const from = ends.findLast((edge) => edge <= start) ?? 0;
  const to = ends.find((edge) => edge >= end) ?? text.length;
  const words = text.slice(from, to).trim();
  return start < end && words && text.slice(start, end).trim() ? words : null;
}

/**
 * Which prefixes contain the words, in any case unless it is to match: whole words first; if there are
 * none, whole tokens inside words ("ing"), which `inside` then says. Returns { rows, ranges, inside }.
 */
function findText(prefixes, words, matchCase = false) {
  const query = words.trim();
  if (!query) return { rows: [], ranges: [], inside: false };
  for (const inside of [false, true]) {
    const ranges = prefixes.map((prefix) => occurrences(prefix, query, inside, matchCase));
    const rows = ranges.flatMap((found, row) => (found.length ? [row] : []));
    if (rows.length || inside) return { rows, ranges, inside: inside && rows.length > 0 };
  }
}

function occurrences(prefix, query, inside, matchCase) {
  const parts = query.split(/\s+/u).map((part) => part.replace(/[$()*+./?[\\\]^{|}]/gu, "\\$&"));
  const pattern = new RegExp(parts.join("\\s+"), matchCase ? "gu" : "giu");
  const found = [];
  for (let match = pattern.exec(prefix.text); match; match = pattern.exec(prefix.text)) {
    const end = match.index + match[0].length;
    if (isEdge(prefix, match.index, inside) && isEdge(prefix, end, inside)) {
      found.push([match.index, end]);
    }
    pattern.lastIndex = match.index + 1;
  }
  return found;
}

/** May a match begin or end here? At a token's edge that is a word's, or in the midst of punctuation. */
function isEdge(prefix, offset, inside) {
  const before = Array.from(prefix.text.slice(Math.max(0, offset - 2), offset)).at(-1) ?? "";
  const after = Array.from(prefix.text.slice(offset, offset + 2))[0] ?? "";
  const word = WORD.test(before) || WORD.test(after);
  if (!isTokenEdge(prefix, offset)) return !inside && !word;
  const midst = WORD.test(before) && WORD.test(after) && !UNSPACED.test(before + after);
  return inside || !midst;
}

function isTokenEdge({ text, ends }, offset) {
  const before = offset - /\s*$/u.exec(text.slice(0, offset))[0].length;
  const after = offset + /^\s*/u.exec(text.slice(offset))[0].length;
  return [offset, before, after].some(
    (edge) => edge === 0 || edge === text.length || ends.includes(edge),
  );
}

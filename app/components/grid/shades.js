// What a token's coefficient becomes on the screen: numbers in, pieces of text with strengths out,
// nothing of the page.

const STRENGTHS = 8; // so many shades of each sign

/**
 * The stretches of a text that are shaded as one, in order: [{ start, end, tokens, value }].
 * `ends` are tokenEnds, `coefficients` one a token; `tokens` are indices into both, and `value` is the
 * coefficient of the largest magnitude among them. What a reader sees as one character is never cut:
 * tokens that end inside it (bytes of an emoji, a letter and its accent) share it.
 */
function shadePieces(text, ends, coefficients) {
  const segments = GRAPHEMES.segment(text);
  const cuts = new Set([0, text.length, ...ends.map((end) => segments.containing(end)?.index ?? end)]);
  const edges = [...cuts].sort((one, other) => one - other);
  const pieces = edges.slice(1).map((end, index) => ({ start: edges[index], end, tokens: [] }));
  let first = 0;
  tokenSpans(ends).forEach(([from, to], token) => {
    while (pieces[first]?.end <= from) first += 1;
    for (let index = first; pieces[index]?.start < to; index += 1) pieces[index].tokens.push(token);
  });
  return pieces.filter(({ tokens }) => tokens.length).map((piece) => {
    const values = piece.tokens.map((token) => coefficients[token]);
    const value = values.reduce((one, other) => (Math.abs(other) > Math.abs(one) ? other : one));
    return { ...piece, value };
  });
}

/** Where each token begins and ends; one that ends where the last one did has its characters. */
function tokenSpans(ends) {
  const spans = [];
  for (const end of ends) {
    const [from, to] = spans.at(-1) ?? [0, 0];
    spans.push(end > to ? [to, end] : [from, Math.max(to, 1)]);
  }
  return spans;
}

/** −8 … 8: how strongly a coefficient is shaded beside the largest one; 0 is too little to be seen. */
function strengthOf(value, largest) {
  if (!(largest > 0)) return 0;
  const strength = Math.round(Math.min(1, Math.abs(value) / largest) * STRENGTHS);
  return value < 0 ? -strength || 0 : strength;
}

/** The same strengths side by side as one stretch; those without any left out. */
function shadeRuns(pieces, largest) {
  const runs = [];
  for (const { start, end, value } of pieces) {
    const strength = strengthOf(value, largest);
    const last = runs.at(-1);
    if (last?.strength === strength && last.end === start) last.end = end;
    else runs.push({ start, end, strength });
  }
  return runs.filter(({ strength }) => strength);
}

/** A coefficient as it is told: six digits are all that a 32-bit number has. */
function exactly(value) {
  return String(Number(value.toPrecision(6))).replaceAll("-", "−");
}

// Each token's background by the key's coefficient there: painted over the text, which stays as it is,
// and told in numbers where one points or steps. Off at first: the protocol looks at the text first.

const SHADE_TITLE =
  "Shade each token by the key’s coefficient there (s); the protocol looks at the text first";
const NO_SHADES =
  "This key’s coefficients at each token are not here: run “python -m mining shade RUN”, " +
  "then import again.";
const IN_SIGHT = 200; // stretches at the end of a prefix, more than the widest screen shows of it
const CANNOT_PAINT = "This browser is too old to shade text.";

class Shading {
  constructor(grid, on) {
    const { prefixes, view } = grid;
    this.grid = grid;
    this.painted = []; // [highlight, range]
    this.place = null; // { row, index } of the piece whose number is shown
    const values = prefixes.flatMap((prefix) => prefix.shading ?? []);
    this.lowest = values.reduce((one, other) => Math.min(one, other), 0);
    this.largest = prefixes.reduce((one, { coefficient }) => Math.max(one, coefficient), 0);
    this.missing = values.length ? null : NO_SHADES;
    if (!CAN_PAINT) this.missing = CANNOT_PAINT;
    this.tip = make("div", { class: "tip", role: "tooltip", dir: "auto", hidden: "" });
    view.root.append(this.tip);
    view.table.legend.append(...legendOf(this.lowest, this.largest));
    this.show(on);
  }

  toggle() {
    if (this.missing) return this.grid.say(this.missing);
    this.show(!this.on);
    this.grid.link?.shade(this.on);
    const scale = `Shaded from ${exactly(this.lowest)} to ${exactly(this.largest)}`;
    this.grid.announce(this.on ? `${scale}; comma and full stop tell the numbers.` : "Not shaded.");
  }

  show(on) {
    const { bar, table, root } = this.grid.view;
    this.on = on && !this.missing;
    put(bar.shade, "aria-pressed", this.on);
    put(bar.shade, "aria-disabled", this.missing ? true : null);
    put(bar.shade, "title", this.missing ?? SHADE_TITLE);
    put(root, "data-shaded", this.on ? "" : null);
    table.legend.hidden = !this.on;
    this.hide();
    this.paint();
    this.grid.view.fit();
  }

  /** Paint what there is to see; browsers become slow over tens of thousands of stretches. */
  paint() {
    this.clear();
    if (!this.on) return;
    this.pieces ??= this.grid.prefixes.map(({ text, ends, shading }) =>
      shading ? shadePieces(text, ends, shading) : []);
    this.pieces.forEach((pieces, row) => {
      const sight = this.grid.view.rows[row].expanded ? 0 : -IN_SIGHT;
      for (const { start, end, strength } of shadeRuns(pieces, this.largest).slice(sight)) {
        const { startContainer, startOffset, endContainer, endOffset } = this.range(row, start, end);
        const range = new StaticRange({ startContainer, startOffset, endContainer, endOffset });
        const highlight = shadeHighlight(strength);
        highlight.add(range);
        this.painted.push([highlight, range]);
      }
    });
  }

  /** Only what this grid has painted: Streamlit may already show the next key's. */
  clear() {
    for (const [highlight, range] of this.painted) highlight.delete(range);
    this.painted = [];
  }

  range(row, start, end) {
    return rangeIn(this.grid.view.rows[row].text, start, end);
  }

  /** The mouse is over a row's text: tell the number of the token it is on. */
  point(row, x, y) {
    const within = ({ left, right, top, bottom }) => x >= left && x < right && y >= top && y < bottom;
    const first = this.grid.view.rows[row].expanded ? 0 : this.pieces[row].length - IN_SIGHT;
    const index = this.pieces[row].findIndex(({ start, end }, piece) =>
      piece >= first && [...this.range(row, start, end).getClientRects()].some(within));
    if (index < 0) this.hide();
    else if (row !== this.place?.row || index !== this.place.index) this.tell({ row, index });
  }

  /** The keyboard's way: the trigger first, then along the prefix of the row at hand. */
  step(by) {
    if (!this.on) return this.grid.announce("Not shaded.");
    const { row } = this.grid.cursor;
    const last = this.pieces[row].length - 1;
    if (last < 0) return;
    const from = this.place?.row === row ? this.place.index + by : last;
    this.tell({ row, index: Math.min(last, Math.max(0, from)) });
    this.grid.announce(this.tip.textContent);
  }

  tell({ row, index }) {
    const { start, end, tokens } = this.pieces[row][index];
    const { text, shading } = this.grid.prefixes[row];
    const numbers = tokens.map((token) => exactly(shading[token])).join(", ");
    const several = tokens.length > 1 ? ` (${tokens.length} tokens)` : "";
    this.place = { row, index };
    this.tip.replaceChildren(make("bdi", { text: visible(text.slice(start, end)).trim() || "space" }),
      make("b", { text: ` ${numbers}` }), several);
    this.tip.hidden = false;
    this.moveTip(row, start, end);
  }

  /** Above the token, or below it where that would leave the window; never beyond the prefix's cell. */
  moveTip(row, start, end) {
    const token = [...this.range(row, start, end).getClientRects()].at(-1);
    if (!token) return this.hide();
    const cell = this.grid.view.rows[row].context.getBoundingClientRect();
    const home = this.grid.view.root.getBoundingClientRect();
    const { offsetWidth: width, offsetHeight: height } = this.tip;
    const middle = (token.left + token.right) / 2 - width / 2;
    const left = Math.max(cell.left, Math.min(cell.right - width, middle));
    const top = token.top - height - 3 > 0 ? token.top - height - 3 : token.bottom + 3;
    this.tip.style.translate = `${left - home.left}px ${top - home.top}px`;
  }

  hide() {
    this.place = null;
    this.tip.hidden = true;
  }
}

function shadeHighlight(strength) {
  const name = `keyhole-${strength < 0 ? "less" : "more"}-${Math.abs(strength)}`;
  if (!CSS.highlights.has(name)) CSS.highlights.set(name, new Highlight());
  return CSS.highlights.get(name);
}

function legendOf(lowest, largest) {
  const end = (value) => make("span", { text: exactly(Number(value.toPrecision(3))) });
  const negative = make("i", { class: "ramp negative" });
  negative.style.setProperty("--share", Math.min(1, -lowest / (largest || 1)));
  return [
    ...(lowest < 0 ? [end(lowest), negative] : []),
    make("span", { text: "0" }), make("i", { class: "ramp positive" }), end(largest),
  ];
}

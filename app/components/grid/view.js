// The grid's elements: built once for a key, then brought up to date.

const FIND_HIGHLIGHT = "keyhole-found";

class View {
  constructor(parent, { title, prefixes, letters, colours }) {
    this.root = make("div", { class: "grid-root" });
    for (const [type, { fill, ink }] of Object.entries(colours)) {
      this.root.style.setProperty(`--${type}`, fill);
      this.root.style.setProperty(`--${type}-ink`, ink);
    }
    this.bar = new Bar(title, prefixes, letters);
    this.table = new Table(title, prefixes, letters);
    this.foot = new Foot(prefixes);
    this.rows = this.table.rows;
    this.noticeText = make("span");
    this.notice = make("div", { class: "notice", role: "alert" },
      this.noticeText, button("dismiss", "Dismiss"));
    this.live = make("div", { class: "unseen", "aria-live": "polite", "data-live": "" });
    this.help = buildHelp();
    this.root.append(this.bar.element, this.notice, this.table.scroller, this.foot.element,
      this.live, this.help);
    parent.append(this.root);
  }

  update(model) {
    put(this.root, "data-locked", model.locked ? "" : null);
    this.notice.hidden = !model.notice;
    write(this.noticeText, model.notice ?? "");
    this.bar.update(model);
    this.table.update(model);
    this.foot.update(model);
    this.highlight(model.found);
  }

  /** Found words are painted over the text (CSS highlights): the elements stay as they are. */
  highlight(found) {
    if (!CAN_PAINT) return;
    const ranges = (found?.ranges ?? []).flatMap((pairs, row) =>
      pairs.map(([start, end]) => rangeIn(this.rows[row].text, start, end)),
    );
    if (!ranges.length) return CSS.highlights.delete(FIND_HIGHLIGHT);
    const painted = new Highlight(...ranges);
    painted.priority = 1; // over the shades
    CSS.highlights.set(FIND_HIGHLIGHT, painted);
  }

  /** Fill the window's height, 25 rows in view if it can be, and mark the prefixes that do not fit. */
  fit() {
    const { root, rows } = this;
    const { scroller, headRow } = this.table;
    const page = root.getRootNode().host?.closest("[data-testid=stMain]");
    const top = scroller.getBoundingClientRect().top + (page?.scrollTop ?? 0);
    const below = this.foot.element.offsetHeight + 16;
    const room = innerHeight - below - (top < innerHeight / 2 ? top : 80);
    const height = Math.max(260, Math.floor(room));
    const forRows = (height - headRow.offsetHeight - 3) / Math.max(rows.length, 1);
    root.style.setProperty("--room", `${height}px`);
    root.style.setProperty("--row", `${Math.min(28, Math.max(20, Math.floor(forRows)))}px`);
    const clips = rows.map(({ text, clip, expanded }) =>
      expanded || text.offsetWidth > clip.clientWidth + 1);
    // A shaded token tells its number where the browser would tell the whole prefix.
    const titled = root.dataset.shaded === undefined;
    rows.forEach(({ element, context, text, expanded }, row) => {
      put(element, "data-long", clips[row] ? "" : null);
      put(context, "title", titled && clips[row] && !expanded ? text.textContent : null);
    });
  }
}

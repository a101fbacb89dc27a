// The grid's elements: built once for a key, then brought up to date by hand, so that nothing that has
// the focus, a selection or a scroll position is ever replaced. Corpus text enters as text only.

const TYPE_NAMES = { shallow: "shallow n-gram", semantic: "semantic topic" };
const FIND_HIGHLIGHT = "keyhole-found";
const CONTEXT = -1; // the column of the prefixes; patterns count from 0

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") element.textContent = value;
    else put(element, name, value);
  }
  element.append(...children);
  return element;
}

/** Set an attribute, or remove it for null, only where it changes; false is a value of aria-… only. */
function put(element, name, value) {
  const absent = value === null || value === undefined;
  if (absent || (value === false && !name.startsWith("aria-"))) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, String(value));
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function button(action, text, attributes = {}) {
  return make("button", { type: "button", "data-action": action, text, ...attributes });
}

class View {
  constructor(parent, { title, prefixes, letters, colours }) {
    this.letters = letters;
    this.heads = [];
    this.root = make("div", { class: "grid-root" });
    for (const [type, { fill, ink }] of Object.entries(colours)) {
      this.root.style.setProperty(`--${type}`, fill);
      this.root.style.setProperty(`--${type}-ink`, ink);
    }
    this.buildBar(title);
    this.buildTable(title, prefixes);
    this.buildFoot();
    this.live = make("div", { class: "unseen", "aria-live": "polite", "data-live": "" });
    this.help = buildHelp();
    this.root.append(this.bar, this.notice, this.scroller, this.foot, this.live, this.help);
    parent.append(this.root);
  }

  buildBar(title) {
    this.find = make("input", {
      type: "search", class: "find", placeholder: "Find text  ( / )", autocomplete: "off",
      spellcheck: "false", "aria-label": "Find text in the prefixes", dir: "auto",
    });
    this.description = make("input", {
      type: "text", class: "description", maxlength: LONGEST_DESCRIPTION, autocomplete: "off",
      placeholder: "What do its prefixes share?", dir: "auto",
    });
    this.types = Object.keys(TYPE_NAMES).map((type) =>
      make("button", {
        type: "button", "data-action": "type", "data-type": type,
        title: `${TYPE_NAMES[type]}: t changes it`,
      }, make("b", { text: this.letters[type] }), ` ${type === "shallow" ? "n-gram" : "topic"}`),
    );
    this.badge = make("span", { class: "badge" });
    this.one = make("div", { class: "one" },
      this.badge,
      make("div", { class: "types", role: "group", "aria-label": "Type of the pattern" }, ...this.types),
      this.description,
      button("delete", "Delete", { title: "Delete this pattern (Delete)" }),
    );
    this.none = button("none", "No pattern found", {
      class: "none", title: "I looked and found none (0)",
    });
    this.hint = make("span", { class: "hint" });
    this.add = button("add", "+ Pattern", { class: "add", title: "New pattern (n)" });
    this.editor = make("div", { class: "editor" }, this.add, this.none, this.hint, this.one);
    this.found = make("div", { class: "found", role: "group", "aria-label": "What was found" });
    this.undo = button("undo", "↶", { title: "Undo (Ctrl+Z)", "aria-label": "Undo" });
    this.redo = button("redo", "↷", { title: "Redo (Ctrl+Shift+Z)", "aria-label": "Redo" });
    const tools = make("div", { class: "tools" }, this.undo, this.redo,
      button("help", "?", { title: "Keys (?)", "aria-label": "Show the keys" }));
    this.bar = make("div", { class: "bar" },
      make("h2", { class: "title", text: title }), this.find, this.editor, this.found, tools);
    this.noticeText = make("span");
    this.notice = make("div", { class: "notice", role: "alert" },
      this.noticeText, button("dismiss", "Dismiss"));
  }

  buildTable(title, prefixes) {
    const largest = Math.max(...prefixes.map((prefix) => prefix.coefficient), 0);
    const decimals = largest > 0 ? Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(largest)))) : 0;
    this.columns = make("colgroup", {},
      make("col", { class: "rank" }), make("col", { class: "coefficient" }), make("col"));
    this.headRow = make("tr", { role: "row" },
      make("th", { class: "rank", scope: "col", role: "columnheader", text: "#", title: "Rank" }),
      make("th", { class: "coefficient", scope: "col", role: "columnheader", text: "Coefficient" }),
      make("th", { class: "context", scope: "col", role: "columnheader" },
        make("div", { class: "line" },
          make("span", { class: "clip", text: "Prefix", title: "Up to its trigger token" }),
          make("span", { class: "next", text: "Next", title: "The token that comes next" }))));
    this.rows = prefixes.map((prefix, row) => buildRow(prefix, row, largest, decimals));
    this.table = make("table", {
      role: "grid", "aria-label": `${title}: prefixes and patterns`, "aria-multiselectable": "true",
    }, this.columns, make("thead", { role: "rowgroup" }, this.headRow),
      make("tbody", { role: "rowgroup" }, ...this.rows.map((row) => row.element)));
    this.scroller = make("div", { class: "scroller" }, this.table);
  }

  buildFoot() {
    this.status = make("span", { class: "status", "data-status": "" });
    this.toast = make("span", { class: "toast" });
    this.toastUndo = button("undo", "Undo", { class: "link" });
    this.reason = make("span", { class: "reason", id: "reason" });
    this.submit = make("button", {
      type: "button", "data-action": "submit", class: "submit", "aria-describedby": "reason",
    });
    this.foot = make("div", { class: "foot" }, this.status,
      make("span", { class: "middle" }, this.toast, this.toastUndo), this.reason, this.submit);
  }

  update(model) {
    put(this.root, "data-locked", model.locked ? "" : null);
    this.updateBar(model);
    this.updateHeads(model);
    this.rows.forEach((row, index) => this.updateRow(row, index, model));
    this.updateFoot(model);
    this.highlight(model.found);
  }

  updateBar({ answer, active, locked, found, notice, canUndo, canRedo }) {
    const pattern = answer.patterns[active];
    this.notice.hidden = !notice;
    write(this.noticeText, notice ?? "");
    this.editor.hidden = Boolean(found);
    this.found.hidden = !found;
    if (found) this.updateFound(found, answer, locked);
    this.add.disabled = locked || answer.patterns.length >= MOST_PATTERNS;
    this.none.hidden = answer.patterns.length > 0 && !answer.no_pattern;
    this.none.disabled = locked;
    put(this.none, "aria-pressed", answer.no_pattern);
    this.hint.hidden = Boolean(pattern);
    write(this.hint, emptyHint(answer, locked));
    this.one.hidden = !pattern;
    if (pattern) {
      this.label(this.badge, pattern, active);
      for (const choice of this.types) {
        put(choice, "aria-pressed", choice.dataset.type === pattern.type);
        choice.disabled = locked;
      }
      // The field is one step ahead of nobody: what is typed is in `answer` before this runs.
      if (this.description.value !== pattern.description) {
        this.description.value = pattern.description;
      }
      put(this.description, "aria-label", `Description of pattern ${active + 1}`);
      this.description.readOnly = locked;
      this.one.lastChild.disabled = locked;
    }
    this.undo.disabled = locked || !canUndo;
    this.redo.disabled = locked || !canRedo;
  }

  label(badge, pattern, index) {
    put(badge, "data-type", pattern.type);
    write(badge, `${this.letters[pattern.type]}${index + 1}`);
  }

  updateFound({ words, rows, inside, typed }, answer, locked) {
    const shown = words.length > 60 ? `${words.slice(0, 59)}…` : words;
    const where = inside ? " inside words" : "";
    const text = `${rows.length} of ${this.rows.length} contain “${shown}”${where}`;
    const types = answer.patterns.map((pattern) => pattern.type);
    const signature = JSON.stringify([text, typed, types, locked]);
    if (this.found.dataset.signature === signature) return;
    this.found.dataset.signature = signature;
    const off = locked || !rows.length;
    const picks = answer.patterns.map((pattern, index) => {
      const pick = button("find-tick", "", {
        "data-index": index, disabled: off, "aria-label": `Tick in pattern ${index + 1}`,
        title: `Tick them in pattern ${index + 1}: ${pattern.description}`,
      });
      const badge = make("span", { class: "badge" });
      this.label(badge, pattern, index);
      pick.append(badge);
      return pick;
    });
    this.found.replaceChildren(
      make("bdi", { class: "count", text }),
      button("find-new", "New shallow pattern", { class: "add", title: "Enter", disabled: off }),
      ...(picks.length ? [make("span", { class: "hint", text: "or tick in" }), ...picks] : []),
      button("find-clear", "✕", { "aria-label": "Clear what was found", title: "Esc" }),
    );
  }

  updateHeads({ answer, active }) {
    while (this.heads.length < answer.patterns.length) this.addColumn();
    while (this.heads.length > answer.patterns.length) this.dropColumn();
    put(this.table, "data-patterns", widthClass(answer.patterns.length));
    this.table.style.setProperty("--patterns", answer.patterns.length);
    answer.patterns.forEach((pattern, index) => {
      const { cell, pick, badge, count, rule, description } = this.heads[index];
      const ticks = pattern.ranks.length;
      const short = ticks < FEWEST_PREFIXES;
      put(cell, "data-active", index === active ? "" : null);
      this.label(badge, pattern, index);
      write(count, `${ticks}/${this.rows.length}`);
      rule.hidden = !short;
      write(rule, `needs ${FEWEST_PREFIXES}`);
      write(description, pattern.description || (short ? "" : "no description"));
      const name = pattern.description || "no description yet";
      put(pick, "title", `${TYPE_NAMES[pattern.type]} ${index + 1}: ${name}`);
      put(pick, "aria-label", `pattern ${index + 1}, ${TYPE_NAMES[pattern.type]}: ${name}, ` +
        `ticked in ${ticks} of ${this.rows.length}${short ? `, needs ${FEWEST_PREFIXES}` : ""}`);
      put(pick, "aria-pressed", index === active);
    });
  }

  addColumn() {
    const index = this.heads.length;
    const head = {
      badge: make("span", { class: "badge" }), count: make("span", { class: "count" }),
      rule: make("span", { class: "rule" }),
      description: make("span", { class: "words", dir: "auto" }),
    };
    head.pick = make("button", {
      type: "button", class: "pick", "data-action": "pick", "data-index": index, tabindex: -1,
    }, make("span", { class: "top" }, head.badge, head.count), head.rule, head.description);
    head.cell = make("th", { class: "pattern", scope: "col", role: "columnheader" }, head.pick);
    this.headRow.append(head.cell);
    this.columns.append(make("col", { class: "pattern" }));
    this.rows.forEach(({ element, ticks }, row) => {
      const box = make("div", {
        class: "tick", role: "checkbox", tabindex: -1, "data-row": row, "data-column": index,
      });
      ticks.push(box);
      element.append(make("td", { class: "pattern", role: "gridcell" }, box));
    });
    this.heads.push(head);
  }

  dropColumn() {
    this.heads.pop().cell.remove();
    this.columns.lastChild.remove();
    for (const { ticks } of this.rows) ticks.pop().parentElement.remove();
  }

  updateRow({ element, rank, ticks, context, expanded }, row, model) {
    const { answer, active, cursor, anchor, locked, found } = model;
    const [first, last] = [Math.min(anchor, cursor.row), Math.max(anchor, cursor.row)];
    const chosen = row >= first && row <= last;
    put(element, "data-cursor", row === cursor.row ? "" : null);
    put(element, "data-chosen", chosen && first < last ? "" : null);
    put(element, "aria-selected", chosen);
    put(element, "data-found", found?.rows.includes(row) ? "" : null);
    put(element, "data-expanded", expanded ? "" : null);
    put(context, "tabindex", row === cursor.row && cursor.column === CONTEXT ? 0 : -1);
    ticks.forEach((box, index) => {
      const pattern = answer.patterns[index];
      const on = isTicked(answer, index, rank);
      put(box, "aria-checked", on);
      put(box, "aria-disabled", locked || null);
      const name = pattern.description || "no description";
      put(box, "aria-label", `prefix ${rank}, pattern ${index + 1}: ${name}`);
      put(box, "data-type", pattern.type);
      put(box, "data-active", index === active ? "" : null);
      put(box, "tabindex", row === cursor.row && cursor.column === index ? 0 : -1);
    });
  }

  updateFoot({ answer, status, toast, locked, reasons, asked }) {
    put(this.status, "data-status", status);
    write(this.status, STATUS_TEXTS[status]);
    const cover = `${covered(answer)} of ${this.rows.length} prefixes covered`;
    write(this.toast, toast?.text ?? (answer.patterns.length ? cover : ""));
    this.toastUndo.hidden = !toast?.undo || locked;
    const more = reasons.length > 1 ? ` (and ${reasons.length - 1} more)` : "";
    write(this.reason, locked || !reasons.length ? "" : reasons[0] + more);
    put(this.reason, "data-asked", asked ? "" : null);
    put(this.reason, "title", reasons.length > 1 ? reasons.join("\n") : null);
    this.submit.hidden = status === "submitted";
    this.submit.disabled = locked || reasons.length > 0;
    put(this.submit, "title", reasons.length ? reasons.join("\n") : "Ctrl+Enter");
    write(this.submit, status === "submitting" ? "Submitting…" : "Submit");
  }

  /** Found words are painted over the text (CSS highlights): the elements stay as they are. */
  highlight(found) {
    if (!("highlights" in CSS)) return;
    const ranges = (found?.ranges ?? []).flatMap((pairs, row) =>
      pairs.map(([start, end]) => rangeIn(this.rows[row].text, start, end)),
    );
    if (ranges.length) CSS.highlights.set(FIND_HIGHLIGHT, new Highlight(...ranges));
    else CSS.highlights.delete(FIND_HIGHLIGHT);
  }

  cell({ row, column }) {
    return column === CONTEXT ? this.rows[row].context : this.rows[row].ticks[column];
  }
}

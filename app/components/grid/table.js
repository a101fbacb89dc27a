// The table: a row a prefix, a column a pattern. Built once for a key, then brought up to date by hand.

class Table {
  constructor(title, prefixes, letters) {
    this.letters = letters;
    this.heads = [];
    const largest = Math.max(...prefixes.map((prefix) => prefix.coefficient), 0);
    const decimals = largest > 0 ? Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(largest)))) : 0;
    this.columns = make("colgroup", {},
      make("col", { class: "rank" }), make("col", { class: "coefficient" }), make("col"));
    this.legend = make("span", { class: "legend", "aria-hidden": "true", hidden: "" });
    this.headRow = make("tr", { role: "row" },
      make("th", { class: "rank", scope: "col", role: "columnheader", text: "#", title: "Rank" }),
      make("th", { class: "coefficient", scope: "col", role: "columnheader", text: "Coefficient" }),
      make("th", { class: "context", scope: "col", role: "columnheader" },
        make("div", { class: "line" }, this.legend,
          make("span", { class: "clip", text: "Prefix", title: "Up to its trigger token" }),
          make("span", { class: "next", text: "Next", title: "The token that comes next" }))));
    this.rows = prefixes.map((prefix, row) => buildRow(prefix, row, largest, decimals));
    this.element = make("table", {
      role: "grid", "aria-label": `${title}: prefixes and patterns`, "aria-multiselectable": "true",
    }, this.columns, make("thead", { role: "rowgroup" }, this.headRow),
      make("tbody", { role: "rowgroup" }, ...this.rows.map((row) => row.element)));
    this.scroller = make("div", { class: "scroller" }, this.element);
  }

  update(model) {
    this.updateHeads(model);
    this.rows.forEach((row, index) => this.updateRow(row, index, model));
  }

  updateHeads({ answer, active }) {
    while (this.heads.length < answer.patterns.length) this.addColumn();
    while (this.heads.length > answer.patterns.length) this.dropColumn();
    put(this.element, "data-patterns", widthClass(answer.patterns.length));
    this.element.style.setProperty("--patterns", answer.patterns.length);
    answer.patterns.forEach((pattern, index) => {
      const { cell, pick, badge, count, rule, description } = this.heads[index];
      const ticks = pattern.ranks.length;
      const short = ticks < FEWEST_PREFIXES;
      put(cell, "data-active", index === active ? "" : null);
      label(badge, this.letters, pattern, index);
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

  cell({ row, column }) {
    return column === CONTEXT ? this.rows[row].context : this.rows[row].ticks[column];
  }
}

// The commands that change the answer. Each asks the desk to keep, send and remember the change.

class Editor {
  constructor(grid) {
    this.grid = grid;
    this.desk = grid.desk;
  }

  get closed() {
    return this.grid.locked || this.desk.submitting > 0;
  }

  change(answer, options) {
    if (this.closed) return;
    this.grid.asked = false;
    this.desk.change(answer, options);
    this.grid.render();
  }

  toggleTick(index) {
    const { grid, desk: { answer } } = this;
    if (!answer.patterns[index]) return grid.announce(`There is no pattern ${index + 1}.`);
    const ranks = this.ranks(grid.anchor, grid.cursor.row);
    const on = !ranks.every((rank) => isTicked(answer, index, rank));
    grid.moveTo(grid.cursor.row, index, true);
    this.change(withTicks(answer, index, ranks, on));
  }

  paint(index, from, to, on, group) {
    const answer = withTicks(this.desk.answer, index, this.ranks(from, to), on);
    this.change(answer, { group, wait: TYPING_MS });
  }

  /** The ranks of the rows between two, with both. */
  ranks(from, to) {
    const [first, last] = [from, to].sort((one, other) => one - other);
    return this.grid.prefixes.slice(first, last + 1).map((prefix) => prefix.rank);
  }

  newPattern() {
    const { grid, desk } = this;
    if (grid.finder.found) return grid.finder.makePattern();
    if (desk.answer.patterns.length >= MOST_PATTERNS) return;
    this.change(withPattern(desk.answer, "shallow", "", []));
    grid.pick(desk.answer.patterns.length - 1);
    this.editDescription();
  }

  editDescription() {
    const { grid } = this;
    if (grid.finder.found) grid.finder.clear();
    if (grid.active < 0 || this.closed) return;
    grid.view.bar.description.focus();
    grid.view.bar.description.select();
  }

  describe(text) {
    const { active } = this.grid;
    if (active < 0) return;
    const answer = withChange(this.desk.answer, active, { description: text });
    this.change(answer, { group: `description ${active}`, wait: TYPING_MS });
  }

  setType(type) {
    const { active } = this.grid;
    if (active >= 0) this.change(withChange(this.desk.answer, active, { type }));
  }

  toggleType() {
    const pattern = this.desk.answer.patterns[this.grid.active];
    if (pattern) this.setType(OTHER_TYPE[pattern.type]);
  }

  deletePattern() {
    const { grid, desk } = this;
    const pattern = desk.answer.patterns[grid.active];
    if (!pattern || this.closed) return;
    const name = pattern.description ? ` “${pattern.description}”` : "";
    grid.say(`Deleted pattern ${grid.active + 1}${name}.`, true);
    this.change(withoutPattern(desk.answer, grid.active));
    grid.focusCell();
  }

  toggleNone() {
    const { answer } = this.desk;
    if (answer.patterns.length && !answer.no_pattern) {
      return this.grid.say("Delete the patterns first, then say that you found none.");
    }
    this.change({ ...answer, no_pattern: !answer.no_pattern });
  }

  undo() {
    this.step(() => this.desk.undo());
  }

  redo() {
    this.step(() => this.desk.redo());
  }

  step(move) {
    if (this.closed) return;
    const before = this.desk.answer;
    move();
    this.grid.toast = null;
    this.grid.pick(firstDifference(before, this.desk.answer));
  }

  submit() {
    const { grid, desk } = this;
    desk.flush();
    const [reason] = problems(desk.answer);
    if (this.closed) return;
    if (reason) {
      grid.asked = true;
      grid.announce(reason);
      return grid.render();
    }
    desk.submit();
    grid.render();
  }
}

// Tick by text: words, selected in a prefix or typed, and the prefixes that contain them.

class Finder {
  constructor(grid) {
    this.grid = grid;
    this.matchCase = false;
    this.found = null; // { words, typed, matchCase, rows, ranges, inside } while there is something
  }

  typed(text) {
    this.show(text.trim() ? text : null, true);
  }

  selected(words) {
    if (words) this.show(words, false);
    else if (this.found && !this.found.typed) this.show(null, false);
  }

  show(words, typed) {
    const { grid: { prefixes, view: { bar } }, matchCase } = this;
    const found = words && findText(prefixes, words, matchCase);
    this.found = words ? { words: words.trim(), typed, matchCase, ...found } : null;
    if (!typed) bar.find.value = "";
    this.grid.render();
    if (this.found) this.grid.announce(bar.found.firstChild.textContent);
  }

  toggleCase() {
    this.matchCase = !this.matchCase;
    if (this.found) return this.show(this.found.words, this.found.typed);
    this.grid.render();
    this.grid.announce(this.matchCase ? "Case is matched." : "Case does not matter.");
  }

  clear() {
    const typed = this.found?.typed || this.grid.view.bar.find.value;
    document.getSelection()?.removeAllRanges();
    this.grid.view.bar.find.value = "";
    this.found = null;
    this.grid.render();
    if (typed) this.grid.focusCell();
  }

  ranks() {
    return this.found.rows.map((row) => this.grid.prefixes[row].rank);
  }

  makePattern() {
    const { answer } = this.grid.desk;
    if (!this.found?.rows.length || answer.patterns.length >= MOST_PATTERNS) return;
    const description = tidyDescription(this.found.words);
    this.grid.editor.change(withPattern(answer, "shallow", description, this.ranks()));
    this.finish(this.grid.desk.answer.patterns.length - 1);
  }

  tickIn(index) {
    this.grid.editor.change(withTicks(this.grid.desk.answer, index, this.ranks(), true));
    this.finish(index);
  }

  finish(index) {
    this.clear();
    this.grid.moveTo(this.grid.cursor.row, index);
  }
}

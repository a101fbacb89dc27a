// Tick by text: words, selected in a prefix or typed, and the prefixes that contain them.

class Finder {
  constructor(grid) {
    this.grid = grid;
    this.found = null; // { words, typed, rows, ranges, inside } while there is something to look for
  }

  typed(text) {
    this.show(text.trim() ? text : null, true);
  }

  selected(words) {
    if (words) this.show(words, false);
    else if (this.found && !this.found.typed) this.show(null, false);
  }

  show(words, typed) {
    const { prefixes, view } = this.grid;
    this.found = words ? { words: words.trim(), typed, ...findText(prefixes, words) } : null;
    if (!typed) view.find.value = "";
    this.grid.render();
    if (this.found) this.grid.announce(view.found.firstChild.textContent);
  }

  clear() {
    const typed = this.found?.typed || this.grid.view.find.value;
    document.getSelection()?.removeAllRanges();
    this.grid.view.find.value = "";
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
    this.grid.change(withPattern(answer, "shallow", description, this.ranks()));
    this.finish(this.grid.desk.answer.patterns.length - 1);
  }

  tickIn(index) {
    this.grid.change(withTicks(this.grid.desk.answer, index, this.ranks(), true));
    this.finish(index);
  }

  finish(index) {
    this.clear();
    this.grid.moveTo(this.grid.cursor.row, index);
  }
}

// Keyboard, mouse and selection, turned into the grid's commands. What is typed into a text field is
// never a command, and no key pressed in here reaches Streamlit's own shortcuts (r, c).

const MOVES = {
  ArrowUp: [-1, 0], k: [-1, 0], ArrowDown: [1, 0], j: [1, 0],
  ArrowLeft: [0, -1], ArrowRight: [0, 1],
  PageUp: [-10, 0], PageDown: [10, 0], Home: [-Infinity, 0], End: [Infinity, 0],
};

const LETTERS = {
  n: (grid) => grid.editor.newPattern(),
  t: (grid) => grid.editor.toggleType(),
  e: (grid) => grid.editor.editDescription(),
  Delete: (grid) => grid.editor.deletePattern(),
  Backspace: (grid) => grid.editor.deletePattern(),
  "/": (grid) => grid.view.bar.find.focus(),
  "?": (grid) => grid.showHelp(),
  c: (grid) => grid.finder.toggleCase(),
  s: (grid) => grid.shading.toggle(),
  ",": (grid) => grid.shading.step(-1),
  ".": (grid) => grid.shading.step(1),
  0: (grid) => grid.editor.toggleNone(),
  Escape: (grid) => {
    grid.shading.hide();
    grid.finder.clear();
  },
  Enter: (grid) =>
    grid.finder.found ? grid.finder.makePattern() : grid.toggleExpanded(grid.cursor.row),
  " ": (grid) =>
    grid.editor.toggleTick(grid.cursor.column === CONTEXT ? grid.active : grid.cursor.column),
};

const ACTIONS = {
  add: (grid) => grid.editor.newPattern(),
  none: (grid) => grid.editor.toggleNone(),
  type: (grid, { type }) => grid.editor.setType(type),
  delete: (grid) => grid.editor.deletePattern(),
  undo: (grid) => grid.editor.undo(),
  redo: (grid) => grid.editor.redo(),
  shade: (grid) => grid.shading.toggle(),
  help: (grid) => grid.showHelp(),
  "help-close": (grid) => grid.view.help.close(),
  submit: (grid) => grid.editor.submit(),
  dismiss: (grid) => grid.dismissNotice(),
  more: (grid, { row }) => grid.toggleExpanded(Number(row)),
  pick: (grid, { index }) => grid.pick(Number(index)),
  "find-new": (grid) => grid.finder.makePattern(),
  "find-tick": (grid, { index }) => grid.finder.tickIn(Number(index)),
  "find-case": (grid) => grid.finder.toggleCase(),
  "find-clear": (grid) => grid.finder.clear(),
};

/** Wire a grid's elements; everything ends with `signal`. */
function listen(grid, signal) {
  const { root, help, bar: { find, description } } = grid.view;
  const on = (target, type, handler) => target.addEventListener(type, handler, { signal });
  on(root, "keydown", (event) => {
    event.stopPropagation();
    if (!help.open) pressed(grid, event);
  });
  on(root, "keyup", (event) => event.stopPropagation());
  on(root, "click", (event) => clicked(grid, event));
  on(root, "dblclick", (event) => {
    if (event.target.closest("[data-action=pick]")) grid.editor.editDescription();
  });
  on(root, "focusin", (event) => focused(grid, event));
  on(description, "input", () => grid.editor.describe(description.value));
  on(description, "blur", () => grid.desk.closeGroup());
  on(find, "input", () => grid.finder.typed(find.value));
  // A button must not take the selection, or the words whose button it is are gone before the click.
  on(root, "mousedown", (event) => {
    if (event.target.closest("[data-action^=find]")) event.preventDefault();
  });
  on(document, "selectionchange", () => selected(grid));
  on(window, "resize", () => grid.view.fit());
  on(window, "beforeunload", (event) => {
    grid.desk.flush();
    if (grid.desk.unsaved) event.preventDefault();
  });
  listenToDragging(grid, on);
  listenToPointing(grid, on);
}

function pressed(grid, event) {
  const target = event.composedPath()[0];
  const command = event.ctrlKey || event.metaKey;
  if (event.isComposing) return;
  if (command && event.key === "Enter") return done(event, () => grid.editor.submit());
  if (target.matches("input")) return pressedInField(grid, target, event);
  if (command && event.key.toLowerCase() === "z") {
    return done(event, () => (event.shiftKey ? grid.editor.redo() : grid.editor.undo()));
  }
  if (command && event.key.toLowerCase() === "y") return done(event, () => grid.editor.redo());
  if (command || event.altKey) return;
  const onButton = target.matches("button");
  if (onButton && ["Enter", " "].includes(event.key)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (key in MOVES) return done(event, () => grid.moveBy(...MOVES[key], event.shiftKey));
  if (/^[1-9]$/.test(key)) return done(event, () => grid.editor.toggleTick(Number(key) - 1));
  if (key in LETTERS) done(event, () => LETTERS[key](grid));
}

function pressedInField(grid, field, event) {
  // By its place, for Alt makes another letter of it on a Mac.
  const ofCase = event.altKey && event.code === "KeyC" && field === grid.view.bar.find;
  if (ofCase) return done(event, () => grid.finder.toggleCase());
  if (!["Enter", "Escape"].includes(event.key)) return;
  done(event, () => {
    if (field === grid.view.bar.description) grid.focusCell();
    else if (event.key === "Escape") grid.finder.clear();
    else grid.finder.makePattern();
  });
}

function done(event, command) {
  event.preventDefault();
  command();
}

function clicked(grid, event) {
  const action = event.target.closest("[data-action]");
  if (action) return ACTIONS[action.dataset.action](grid, action.dataset);
  const box = event.target.closest(".tick");
  // A mouse has ticked when it went down; a finger or a screen reader only clicks.
  if (box && !grid.dragged) {
    grid.moveTo(Number(box.dataset.row), Number(box.dataset.column));
    grid.editor.toggleTick(Number(box.dataset.column));
  }
}

function focused(grid, event) {
  const cell = event.target.closest(".tick, td.context");
  if (!cell) return;
  const row = Number(cell.dataset.row);
  const column = cell.matches(".tick") ? Number(cell.dataset.column) : CONTEXT;
  if (row !== grid.cursor.row || column !== grid.cursor.column) grid.place(row, column);
}

function listenToDragging(grid, on) {
  let drag = null;
  on(grid.view.root, "pointerdown", (event) => {
    const box = event.target.closest(".tick");
    if (!box || event.button !== 0 || event.pointerType === "touch") return;
    event.preventDefault();
    grid.dragged = true;
    const [row, column] = [Number(box.dataset.row), Number(box.dataset.column)];
    const from = event.shiftKey ? grid.anchor : row;
    drag = { column, row, value: box.getAttribute("aria-checked") !== "true", group: {} };
    grid.moveTo(row, column);
    grid.editor.paint(column, from, row, drag.value, drag.group);
  });
  on(window, "pointermove", (event) => {
    if (!drag) return;
    const row = grid.rowAt(event.clientY);
    if (row === drag.row || row === null) return;
    // A fast mouse skips rows; the drag does not.
    grid.editor.paint(drag.column, drag.row, row, drag.value, drag.group);
    drag.row = row;
    grid.moveTo(row, drag.column);
  });
  const end = () => {
    if (drag) grid.desk.closeGroup();
    drag = null;
    setTimeout(() => (grid.dragged = false)); // after the click that this ends in
  };
  on(window, "pointerup", end);
  on(window, "pointercancel", end);
}

/** The token under the mouse tells its number, but not while one drags or selects. */
function listenToPointing(grid, on) {
  const { root, table: { scroller } } = grid.view;
  let frame = 0;
  const hide = () => {
    cancelAnimationFrame(frame);
    grid.shading.hide();
  };
  on(root, "mousemove", ({ target, buttons, clientX, clientY }) => {
    if (!grid.shading.on) return;
    cancelAnimationFrame(frame);
    const row = buttons ? -1 : rowOf(grid, target);
    frame = requestAnimationFrame(() => (row < 0 ? hide() : grid.shading.point(row, clientX, clientY)));
  });
  on(root, "mouseleave", hide);
  on(scroller, "scroll", hide);
}

/** The row in whose text a node is, or −1. */
function rowOf(grid, node) {
  const element = node instanceof Element ? node : node?.parentElement;
  return grid.view.rows.findIndex(({ text }) => text.contains(element));
}

/** Words selected in a prefix are looked for in all of them. */
function selected(grid) {
  const range = selectionIn(grid.view.root.getRootNode());
  const [first, last] = range
    ? [rowOf(grid, range.startContainer), rowOf(grid, range.endContainer)]
    : [-1, -1];
  const row = first >= 0 ? first : last;
  if (!range || row < 0) return grid.finder.selected(null);
  const { text } = grid.view.rows[row];
  const start = first >= 0 ? offsetIn(text, range.startContainer, range.startOffset) : 0;
  // A drag that ends beyond the prefix means the rest of it.
  const end =
    last === row ? offsetIn(text, range.endContainer, range.endOffset) : text.textContent.length;
  grid.finder.selected(start < end ? snapToTokens(grid.prefixes[row], start, end) : null);
}

/** What is selected inside a shadow root, in the three ways that browsers tell it. */
function selectionIn(root) {
  const selection = document.getSelection();
  if (selection?.getComposedRanges && root instanceof ShadowRoot) {
    return selection.getComposedRanges({ shadowRoots: [root] })[0] ?? null;
  }
  const inner = root.getSelection?.() ?? selection;
  return inner?.rangeCount ? inner.getRangeAt(0) : null;
}

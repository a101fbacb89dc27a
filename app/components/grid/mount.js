// What Streamlit calls, and what the grid must know of Streamlit's page.
//
// The default export is called again for every new `data`, with the same parent element, and what the
// last call returned when the component goes away. If two calls overtake the first import, Streamlit
// cleans up after the first one at once: hence the comparison with `latest`.

const grids = new WeakMap(); // parent element → Grid
const desks = new Map(); // component key and key_id → Desk: work outlives a change of page
const styles = new CSSStyleSheet(); // one for all grids of this page
styles.replaceSync(STYLES);
const APP = "[data-testid=stApp]";
const CONNECTION = "data-test-connection-state";

function connectionState() {
  const state = document.querySelector(APP)?.getAttribute(CONNECTION);
  if (!state) return "unknown"; // another version of Streamlit: the wait for an answer tells
  return state === "CONNECTED" ? "there" : "lost";
}

/** Nothing has the focus, or only the last key's grid, which Streamlit keeps until the page is drawn. */
function nobodyTypes() {
  const focus = document.activeElement;
  return !focus || focus === document.body || Boolean(focus.shadowRoot?.querySelector(".grid-root"));
}

/** Streamlit greys what it has not drawn anew; here that would flicker at every tick. */
function keepOpaque(root) {
  const container = root.getRootNode().host?.closest("[data-testid=stElementContainer]");
  container?.style.setProperty("opacity", "1", "important");
}

/** Streamlit gives each component a tree of its own, and keeps it when the grid comes anew. */
function wear(sheet, tree) {
  if (!tree.adoptedStyleSheets.includes(sheet)) tree.adoptedStyleSheets.push(sheet);
}

export default function (component) {
  const { parentElement } = component;
  const data = JSON.parse(new TextDecoder().decode(component.data)); // bytes, see _message
  let grid = grids.get(parentElement);
  if (grid && grid.keyId !== data.key_id) {
    grid.destroy();
    grid = null;
  }
  if (!grid) {
    wear(styles, parentElement.getRootNode());
    const name = `${data.instance} ${data.key_id}`;
    if (!desks.has(name)) desks.set(name, new Desk(data.key_id, data.stored));
    grid = new Grid(parentElement, desks.get(name), data);
    grids.set(parentElement, grid);
  }
  grid.latest = component;
  grid.receive(component, data);
  return () => {
    if (grid.latest !== component) return;
    grid.destroy();
    grids.delete(parentElement);
  };
}

// Making elements and changing only what differs, so that nothing which has the focus, a selection or
// a scroll position is ever replaced. Corpus text enters as text only.

const TYPE_NAMES = { shallow: "shallow n-gram", semantic: "semantic topic" };
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

/** A type's letter and the pattern's number, in the type's colour. */
function label(badge, letters, pattern, index) {
  put(badge, "data-type", pattern.type);
  write(badge, `${letters[pattern.type]}${index + 1}`);
}

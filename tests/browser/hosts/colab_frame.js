/**
 * One output frame as Colab builds it: an origin of its own, one manager in it, models that know the
 * kernel only through messages, and anywidget's own code, fetched from its network of copies and
 * evaluated.  What @jupyter-widgets/base gives to anywidget is written anew here, as little as it uses.
 */
class Model {
  constructor(id, state) {
    this.id = id;
    this.values = { ...state };
    this.heard = [];
    this.dirty = {};
    this.initialize();
  }
  initialize() {}
  get(name) {
    return this.values[name];
  }
  set(name, value) {
    if (Object.is(this.values[name], value)) return;
    this.values[name] = value;
    this.dirty[name] = value;
    this.tell(`change:${name}`);
  }
  on(event, callback, context) {
    this.heard.push({ event, callback, context });
  }
  once() {}
  off(event, callback, context) {
    this.heard = this.heard.filter(
      (h) => (event && h.event !== event) || (callback && h.callback !== callback) || (context && h.context !== context),
    );
  }
  tell(event, ...args) {
    for (const h of this.heard.filter((one) => one.event === event)) h.callback.call(h.context ?? this, ...args);
  }
  save_changes() {
    const state = this.serialize(this.dirty);
    this.dirty = {};
    toKernel(this.id, { method: "update", state, buffer_paths: [] });
  }
  send(content) {
    toKernel(this.id, { method: "custom", content });
  }
  async _handle_comm_msg({ method, state, content, buffers }) {
    if (method === "custom") this.tell("msg:custom", content, buffers);
    if (method !== "update") return;
    for (const [name, value] of Object.entries(state)) {
      this.values[name] = value;
      this.tell(`change:${name}`);
    }
  }
}
class View {
  constructor(model, el) {
    this.model = model;
    this.el = el;
    this.$el = { empty: () => el.replaceChildren() };
  }
}

const models = new Map();
const library = fetch("https://cdn.jsdelivr.net/npm/anywidget@~0.9.*/dist/index.js")
  .then((answer) => answer.text())
  .then((code) => {
    let made;
    new Function("define", code)((_, make) => (made = make({ DOMWidgetModel: Model, DOMWidgetView: View })));
    return made;
  });

const bytes = (text) => new DataView(Uint8Array.from(atob(text), (c) => c.charCodeAt(0)).buffer);
const filled = ({ state = {}, buffer_paths: paths = [], ...rest }, buffers) => {
  const views = buffers.map(bytes);
  paths.forEach((path, n) => {
    const at = path.slice(0, -1).reduce((node, key) => node[key], state);
    at[path.at(-1)] = views[n];
  });
  return { ...rest, state, buffers: views };
};

/** What the kernel says to a model of this frame. */
window.fromKernel = async (id, data, buffers) => {
  await (await models.get(id))?._handle_comm_msg(filled(data, buffers));
};
/** One output of the cell, at its end; how long a widget took, in ms. */
window.show = async (mime, content, opened) => {
  const output = document.createElement("div");
  output.className = "display_data output_subarea";
  document.querySelector("#output-area").append(output);
  if (mime === "text/html") output.innerHTML = content;
  else if (mime === "text/plain") output.append(Object.assign(document.createElement("pre"), { textContent: content }));
  if (mime !== "widget") return 0;
  const { AnyModel, AnyView } = await library;
  const { id, data, buffers, since } = opened;
  const before = performance.now();
  if (!models.has(id)) {
    const model = new AnyModel(id, filled(data, buffers).state);
    models.set(id, Promise.resolve(model));
    for (const [data, buffers] of since) model._handle_comm_msg(filled(data, buffers));
  }
  const host = document.createElement("div");
  output.append(host);
  await new AnyView(await models.get(id), host).render();
  while (!host.firstElementChild && performance.now() < before + 10000) await new Promise((ok) => setTimeout(ok, 5));
  return performance.now() - before;
};

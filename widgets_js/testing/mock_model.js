/**
 * What anywidget hands to `render({ model, el })`, without a kernel; `receive` acts as the kernel.
 * @param {Record<string, any>} state
 */
export function mockModel(state, { onSave = () => {}, onSend = () => {} } = {}) {
  const values = { ...state };
  const listeners = new Map();
  const dirty = new Set();
  const emit = (event, ...args) => {
    for (const callback of [...(listeners.get(event) ?? [])]) callback(...args);
  };
  const model = {
    get: (name) => values[name],
    set(name, value) {
      if (Object.is(values[name], value)) return;
      values[name] = value;
      dirty.add(name);
      emit(`change:${name}`);
    },
    save_changes() {
      const changes = Object.fromEntries([...dirty].map((name) => [name, values[name]]));
      dirty.clear();
      onSave(changes, model);
    },
    send: (content) => onSend(content, model),
    on(event, callback) {
      if (!listeners.has(event)) listeners.set(event, new Set());
      listeners.get(event).add(callback);
    },
    off: (event, callback) => listeners.get(event)?.delete(callback),
    /** Traits set by Python. */
    receive(patch) {
      Object.assign(values, patch);
      for (const name of Object.keys(patch)) emit(`change:${name}`);
    },
    /** A message from Python. */
    message: (content, buffers = []) => emit("msg:custom", content, buffers),
    /** How many callbacks are still subscribed. */
    subscribed: () => [...listeners.values()].reduce((n, set) => n + set.size, 0),
  };
  return model;
}

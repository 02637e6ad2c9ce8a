// The driver's worker: instantiates the module that the page already compiled, then gets out of
// the way. Messages that arrive before that are kept in order.
const early = [];

async function start({ glue, module }) {
  const { default: init, WorkerDriver } = await import(glue);
  await init({ module_or_path: module });
  const driver = new WorkerDriver();
  self.onmessage = ({ data }) => driver.receive(data);
  for (const message of early.splice(0)) driver.receive(message);
}

self.onmessage = ({ data }) => {
  if (data.glue) {
    // Thrown outside of the promise, so that the page hears of it by an `error` event.
    start(data).catch((error) => setTimeout(() => { throw error; }));
  } else {
    early.push(data);
  }
};

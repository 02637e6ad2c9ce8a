// The driver's worker. In the page this file only knows how to start itself; in the worker it
// instantiates the module that the page already compiled, and gets out of the way. Messages that
// arrive before that are kept in order.
const NAME = "immersive-driver";

export function startWorker() {
  // In this very form, so that bundlers see it.
  return new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: NAME });
}

if (typeof DedicatedWorkerGlobalScope === "function" && self.name === NAME) {
  const early = [];

  const start = async ({ glue, module }) => {
    const { default: init, WorkerDriver } = await import(glue);
    await init({ module_or_path: module });
    const driver = new WorkerDriver();
    self.onmessage = ({ data }) => driver.receive(data);
    for (const message of early.splice(0)) driver.receive(message);
  };

  self.onmessage = ({ data }) => {
    if (data.glue) {
      // Thrown outside of the promise, so that the page hears of it by an `error` event.
      start(data).catch((error) => setTimeout(() => { throw error; }));
    } else {
      early.push(data);
    }
  };
}

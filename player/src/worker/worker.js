// The driver's worker. In the page this file only knows how to start itself; in the worker it
// instantiates the module that the page already compiled, and gets out of the way. Messages that
// arrive before that are kept in order.
const NAME = "immersive-driver";

const launch = () =>
  // In this very form, so that bundlers see it.
  new Worker(new URL("./worker.js", import.meta.url), { type: "module", name: NAME });

// The first worker starts now, while the module is still on its way: it is there when it is needed.
let spare;
let refusal;
if (typeof window === "object" && window.MediaSource?.canConstructInDedicatedWorker) {
  try {
    spare = launch();
    spare.addEventListener("error", (event) => { refusal = event.message ?? "blocked"; });
  } catch (error) {
    refusal = error;
  }
}

export function startWorker() {
  if (refusal) throw new Error(`no worker can be started: ${refusal}`);
  const worker = spare ?? launch();
  spare = undefined;
  return worker;
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

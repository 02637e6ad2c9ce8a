// The driver's worker: instantiates the module that the page already compiled, then gets out of
// the way. Messages that arrive before that are kept in order.
const early = [];
self.onmessage = async ({ data }) => {
  if (!data.glue) {
    early.push(data);
    return;
  }
  const glue = await import(data.glue);
  await glue.default({ module_or_path: data.module });
  const driver = new glue.WorkerDriver();
  self.onmessage = ({ data }) => driver.receive(data);
  for (const message of early.splice(0)) driver.receive(message);
};

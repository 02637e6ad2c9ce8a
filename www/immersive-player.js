// Defines <immersive-player>. One tag in any page is all it takes:
//
//   <script type="module" src="https://example.org/player/immersive-player.js"></script>
//
// The names of the files behind it change with every build, so that caches may keep them for ever.
// They stand in the script tag of index.html; other pages have them read from there.

// A browser starts its part of WebGPU when it is first asked for: while the rest is on its way.
navigator.gpu?.requestAdapter();

async function built() {
  const own = (page) => page.querySelector("script[data-wasm]");
  let script = own(document);
  if (!script) {
    const index = new URL("index.html", import.meta.url);
    const answer = await fetch(index, { cache: "no-cache" });
    if (!answer.ok) throw new Error(`${index} answered with status ${answer.status}`);
    script = own(new DOMParser().parseFromString(await answer.text(), "text/html"));
    if (!script) throw new Error(`${index} does not name the player's files`);
  }
  const { glue, wasm } = script.dataset;
  return { glue: new URL(glue, import.meta.url), wasm: new URL(wasm, import.meta.url) };
}

function explain(error) {
  console.error(error);
  const app = document.getElementById("app");
  if (!app) return;
  const notice = document.createElement("div");
  notice.className = "notice";
  notice.setAttribute("role", "alert");
  const title = document.createElement("h1");
  const text = document.createElement("p");
  const detail = document.createElement("p");
  title.textContent = "The player could not be loaded";
  text.textContent = typeof WebAssembly === "object"
    ? "One of its files is missing or did not arrive. Reload the page; if that does not help, the site may be in the middle of an update."
    : "This browser has no WebAssembly, or it is turned off. Use a current version of Chrome, Edge, Firefox or Safari.";
  detail.className = "detail";
  detail.textContent = String(error);
  notice.append(title, text, detail);
  app.replaceChildren(notice);
}

try {
  const { glue, wasm } = await built();
  const { default: start } = await import(glue);
  await start({ module_or_path: wasm });
} catch (error) {
  explain(error);
}

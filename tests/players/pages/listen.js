// Whatever a player complains of, from its first line on: `told` is what tests look at.
const told = [];

for (const level of ['warn', 'error']) {
  const write = console[level].bind(console);
  console[level] = (...words) => {
    told.push(`${level}: ${words.map(inWords).join(' ')}`);
    write(...words);
  };
}

function inWords(word) {
  if (word instanceof Error) return String(word);
  return typeof word === 'object' ? JSON.stringify(word, (_, value) => (value instanceof Event ? value.type : value)) : String(word);
}

addEventListener('error', event => told.push(`error: ${event.message}`));
addEventListener('unhandledrejection', event => told.push(`rejection: ${event.reason}`));

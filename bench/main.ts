import { benchAccept } from './accept.js';
import { benchConnect } from './connect.js';
import { benchDeploy } from './deploy.js';
import { benchJitter } from './jitter.js';
import { benchStart } from './start.js';

const benches = {
  start: benchStart,
  jitter: benchJitter,
  deploy: benchDeploy,
  accept: benchAccept,
  connect: benchConnect,
};

const names = process.argv.slice(2);
const unknown = names.find((name) => !(name in benches));
if (unknown !== undefined) {
  process.stderr.write(
    `There is no bench "${unknown}": choose from ${Object.keys(benches).join(', ')}, or name none for all.\n`,
  );
  process.exit(2);
}
for (const [name, bench] of Object.entries(benches)) {
  if (names.length === 0 || names.includes(name)) await bench();
}

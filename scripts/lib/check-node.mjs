// Imported first, and written for any Node that knows modules, so that an old one is told so in words.
const OLDEST = 20;

if (process.platform === 'win32') {
  console.error('MLflow is reached over a unix socket here, which Windows has not: run this in WSL.');
  process.exit(1);
}
if (Number(process.versions.node.split('.')[0]) < OLDEST) {
  console.error(
    `Node ${OLDEST} or later is needed to begin with (this is ${process.version}): see https://nodejs.org.`,
  );
  process.exit(1);
}

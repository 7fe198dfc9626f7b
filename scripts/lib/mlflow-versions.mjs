/**
 * The stock MLflows that are set up here; the one place that says which. Each row has what pip installs, one list of
 * arguments after the other, and the Pythons (3.x) that the binary packages it needs exist for.
 */

/** The newest that the gateway serves: every test runs on it. */
export const NEWEST_MLFLOW = {
  version: '3.18.0',
  // The index has no mlflow-skinny and mlflow-tracing 3.18.0, which the package asks for and holds itself. What else it
  // asks for is what 3.17.2 does. Two of the rest speak to databases. It reads forms, by which skills are uploaded, with a package that it does not ask for.
  // Its client for users and permissions, get_app_client("basic-auth"), imports Flask-WTF.
  installs: [
    ['mlflow==3.17.2', 'flask-wtf<2', 'python-multipart<1', 'psycopg2-binary<3', 'pymysql<2'],
    ['--no-deps', 'mlflow==3.18.0'],
  ],
  oldestPython: 10,
  newestPython: 14,
};

/** What `npm start` runs: the newest that pip installs as a whole. Tests of what only it has run on it. */
export const STARTED_MLFLOW = {
  version: '3.17.2',
  installs: [['mlflow==3.17.2', 'flask-wtf<2']],
  oldestPython: 10,
  newestPython: 14,
};

/** The oldest that the gateway serves: every test runs on it. */
export const OLDEST_MLFLOW = {
  version: '2.15.1',
  // It imports pkg_resources, which setuptools 81 dropped, and what SQLAlchemy 2.1 dropped.
  installs: [['mlflow==2.15.1', 'setuptools<81', 'sqlalchemy<2.1']],
  oldestPython: 10,
  newestPython: 12,
};

/** Those that `npm test` sets up. */
export const TESTED_MLFLOWS = [NEWEST_MLFLOW, STARTED_MLFLOW, OLDEST_MLFLOW];

/** Any version, to look at it or to run tests on it: one of the above, or what pip makes of its number. */
export function mlflowOf(version) {
  const known = TESTED_MLFLOWS.find((mlflow) => mlflow.version === version);
  if (known !== undefined) {
    return known;
  }
  const { installs, ...pythons } = version.startsWith('2.') ? OLDEST_MLFLOW : STARTED_MLFLOW;
  const [[, ...besides]] = installs;
  return { ...pythons, version, installs: [[`mlflow==${version}`, ...besides]] };
}

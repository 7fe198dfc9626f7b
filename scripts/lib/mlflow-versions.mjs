/**
 * The stock MLflows that are set up here: the newest and the oldest that the gateway serves, with the Pythons (3.x) that
 * the binary packages they need exist for.
 */
export const NEWEST_MLFLOW = {
  version: '3.17.2',
  // Its own client for users and permissions, get_app_client("basic-auth"), imports Flask-WTF.
  requirements: ['mlflow==3.17.2', 'flask-wtf<2'],
  oldestPython: 10,
  newestPython: 14,
};

export const OLDEST_MLFLOW = {
  version: '2.15.1',
  // It imports pkg_resources, which setuptools 81 dropped, and what SQLAlchemy 2.1 dropped.
  requirements: ['mlflow==2.15.1', 'setuptools<81', 'sqlalchemy<2.1'],
  oldestPython: 10,
  newestPython: 12,
};

"""Makes a user who may edit some experiments, before the server starts; prints the access token that signs them in.

By the plugin's own store: over HTTP it makes users only for an administrator, and tokens only for somebody whom an
identity provider has signed in.
"""

import sys
from datetime import datetime, timedelta, timezone

from mlflow_oidc_auth.store import store

username, *experiments = sys.argv[1:]
tomorrow = datetime.now(timezone.utc) + timedelta(days=1)
store.create_user(username, username)
for experiment in experiments:
    store.create_experiment_permission(experiment, username, "EDIT")
_, token = store.create_user_token(username, "benchmark", tomorrow, username)
print(token)

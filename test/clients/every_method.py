"""Calls every public method of a client for users and permissions once, as an admin, and checks what it answers.

APP names the client as get_app_client does. Prints the names of its methods as JSON.
"""

import inspect
import json
import os
import re
import secrets

import mlflow.server
import requests

client = mlflow.server.get_app_client(os.environ["APP"], tracking_uri=os.environ["MLFLOW_TRACKING_URI"])
signing_in = os.environ["MLFLOW_TRACKING_URI"] + "/auth/sign-in"
methods = {name for name, _ in inspect.getmembers(type(client), inspect.isfunction) if not name.startswith("_")}
left = set(methods)


def call(name, *args, **fields):
    left.remove(name)
    return getattr(client, name)(*args, **fields)


alice, experiment, model = (word + secrets.token_hex(5) for word in ("alice-", "", "model-"))

user = call("create_user", alice, "alice has a password")
assert (user.username, user.is_admin) == (alice, False), user
assert call("get_user", alice).id == user.id
call("update_user_password", alice, "alice has another password")
call("update_user_admin", alice, True)
assert client.get_user(alice).is_admin
client.update_user_admin(alice, False)

for noun, id_ in (("experiment", experiment), ("registered_model", model)):
    if f"create_{noun}_permission" not in methods:
        continue
    given = call(f"create_{noun}_permission", id_, alice, "READ")
    assert (given.user_id, given.permission) == (user.id, "READ"), given
    call(f"update_{noun}_permission", id_, alice, "EDIT")
    assert call(f"get_{noun}_permission", id_, alice).permission == "EDIT"

if "list_users" in methods:
    (listed,) = [each for each in call("list_users") if each.username == alice]
    assert [(p.experiment_id, p.permission) for p in listed.experiment_permissions] == [(experiment, "EDIT")]
    assert [(p.name, p.permission) for p in listed.registered_model_permissions] == [(model, "EDIT")]
    assert client.get_user(alice).to_json() == listed.to_json()

for noun, id_ in (("experiment", experiment), ("registered_model", model)):
    if f"delete_{noun}_permission" in methods:
        call(f"delete_{noun}_permission", id_, alice)

if "create_role" in methods:
    role = call("create_role", "default", "role-" + alice, description="a role")
    assert call("get_role", role.id).name == role.name
    assert role.id in [each.id for each in call("list_roles", "default")]
    assert role.id in [each.id for each in call("list_all_roles")]
    assert call("update_role", role.id, description="another").description == "another"
    held = call("add_role_permission", role.id, "experiment", "*", "READ")
    assert call("update_role_permission", held.id, "EDIT").permission == "EDIT"
    assert [each.permission for each in call("list_role_permissions", role.id)] == ["EDIT"]
    assert call("assign_role", alice, role.id).user_id == user.id
    assert [each.id for each in call("list_user_roles", alice)] == [role.id]
    assert [each.user_id for each in call("list_role_users", role.id)] == [user.id]
    call("grant_user_permission", alice, "registered_model", model, "MANAGE")
    assert call("get_user_permission", alice, "registered_model", model).permission == "MANAGE"
    call("revoke_user_permission", alice, "registered_model", model)
    call("unassign_role", alice, role.id)
    call("remove_role_permission", held.id)
    call("delete_role", role.id)
    assert role.id not in [each.id for each in client.list_all_roles()]

if "create_token" in methods:
    scope = {"access": "read", "resources": [{"resource_type": "experiment", "resource_id": experiment}]}
    made = call("create_token", "nightly", username=alice, expires_in_seconds=60, scope=scope)
    assert made.token.scope == scope and made.token.username == alice, made
    assert made.secret not in repr(made)
    assert call("list_tokens", alice) == [made.token]
    rotated = call("rotate_token", made.token.token_id)
    assert rotated.token.token_id == made.token.token_id and rotated.secret != made.secret
    call("delete_token", made.token.token_id)
    assert client.list_tokens(alice) == []

if "link_user" in methods:
    call("link_user", alice, "corp", "subject of " + alice)
    assert [each.subject for each in call("list_identities", alice)] == ["subject of " + alice]
    call("unlink_user", alice, "corp")
    assert client.list_identities(alice) == []

if "list_sessions" in methods:
    form = requests.get(signing_in)
    token = re.search('name="csrf_token" value="([^"]*)"', form.text).group(1)
    fields = {"csrf_token": token, "username": alice, "password": "alice has another password"}
    answer = requests.post(signing_in, data=fields, cookies=form.cookies, allow_redirects=False)
    assert answer.status_code == 303, answer.text
    (session,) = call("list_sessions", alice)
    assert session.username == alice and not session.is_current, session
    call("delete_session", session.session_id)
    assert client.list_sessions(alice) == []

if "share_with_role" in methods:
    sent = {"name": "shared-" + alice, "workspace": "default"}
    made = client._request("/api/3.0/mlflow/roles/create", "POST", json=sent)["role"]
    call("share_with_role", made["id"], "experiment", experiment, "READ")
    call("unshare_with_role", made["id"], "experiment", experiment)
    client._request("/api/3.0/mlflow/roles/delete", "DELETE", json={"role_id": made["id"]})

if "list_sign_ins" in methods:
    assert all(each.outcome for each in call("list_sign_ins", alice))
    assert [each["name"] for each in call("list_providers")] == ["corp"]

if "invite_user" in methods:
    made = call("invite_user", "invited-" + alice, expires_in_seconds=60)
    assert made.invitation.kind == "invitation" and made.link.startswith("http"), made
    assert made.link not in repr(made)
    reset = call("reset_password_by_link", alice)
    assert call("list_invitations", alice) == [reset.invitation]
    call("revoke_invitation", reset.invitation.invitation_id)
    assert client.list_invitations(alice) == []
    client.delete_user(made.invitation.username)

if "request_access" in methods:
    made = client.create_token("asks", username=alice)
    admins = {name: os.environ.pop(name) for name in ("MLFLOW_TRACKING_USERNAME", "MLFLOW_TRACKING_PASSWORD")}
    os.environ["MLFLOW_TRACKING_TOKEN"] = made.secret
    ours = call("request_access", "experiment", "0", "EDIT", message="for a test")
    assert (ours.resource_id, ours.state, ours.message) == ("0", "open", "for a test"), ours
    other = client.request_access("experiment", "4711", "READ")
    call("withdraw_access_request", other.access_request_id)
    assert call("list_own_access_requests") == [ours]
    del os.environ["MLFLOW_TRACKING_TOKEN"]
    os.environ.update(admins)
    (seen,) = [each for each in call("list_access_requests") if each.username == alice]
    assert (seen.resource_name, seen.permission) == ("Default", "EDIT"), seen
    call("answer_access_request", seen.access_request_id, "READ", message="enough")
    assert client.get_user(alice).experiment_permissions[0].permission == "READ"

if "list_reported_refusals" in methods:
    assert call("list_reported_refusals", alice) == []

call("delete_user", alice)
assert not left, f"never called: {sorted(left)}"
print(json.dumps(sorted(methods)))

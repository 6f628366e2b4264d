"""One flow with the client that openapi-python-client generates: create, list pages, update, delete, an error."""

import sys
from typing import TypeVar

from callbook_client import AuthenticatedClient
from callbook_client.api.calls import create_call, delete_call, get_call, list_contact_calls, update_call
from callbook_client.api.contacts import create_contact
from callbook_client.models import CallBody, CallInput, CallPage, ContactBody, ContactInput, Deleted, Error

T = TypeVar("T")


def expect(kind: type[T], value: object) -> T:
    assert isinstance(value, kind), value
    return value


base, token = sys.argv[1:]
client = AuthenticatedClient(base_url=base, token=token)

contact = expect(ContactBody, create_contact.sync(client=client, body=ContactInput(first_name="Leslie"))).data.id
ids = []
for day in ("2018-02-02", "2018-02-03", "2018-02-04"):
    body = CallInput(content="He called", contact_id=contact, called_at=day)
    ids.append(expect(CallBody, create_call.sync(client=client, body=body)).data.id)

listed: list[int] = []
page = 1
while True:
    calls = expect(CallPage, list_contact_calls.sync(contact, client=client, limit=2, page=page))
    listed += [call.id for call in calls.data]
    if calls.links.next_ is None:
        break
    page += 1
assert listed == ids[::-1], listed

etag = get_call.sync_detailed(ids[0], client=client).headers["etag"]
body = CallInput(content="We talked", contact_id=contact, called_at="2018-02-02")
updated = expect(CallBody, update_call.sync(ids[0], client=client, body=body, if_match=etag))
assert updated.data.content == "We talked", updated
outdated = expect(Error, update_call.sync(ids[0], client=client, body=body, if_match=etag))
assert outdated.error.error_code == 48, outdated

deleted = expect(Deleted, delete_call.sync(ids[0], client=client))
assert deleted.deleted and deleted.id == ids[0], deleted
missing = expect(Error, get_call.sync(ids[0], client=client))
assert missing.error.error_code == 31, missing
print("Python: ok")

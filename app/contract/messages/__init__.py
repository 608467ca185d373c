"""Every Socket.IO message, both ways, on both namespaces: the one place where they are described.

`states` holds what messages carry, `customers` and `staff` the messages of the two namespaces. They are plain TypedDicts, and all
else is derived from them by `json_schema`: the check of what clients send (`app.live.incoming`), the schemas of the OpenAPI
document (`app.api.openapi`), from that the frontend's types, and in the tests the check of everything that is sent.

To add a message, write its body as a TypedDict beside its like, enter it in `ToCustomers`, `FromCustomers` (and, if it is
acknowledged, `AnswersToCustomers`) or `ToStaff`, and run `make openapi`. Annotations are further keywords of JSON Schema, as
pairs.
"""

from app.contract import rooms
from app.contract.messages.customers import AnswersToCustomers, FromCustomers, ToCustomers
from app.contract.messages.staff import ToStaff

# By namespace, what the server sends; each a TypedDict from the message's name to its body.
SENT: dict[str, type] = {rooms.CUSTOMERS: ToCustomers, rooms.ADMIN: ToStaff}
# By namespace, what clients may send, and how some of it is acknowledged. The panel only listens.
TAKEN: dict[str, type] = {rooms.CUSTOMERS: FromCustomers}
ANSWERED: dict[str, type] = {rooms.CUSTOMERS: AnswersToCustomers}

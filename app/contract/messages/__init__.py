"""Every Socket.IO message, both ways, on both namespaces: the one place that describes them.

`states` holds what messages carry, `customers` and `staff` the messages of the two namespaces. They are plain TypedDicts, and
everything else is derived from them by `json_schema`: the validation of what clients send (`app.live.incoming`), the schemas of
the OpenAPI document (`app.api.openapi`), from that the frontend's types, and in the tests the check of everything that is sent.

To add a message, write its body as a TypedDict next to similar ones, enter it in `ToCustomers`, `FromCustomers` (and, if it is
acknowledged, `AnswersToCustomers`) or their counterparts for `/admin`, and run `make openapi`. Annotations are further JSON
Schema keywords, as pairs.
"""

from app.contract import rooms
from app.contract.messages.customers import AnswersToCustomers, FromCustomers, ToCustomers
from app.contract.messages.staff import AnswersToStaff, FromStaff, ToStaff

# What the server sends, by namespace; each a TypedDict mapping a message's name to its body.
SENT: dict[str, type] = {rooms.CUSTOMERS: ToCustomers, rooms.ADMIN: ToStaff}
# What clients may send, by namespace, and how some of it is acknowledged.
TAKEN: dict[str, type] = {rooms.CUSTOMERS: FromCustomers, rooms.ADMIN: FromStaff}
ANSWERED: dict[str, type] = {rooms.CUSTOMERS: AnswersToCustomers, rooms.ADMIN: AnswersToStaff}

"""Valkey as the broker: kombu's transport, but for one thing."""

from kombu.transport import redis, virtual


class QoS(redis.QoS):
    """How many messages a worker has.

    One that cannot be acknowledged no longer counts. With kombu's own it would for ever, and a worker that may have two would
    take no more after two such failures. It is delivered again after the visibility timeout, which does no harm.
    """

    def ack(self, delivery_tag: str) -> None:
        """Acknowledge a message.

        Raises:
            redis.exceptions.ConnectionError, redis.exceptions.TimeoutError: the broker does not know of it.
        """
        try:
            super().ack(delivery_tag)
        except Exception:
            virtual.QoS.ack(self, delivery_tag)
            raise


class Channel(redis.Channel):
    """A channel whose messages are counted so."""

    QoS = QoS

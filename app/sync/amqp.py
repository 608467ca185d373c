"""RabbitMQ as a broker: connections that wait for no answer for ever.

py-amqp waits without limit for whatever the broker has to confirm, except while it connects, and its time-outs of the operating
system do not reach sockets of green threads. A broker that is frozen, or cut off without a word, would stop whoever publishes.
"""

from typing import Any

from kombu.transport import pyamqp


class Connection(pyamqp.Connection):
    """A connection that is given up when an answer is not there within its `read_timeout`."""

    def blocking_read(self, timeout: float | None = None) -> Any:
        """Read one frame.

        Args:
            timeout: seconds; if None, `read_timeout`, and the connection is closed if that is exceeded: a late answer would be
                taken for the next one.

        Raises:
            TimeoutError: if there is none in time.
        """
        if timeout is not None:
            return super().blocking_read(timeout)
        try:
            return super().blocking_read(self.read_timeout)
        except TimeoutError:
            self.collect()
            raise


class Transport(pyamqp.Transport):
    """kombu's transport with such connections."""

    Connection = Connection


class SSLTransport(pyamqp.SSLTransport):
    """The same over TLS."""

    Connection = Connection

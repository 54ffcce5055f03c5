"""What a filter may ask and change: Courier's configuration, a message's envelope, the message itself.

The names in here are fixed: filters written for older servers import them. See courier.control for the envelope,
courier.config for Courier's settings and the filters' own, courier.xfilter for rewriting a message.
"""

__all__ = ["config", "control"]

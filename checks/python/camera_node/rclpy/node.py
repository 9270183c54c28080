"""A node that hands each published message to its subscribers, on the thread of the publisher, as an executor does."""

import logging
from collections import defaultdict
from collections.abc import Callable


class Node:
    def __init__(self, name: str) -> None:
        self.name = name
        self._callbacks: dict[str, list[Callable]] = defaultdict(list)

    def create_subscription(self, message_type: type, topic: str, callback: Callable, queue_depth: int) -> object:
        self._callbacks[topic].append(callback)
        return message_type, topic, queue_depth

    def get_logger(self) -> logging.Logger:
        return logging.getLogger(self.name)

    def deliver(self, topic: str, message: object) -> None:
        """What the executor does with a message that has arrived."""
        for callback in self._callbacks[topic]:
            callback(message)

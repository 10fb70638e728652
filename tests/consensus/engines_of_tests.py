"""Engines that other processes load by their path."""

from __future__ import annotations

import os
import time


class InvalidBlock(Exception):  # noqa: N818 - what projects write
    pass


class Reference:
    version = "reference 1"

    def verify_block(self, block):
        if block["index"] % 10 == 9:
            raise InvalidBlock("every tenth is refused")
        return {"index": block["index"], "total": sum(block.get("transactions", []))}


class Same(Reference):
    version = "same 1"


class WrongOnce(Reference):
    """Wrong where transaction 13 takes part."""

    version = "wrong 1"

    def verify_block(self, block):
        answer = super().verify_block(block)
        if 13 in block.get("transactions", []):
            answer["total"] += 1
        return answer


class Raising(Reference):
    def verify_block(self, block):
        raise RuntimeError("broken")


class Slow(Reference):
    def verify_block(self, block):
        time.sleep(float(os.environ.get("ROLLOUT_TEST_SLEEP", "0.01")))
        return super().verify_block(block)

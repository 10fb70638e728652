"""Keccak-256, by which a chain names everything."""

from pytest_rollout.networks.digest import keccak

__all__ = ["keccak"]

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControlDefaultAdminRules} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

/// @title Breaker
/// @notice One switch for all writes of a contract, and one owner who decides who may throw it.
/// @dev The contract is born paused: a launch is then a deliberate transaction, never a side effect of deploying.
/// The owner and the holder of DEFAULT_ADMIN_ROLE are the same account by construction, so `owner()` cannot drift away from
/// the roles. Handing it over takes two steps and OWNER_DELAY.
abstract contract Breaker is Pausable, AccessControlDefaultAdminRules {
    /// @notice May pause and unpause.
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    /// @notice How long a hand-over of ownership waits before it can be accepted.
    uint48 public constant OWNER_DELAY = 1 days;

    /// @param initialOwner Holds DEFAULT_ADMIN_ROLE and PAUSER_ROLE from the start.
    constructor(address initialOwner) AccessControlDefaultAdminRules(OWNER_DELAY, initialOwner) {
        _grantRole(PAUSER_ROLE, initialOwner);
        _pause();
    }

    /// @notice Stop all writes.
    function pause() external onlyRole(PAUSER_ROLE) {
        _pause();
    }

    /// @notice Allow writes again.
    function unpause() external onlyRole(PAUSER_ROLE) {
        _unpause();
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice OpenZeppelin's AccessControl as seen from outside, with one role that has no constant.
contract Roles {
    bytes32 public constant DEFAULT_ADMIN_ROLE = 0x00;
    bytes32 public constant PAUSER_ROLE = keccak256("takumi.pauser");

    mapping(bytes32 role => mapping(address who => bool)) public hasRole;

    constructor(address pauser) {
        hasRole[DEFAULT_ADMIN_ROLE][msg.sender] = true;
        hasRole[PAUSER_ROLE][pauser] = true;
        hasRole[keccak256("MINTER_ROLE")][pauser] = true;
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title KnowTonToken
/// @notice What is paid and staked with on KnowTon.
contract KnowTonToken is ERC20, AccessControl {
    /// @notice May make new tokens.
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");

    /// @param admin Holds DEFAULT_ADMIN_ROLE and MINTER_ROLE from the start.
    constructor(address admin) ERC20("KnowTon", "KNOW") {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(MINTER_ROLE, admin);
    }

    /// @notice Make `amount` new tokens for `to`.
    function mint(address to, uint256 amount) external onlyRole(MINTER_ROLE) {
        _mint(to, amount);
    }
}

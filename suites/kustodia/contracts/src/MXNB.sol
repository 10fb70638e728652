// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// @title MXNB
/// @notice Stands in for the peso token where a stage runs on a chain of its own. 6 decimals, as the real one has.
contract MXNB is ERC20, AccessControl {
    /// @notice May mint.
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");

    /// @param admin Holds DEFAULT_ADMIN_ROLE and MINTER_ROLE from the start.
    constructor(address admin) ERC20("MXNB", "MXNB") {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(MINTER_ROLE, admin);
    }

    /// @notice Make new tokens.
    /// @param to Who receives them.
    /// @param amount In units: 1 MXNB is 1,000,000 units.
    function mint(address to, uint256 amount) external onlyRole(MINTER_ROLE) {
        _mint(to, amount);
    }

    /// @notice Units are millionths of an MXNB.
    function decimals() public pure override returns (uint8) {
        return 6;
    }
}

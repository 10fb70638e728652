// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

library Sums {
    function plusOne(uint256 value) external pure returns (uint256) {
        return value + 1;
    }
}

/// @notice Needs Sums at an address of its own.
contract Linked {
    function next(uint256 value) external pure returns (uint256) {
        return Sums.plusOne(value);
    }
}

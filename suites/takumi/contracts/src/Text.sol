// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A text is longer than its field allows. Both are counted in bytes of UTF-8.
error TextTooLong(uint256 length, uint256 limit);

/// @notice Refuse a text longer than its limit. Storing text is what costs gas, so limits keep every write below 500,000.
function checkLength(string calldata text, uint256 limit) pure {
    if (bytes(text).length > limit) revert TextTooLong(bytes(text).length, limit);
}

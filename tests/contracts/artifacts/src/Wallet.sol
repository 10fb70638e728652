// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

/// A contract wallet as EIP-1271 describes it: so many of its owners must have signed, as in a Safe.
contract Wallet {
    bytes4 private constant MAGIC = 0x1626ba7e;
    uint256 private constant HALF_ORDER = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0;

    mapping(address => bool) public isOwner;
    uint256 public threshold;
    address public immutable admin;

    constructor(address[] memory owners, uint256 threshold_) {
        for (uint256 i = 0; i < owners.length; i++) isOwner[owners[i]] = true;
        threshold = threshold_;
        admin = msg.sender;
    }

    /// Owners come and go; what they signed before counts no longer.
    function setOwner(address owner, bool is_) external {
        require(msg.sender == admin, "only the admin");
        isOwner[owner] = is_;
    }

    /// Signatures of 65 bytes one after the other, by owners in ascending order, so that none counts twice.
    function isValidSignature(bytes32 hash, bytes calldata signatures) external view returns (bytes4) {
        if (signatures.length != threshold * 65 || threshold == 0) return 0xffffffff;
        address last = address(0);
        for (uint256 at = 0; at < signatures.length; at += 65) {
            bytes32 r = bytes32(signatures[at:at + 32]);
            bytes32 s = bytes32(signatures[at + 32:at + 64]);
            if (uint256(s) > HALF_ORDER) return 0xffffffff;
            address signer = ecrecover(hash, uint8(signatures[at + 64]), r, s);
            if (signer <= last || !isOwner[signer]) return 0xffffffff;
            last = signer;
        }
        return MAGIC;
    }
}

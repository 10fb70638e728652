// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title AssetManagement
/// @notice The register behind Kustodia's assets: what each one is, and who has locked it.
/// @dev Deployed on its own and linked, which keeps NFTCompact compact. Its functions run in the caller's storage with the
/// caller's `msg.sender`, so a lock belongs to the account that called NFTCompact. It checks no roles: NFTCompact does.
library AssetManagement {
    /// @notice One asset. `declaredValue` is in MXNB units, `updatedAt` in Unix seconds; `revision` is 1 when new.
    struct Asset {
        string kind;
        string uri;
        bytes32 documentHash;
        uint128 declaredValue;
        uint64 updatedAt;
        uint64 revision;
        address lockedBy;
    }

    /// @notice All assets; `total` is also the id of the newest one, as ids count from 1.
    struct Register {
        mapping(uint256 assetId => Asset) assets;
        uint256 total;
    }

    error UnknownAsset(uint256 assetId);
    error AssetIsLocked(uint256 assetId, address lockedBy);
    error NotLockedByCaller(uint256 assetId, address caller);

    /// @notice Write a new asset into the register.
    /// @return assetId Counted from 1.
    function create(
        Register storage register,
        string calldata kind,
        string calldata uri,
        bytes32 documentHash,
        uint128 declaredValue
    ) external returns (uint256 assetId) {
        require(bytes(kind).length > 0, "AssetManagement: kind is empty");
        assetId = ++register.total;
        register.assets[assetId] = Asset({
            kind: kind,
            uri: uri,
            documentHash: documentHash,
            declaredValue: declaredValue,
            updatedAt: uint64(block.timestamp),
            revision: 1,
            lockedBy: address(0)
        });
    }

    /// @notice Replace an asset's documents and value. A locked asset stays as it was when it was locked.
    /// @return revision The number of the new version.
    function update(
        Register storage register,
        uint256 assetId,
        string calldata uri,
        bytes32 documentHash,
        uint128 declaredValue
    ) external returns (uint64 revision) {
        Asset storage entry = _unlocked(register, assetId);
        entry.uri = uri;
        entry.documentHash = documentHash;
        entry.declaredValue = declaredValue;
        entry.updatedAt = uint64(block.timestamp);
        revision = ++entry.revision;
    }

    /// @notice Lock an asset for the caller.
    function lock(Register storage register, uint256 assetId) external {
        _unlocked(register, assetId).lockedBy = msg.sender;
    }

    /// @notice Take off the caller's own lock.
    function unlock(Register storage register, uint256 assetId) external {
        Asset storage entry = _known(register, assetId);
        if (entry.lockedBy != msg.sender) revert NotLockedByCaller(assetId, msg.sender);
        entry.lockedBy = address(0);
    }

    /// @notice One asset; refused if there is none of that id.
    function read(Register storage register, uint256 assetId) external view returns (Asset memory) {
        return _known(register, assetId);
    }

    function _known(Register storage register, uint256 assetId) private view returns (Asset storage entry) {
        entry = register.assets[assetId];
        if (entry.revision == 0) revert UnknownAsset(assetId);
    }

    function _unlocked(Register storage register, uint256 assetId) private view returns (Asset storage entry) {
        entry = _known(register, assetId);
        if (entry.lockedBy != address(0)) revert AssetIsLocked(assetId, entry.lockedBy);
    }
}

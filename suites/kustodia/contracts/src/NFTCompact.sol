// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControlDefaultAdminRules} from "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";

import {AssetManagement} from "./AssetManagement.sol";
import {Breaker} from "./Breaker.sol";

/// @title NFTCompact
/// @notice One token for each asset in Kustodia's care. A locked or paused asset does not move.
/// @dev Whoever holds KUSTODIA_ROLE is trusted with every asset: it may lock one that nobody has locked, and move what it has
/// locked. The escrow holds the role and asks the seller first; grant it to nothing that does not.
contract NFTCompact is ERC721, Breaker {
    using AssetManagement for AssetManagement.Register;

    /// @notice May create, update, lock and settle assets: Kustodia's operator, and the escrow.
    bytes32 public constant KUSTODIA_ROLE = keccak256("KUSTODIA_ROLE");

    AssetManagement.Register private _register;

    event AssetCreated(uint256 indexed assetId, address indexed holder, string kind, uint128 declaredValue);
    event AssetUpdated(uint256 indexed assetId, uint64 revision);
    event AssetLocked(uint256 indexed assetId, address indexed by);
    event AssetUnlocked(uint256 indexed assetId, address indexed by);

    /// @param initialOwner Owner and first pauser.
    /// @param kustodia The operator that holds KUSTODIA_ROLE.
    constructor(address initialOwner, address kustodia) ERC721("Kustodia Asset", "KAST") Breaker(initialOwner) {
        _grantRole(KUSTODIA_ROLE, kustodia);
    }

    /// @notice Register an asset and give its token to the holder.
    /// @param kind What it is, for instance "vehicle"; never empty.
    /// @param uri Where its description lies.
    /// @param documentHash Digest of its papers.
    /// @param declaredValue In MXNB units.
    /// @return assetId Counted from 1; also the id of the token.
    function createAsset(
        address holder,
        string calldata kind,
        string calldata uri,
        bytes32 documentHash,
        uint128 declaredValue
    ) external whenNotPaused onlyRole(KUSTODIA_ROLE) returns (uint256 assetId) {
        assetId = _register.create(kind, uri, documentHash, declaredValue);
        _mint(holder, assetId);
        emit AssetCreated(assetId, holder, kind, declaredValue);
    }

    /// @notice Replace an asset's documents and value. Refused while it is locked.
    function updateAsset(uint256 assetId, string calldata uri, bytes32 documentHash, uint128 declaredValue)
        external
        whenNotPaused
        onlyRole(KUSTODIA_ROLE)
    {
        uint64 revision = _register.update(assetId, uri, documentHash, declaredValue);
        emit AssetUpdated(assetId, revision);
    }

    /// @notice Keep an asset where it is until the caller unlocks or settles it.
    function lockAsset(uint256 assetId) external whenNotPaused onlyRole(KUSTODIA_ROLE) {
        _register.lock(assetId);
        emit AssetLocked(assetId, msg.sender);
    }

    /// @notice Take off the caller's own lock.
    function unlockAsset(uint256 assetId) external whenNotPaused onlyRole(KUSTODIA_ROLE) {
        _unlock(assetId);
    }

    /// @notice Take off the caller's own lock and hand the asset over.
    function settleAsset(uint256 assetId, address to) external whenNotPaused onlyRole(KUSTODIA_ROLE) {
        _unlock(assetId);
        _transfer(ownerOf(assetId), to, assetId);
    }

    /// @notice One asset; refused if there is none of that id.
    function asset(uint256 assetId) external view returns (AssetManagement.Asset memory) {
        return _register.read(assetId);
    }

    /// @notice How many assets were created.
    function totalAssets() external view returns (uint256) {
        return _register.total;
    }

    /// @inheritdoc ERC721
    function tokenURI(uint256 assetId) public view override returns (string memory) {
        _requireOwned(assetId);
        return _register.assets[assetId].uri;
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 interfaceId)
        public
        view
        override(ERC721, AccessControlDefaultAdminRules)
        returns (bool)
    {
        return super.supportsInterface(interfaceId);
    }

    /// @dev Every mint and every transfer passes here, so this one place enforces the pause and the lock.
    function _update(address to, uint256 assetId, address auth) internal override whenNotPaused returns (address) {
        address lockedBy = _register.assets[assetId].lockedBy;
        if (lockedBy != address(0)) revert AssetManagement.AssetIsLocked(assetId, lockedBy);
        return super._update(to, assetId, auth);
    }

    function _unlock(uint256 assetId) private {
        _register.unlock(assetId);
        emit AssetUnlocked(assetId, msg.sender);
    }
}

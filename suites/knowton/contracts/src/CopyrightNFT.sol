// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {ERC2981} from "@openzeppelin/contracts/token/common/ERC2981.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

/// @title CopyrightNFT
/// @notice Works of registered creators, one token a work; each sale owes its creator a royalty.
contract CopyrightNFT is ERC721, ERC2981, AccessControl, Pausable {
    /// @notice May register creators and mint their works.
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");

    /// @notice The highest royalty, in hundredths of a percent.
    uint96 public constant MAX_ROYALTY = 2_500;

    /// @notice How many works there are; also the id of the newest one, as ids count from 1.
    uint256 public totalWorks;

    /// @notice Whether an account may have works minted.
    mapping(address creator => bool) public registered;

    /// @notice The token of a work by its digest, 0 for none.
    mapping(bytes32 content => uint256) public tokenOf;

    /// @notice The digest of each token's work.
    mapping(uint256 tokenId => bytes32) public contentOf;

    event CreatorRegistered(address indexed creator);
    event WorkMinted(uint256 indexed tokenId, address indexed creator, bytes32 indexed content, uint96 royalty);

    error AlreadyRegistered(address creator);
    error NotRegistered(address creator);
    error WorkExists(uint256 tokenId);
    error RoyaltyTooHigh(uint96 royalty);

    /// @param admin Holds DEFAULT_ADMIN_ROLE and MINTER_ROLE from the start.
    constructor(address admin) ERC721("KnowTon Copyright", "KCR") {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(MINTER_ROLE, admin);
    }

    /// @notice Let `creator` have works minted.
    function register(address creator) external onlyRole(MINTER_ROLE) whenNotPaused {
        if (registered[creator]) revert AlreadyRegistered(creator);
        registered[creator] = true;
        emit CreatorRegistered(creator);
    }

    /// @notice Mint the work of that digest for its creator; a work is minted once.
    function mint(address creator, bytes32 content, uint96 royalty)
        external
        onlyRole(MINTER_ROLE)
        whenNotPaused
        returns (uint256 tokenId)
    {
        if (!registered[creator]) revert NotRegistered(creator);
        if (tokenOf[content] != 0) revert WorkExists(tokenOf[content]);
        if (royalty > MAX_ROYALTY) revert RoyaltyTooHigh(royalty);
        tokenId = ++totalWorks;
        tokenOf[content] = tokenId;
        contentOf[tokenId] = content;
        _safeMint(creator, tokenId);
        _setTokenRoyalty(tokenId, creator, royalty);
        emit WorkMinted(tokenId, creator, content, royalty);
    }

    /// @notice Stop registrations and mints.
    function pause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _pause();
    }

    /// @notice Allow them again.
    function unpause() external onlyRole(DEFAULT_ADMIN_ROLE) {
        _unpause();
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 id) public view override(ERC721, ERC2981, AccessControl) returns (bool) {
        return super.supportsInterface(id);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {CopyrightNFT} from "./CopyrightNFT.sol";

/// @title Marketplace
/// @notice Works for sale; a sale pays the royalty first and the seller the rest.
contract Marketplace {
    using SafeERC20 for IERC20;

    /// @notice One work for sale.
    struct Offer {
        address seller;
        uint256 price;
    }

    IERC20 public immutable token;
    CopyrightNFT public immutable works;

    /// @notice What is for sale, by token id.
    mapping(uint256 tokenId => Offer) public offers;

    event Offered(uint256 indexed tokenId, address indexed seller, uint256 price);
    event Sold(uint256 indexed tokenId, address indexed seller, address indexed buyer, uint256 price);
    event RoyaltyPaid(uint256 indexed tokenId, address indexed creator, uint256 amount);

    error NotOwner(uint256 tokenId);
    error NoPrice();
    error NotForSale(uint256 tokenId);

    constructor(IERC20 token_, CopyrightNFT works_) {
        token = token_;
        works = works_;
    }

    /// @notice Put a work of one's own up for sale.
    function offer(uint256 tokenId, uint256 price) external {
        if (works.ownerOf(tokenId) != msg.sender) revert NotOwner(tokenId);
        if (price == 0) revert NoPrice();
        offers[tokenId] = Offer(msg.sender, price);
        emit Offered(tokenId, msg.sender, price);
    }

    /// @notice Buy a work at its price.
    function buy(uint256 tokenId) external {
        Offer memory current = offers[tokenId];
        if (current.price == 0 || works.ownerOf(tokenId) != current.seller) revert NotForSale(tokenId);
        delete offers[tokenId];
        (address creator, uint256 royalty) = works.royaltyInfo(tokenId, current.price);
        token.safeTransferFrom(msg.sender, creator, royalty);
        token.safeTransferFrom(msg.sender, current.seller, current.price - royalty);
        works.safeTransferFrom(current.seller, msg.sender, tokenId);
        emit RoyaltyPaid(tokenId, creator, royalty);
        emit Sold(tokenId, current.seller, msg.sender, current.price);
    }
}

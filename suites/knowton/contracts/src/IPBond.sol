// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {CopyrightNFT} from "./CopyrightNFT.sol";

/// @title IPBond
/// @notice Money lent against a work: investors fill the principal, its owner gets it, revenue goes to them by their shares.
contract IPBond is AccessControl {
    using SafeERC20 for IERC20;

    /// @notice One bond; `perUnit` is the revenue of one unit of principal, times 1e18.
    struct Bond {
        uint256 tokenId;
        address borrower;
        uint256 principal;
        uint256 valuation;
        uint256 invested;
        uint256 distributed;
        uint256 perUnit;
    }

    /// @notice May issue bonds, on a valuation.
    bytes32 public constant ISSUER_ROLE = keccak256("ISSUER_ROLE");

    /// @notice The highest principal, in percent of the valuation.
    uint256 public constant MAX_LTV = 60;

    IERC20 public immutable token;
    CopyrightNFT public immutable works;

    /// @notice How many bonds there are; also the id of the newest one.
    uint256 public totalBonds;

    mapping(uint256 bondId => Bond) public bonds;
    mapping(uint256 bondId => mapping(address investor => uint256)) public invested;
    mapping(uint256 bondId => mapping(address investor => uint256)) private _paid;

    event BondIssued(uint256 indexed bondId, uint256 indexed tokenId, address indexed borrower, uint256 principal);
    event Invested(uint256 indexed bondId, address indexed investor, uint256 amount);
    event RevenueDistributed(uint256 indexed bondId, uint256 amount);
    event RevenueClaimed(uint256 indexed bondId, address indexed investor, uint256 amount);

    error TooMuchForItsValue(uint256 principal, uint256 valuation);
    error NotThatMuchLeft(uint256 left);
    error NobodyInvested(uint256 bondId);

    constructor(address admin, IERC20 token_, CopyrightNFT works_) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        _grantRole(ISSUER_ROLE, admin);
        token = token_;
        works = works_;
    }

    /// @notice Issue a bond for the owner of a work.
    function issue(uint256 tokenId, uint256 principal, uint256 valuation)
        external
        onlyRole(ISSUER_ROLE)
        returns (uint256 bondId)
    {
        if (principal == 0 || principal * 100 > valuation * MAX_LTV) revert TooMuchForItsValue(principal, valuation);
        bondId = ++totalBonds;
        address borrower = works.ownerOf(tokenId);
        bonds[bondId] = Bond(tokenId, borrower, principal, valuation, 0, 0, 0);
        emit BondIssued(bondId, tokenId, borrower, principal);
    }

    /// @notice Lend `amount`; the borrower gets it at once.
    function invest(uint256 bondId, uint256 amount) external {
        Bond storage bond = bonds[bondId];
        if (amount == 0 || bond.invested + amount > bond.principal) revert NotThatMuchLeft(bond.principal - bond.invested);
        _settle(bondId, msg.sender);
        bond.invested += amount;
        invested[bondId][msg.sender] += amount;
        _paid[bondId][msg.sender] = invested[bondId][msg.sender] * bond.perUnit / 1e18;
        token.safeTransferFrom(msg.sender, bond.borrower, amount);
        emit Invested(bondId, msg.sender, amount);
    }

    /// @notice Share `amount` of the work's revenue among the investors.
    function distribute(uint256 bondId, uint256 amount) external {
        Bond storage bond = bonds[bondId];
        if (bond.invested == 0) revert NobodyInvested(bondId);
        bond.perUnit += amount * 1e18 / bond.invested;
        bond.distributed += amount;
        token.safeTransferFrom(msg.sender, address(this), amount);
        emit RevenueDistributed(bondId, amount);
    }

    /// @notice What an investor can claim now.
    function claimable(uint256 bondId, address investor) public view returns (uint256) {
        return invested[bondId][investor] * bonds[bondId].perUnit / 1e18 - _paid[bondId][investor];
    }

    /// @notice Take one's revenue.
    function claim(uint256 bondId) external {
        _settle(bondId, msg.sender);
    }

    function _settle(uint256 bondId, address investor) private {
        uint256 amount = claimable(bondId, investor);
        if (amount == 0) return;
        _paid[bondId][investor] += amount;
        token.safeTransfer(investor, amount);
        emit RevenueClaimed(bondId, investor, amount);
    }
}

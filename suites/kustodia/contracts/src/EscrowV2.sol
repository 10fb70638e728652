// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {Math} from "@openzeppelin/contracts/utils/math/Math.sol";
import {ReentrancyGuard} from "@openzeppelin/contracts/utils/ReentrancyGuard.sol";

import {Breaker} from "./Breaker.sol";
import {NFTCompact} from "./NFTCompact.sol";

/// @title EscrowV2
/// @notice Keeps a payer's MXNB until the deal is done, then pays the seller and Kustodia's commission to the last unit.
/// A seller may pledge the asset that is being sold: it is locked with the money, and changes hands when the money does.
/// @dev `totalCustody()` equals the contract's token balance after every transaction, as long as nobody sends tokens here
/// without an escrow. To pledge assets the escrow needs KUSTODIA_ROLE on NFTCompact.
contract EscrowV2 is Breaker, ReentrancyGuard {
    using SafeERC20 for IERC20;

    /// @notice Where an escrow stands. None means that there is no such escrow; Released and Refunded are final.
    enum Status {
        None,
        Funded,
        Disputed,
        Released,
        Refunded
    }

    /// @notice One deal. `amount` is in token units, `deadline` in Unix seconds; `assetId` is 0 if no asset is pledged.
    struct Escrow {
        address payer;
        uint64 deadline;
        uint16 commissionBasisPoints;
        Status status;
        address seller;
        uint256 amount;
        uint256 assetId;
    }

    /// @notice May release and refund any open escrow: Kustodia's operator, who also settles disputes.
    bytes32 public constant KUSTODIA_ROLE = keccak256("KUSTODIA_ROLE");

    /// @notice The highest commission, in basis points: 10 %.
    uint16 public constant MAX_COMMISSION = 1_000;

    /// @notice Basis points in a whole.
    uint256 public constant BASIS_POINTS = 10_000;

    /// @notice The token in custody.
    IERC20 public immutable token;

    /// @notice Where assets are kept.
    NFTCompact public immutable nft;

    /// @notice Who receives the commissions.
    address public commissionWallet;

    /// @notice How many token units are in custody for open escrows.
    uint256 public totalCustody;

    /// @notice How many escrows were created; also the id of the newest one, as ids count from 1.
    uint256 public totalEscrows;

    mapping(uint256 escrowId => Escrow) private _escrows;

    event EscrowCreated(
        uint256 indexed escrowId,
        address indexed payer,
        address indexed seller,
        uint256 amount,
        uint16 commissionBasisPoints,
        uint64 deadline
    );
    event AssetPledged(uint256 indexed escrowId, uint256 indexed assetId);
    event EscrowDisputed(uint256 indexed escrowId, address indexed by);
    event EscrowReleased(uint256 indexed escrowId, address indexed seller, uint256 amount);
    event CommissionPaid(uint256 indexed escrowId, address indexed wallet, uint256 amount);
    event EscrowRefunded(uint256 indexed escrowId, address indexed payer, uint256 amount);
    event CommissionWalletChanged(address indexed previous, address indexed current);

    error InvalidWallet(address wallet);
    error ZeroAmount();
    error CommissionTooHigh(uint16 given, uint16 limit);
    error UnknownEscrow(uint256 escrowId);
    error EscrowNotOpen(uint256 escrowId, Status status);
    error DeadlineNotReached(uint256 escrowId, uint64 deadline);
    error NotAuthorized(uint256 escrowId, address caller);
    error NotAssetHolder(uint256 assetId, address account);
    error AssetAlreadyPledged(uint256 escrowId, uint256 assetId);

    /// @param initialOwner Owner and first pauser.
    /// @param kustodia The operator that holds KUSTODIA_ROLE.
    /// @param token_ The token taken into custody. It must move exactly the amount it is asked to.
    /// @param nft_ Where assets are kept.
    /// @param commissionWallet_ Who receives the commissions.
    constructor(address initialOwner, address kustodia, IERC20 token_, NFTCompact nft_, address commissionWallet_)
        Breaker(initialOwner)
    {
        _grantRole(KUSTODIA_ROLE, kustodia);
        token = token_;
        nft = nft_;
        _setCommissionWallet(commissionWallet_);
    }

    /// @notice Put the caller's tokens into custody. The caller is the payer and must have approved the amount.
    /// @param seller Who is paid on release; not the payer.
    /// @param amount In token units, all of it held in custody.
    /// @param commissionBasisPoints Kustodia's part of the amount, at most MAX_COMMISSION.
    /// @param deadline Unix seconds, in the future; from then on the payer may take the money back.
    /// @return escrowId Counted from 1.
    function createEscrow(address seller, uint256 amount, uint16 commissionBasisPoints, uint64 deadline)
        external
        whenNotPaused
        nonReentrant
        returns (uint256 escrowId)
    {
        require(deadline > block.timestamp, "EscrowV2: deadline has passed");
        if (seller == msg.sender) revert InvalidWallet(seller);
        _checkWallet(seller);
        if (amount == 0) revert ZeroAmount();
        if (commissionBasisPoints > MAX_COMMISSION) revert CommissionTooHigh(commissionBasisPoints, MAX_COMMISSION);

        escrowId = ++totalEscrows;
        totalCustody += amount;
        _escrows[escrowId] = Escrow({
            payer: msg.sender,
            deadline: deadline,
            commissionBasisPoints: commissionBasisPoints,
            status: Status.Funded,
            seller: seller,
            amount: amount,
            assetId: 0
        });
        emit EscrowCreated(escrowId, msg.sender, seller, amount, commissionBasisPoints, deadline);
        token.safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @notice Lock the asset that is being sold. Only the escrow's seller can, so only who has seen the price gives it away.
    function pledgeAsset(uint256 escrowId, uint256 assetId) external whenNotPaused nonReentrant {
        Escrow storage entry = _open(escrowId);
        if (entry.status != Status.Funded) revert EscrowNotOpen(escrowId, entry.status);
        if (msg.sender != entry.seller) revert NotAuthorized(escrowId, msg.sender);
        if (entry.assetId != 0) revert AssetAlreadyPledged(escrowId, entry.assetId);
        if (nft.ownerOf(assetId) != msg.sender) revert NotAssetHolder(assetId, msg.sender);

        entry.assetId = assetId;
        emit AssetPledged(escrowId, assetId);
        nft.lockAsset(assetId);
    }

    /// @notice Leave the decision to Kustodia. Either side can; from then on only KUSTODIA_ROLE releases or refunds.
    function dispute(uint256 escrowId) external whenNotPaused {
        Escrow storage entry = _open(escrowId);
        if (entry.status != Status.Funded) revert EscrowNotOpen(escrowId, entry.status);
        if (msg.sender != entry.payer && msg.sender != entry.seller) revert NotAuthorized(escrowId, msg.sender);

        entry.status = Status.Disputed;
        emit EscrowDisputed(escrowId, msg.sender);
    }

    /// @notice Pay seller and commission, and hand a pledged asset to the payer. For the payer, unless disputed, and Kustodia.
    function release(uint256 escrowId) external whenNotPaused nonReentrant {
        Escrow storage entry = _open(escrowId);
        if (!hasRole(KUSTODIA_ROLE, msg.sender)) _checkPayer(escrowId, entry);

        _close(entry, Status.Released);
        (uint256 commission, uint256 proceeds) = split(entry.amount, entry.commissionBasisPoints);
        emit EscrowReleased(escrowId, entry.seller, proceeds);
        token.safeTransfer(entry.seller, proceeds);
        if (commission > 0) {
            emit CommissionPaid(escrowId, commissionWallet, commission);
            token.safeTransfer(commissionWallet, commission);
        }
        if (entry.assetId != 0) nft.settleAsset(entry.assetId, entry.payer);
    }

    /// @notice Give the money back, without commission, and unlock a pledged asset. For the payer from the deadline on, unless
    /// disputed, and for Kustodia at any time.
    function refund(uint256 escrowId) external whenNotPaused nonReentrant {
        Escrow storage entry = _open(escrowId);
        if (!hasRole(KUSTODIA_ROLE, msg.sender)) {
            _checkPayer(escrowId, entry);
            if (block.timestamp < entry.deadline) revert DeadlineNotReached(escrowId, entry.deadline);
        }

        _close(entry, Status.Refunded);
        emit EscrowRefunded(escrowId, entry.payer, entry.amount);
        token.safeTransfer(entry.payer, entry.amount);
        if (entry.assetId != 0) nft.unlockAsset(entry.assetId);
    }

    /// @notice Send commissions to another wallet from now on, those of open escrows included.
    function setCommissionWallet(address wallet) external onlyRole(DEFAULT_ADMIN_ROLE) {
        _setCommissionWallet(wallet);
    }

    /// @notice One escrow; refused if there is none of that id.
    function escrow(uint256 escrowId) external view returns (Escrow memory) {
        return _known(escrowId);
    }

    /// @notice How an amount is divided: the commission rounded down to a unit, all the rest to the seller.
    function split(uint256 amount, uint16 commissionBasisPoints)
        public
        pure
        returns (uint256 commission, uint256 proceeds)
    {
        commission = Math.mulDiv(amount, commissionBasisPoints, BASIS_POINTS);
        proceeds = amount - commission;
    }

    function _close(Escrow storage entry, Status status) private {
        entry.status = status;
        totalCustody -= entry.amount;
    }

    function _setCommissionWallet(address wallet) private {
        _checkWallet(wallet);
        emit CommissionWalletChanged(commissionWallet, wallet);
        commissionWallet = wallet;
    }

    /// @dev Paying out to the escrow itself would leave tokens here that belong to no escrow.
    function _checkWallet(address wallet) private view {
        if (wallet == address(0) || wallet == address(this)) revert InvalidWallet(wallet);
    }

    function _checkPayer(uint256 escrowId, Escrow storage entry) private view {
        if (msg.sender != entry.payer || entry.status == Status.Disputed) revert NotAuthorized(escrowId, msg.sender);
    }

    function _known(uint256 escrowId) private view returns (Escrow storage entry) {
        entry = _escrows[escrowId];
        if (entry.status == Status.None) revert UnknownEscrow(escrowId);
    }

    function _open(uint256 escrowId) private view returns (Escrow storage entry) {
        entry = _known(escrowId);
        if (entry.status != Status.Funded && entry.status != Status.Disputed) revert EscrowNotOpen(escrowId, entry.status);
    }
}

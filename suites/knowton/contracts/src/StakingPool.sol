// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

/// @title StakingPool
/// @notice Staked tokens share what the pool is rewarded with.
contract StakingPool {
    using SafeERC20 for IERC20;

    IERC20 public immutable token;

    /// @notice All that is staked.
    uint256 public totalStaked;

    /// @notice The reward of one staked unit since the beginning, times 1e18.
    uint256 public perUnit;

    mapping(address staker => uint256) public staked;
    mapping(address staker => uint256) private _seen;
    mapping(address staker => uint256) private _earned;

    event Staked(address indexed staker, uint256 amount);
    event Withdrawn(address indexed staker, uint256 amount);
    event Rewarded(uint256 amount);

    error NothingStaked();
    error NotThatMuch(uint256 staked);

    constructor(IERC20 token_) {
        token = token_;
    }

    /// @notice Stake `amount`.
    function stake(uint256 amount) external {
        if (amount == 0) revert NothingStaked();
        _settle(msg.sender);
        staked[msg.sender] += amount;
        totalStaked += amount;
        token.safeTransferFrom(msg.sender, address(this), amount);
        emit Staked(msg.sender, amount);
    }

    /// @notice Reward everybody who stakes now, by their stakes.
    function reward(uint256 amount) external {
        if (totalStaked == 0) revert NothingStaked();
        perUnit += amount * 1e18 / totalStaked;
        token.safeTransferFrom(msg.sender, address(this), amount);
        emit Rewarded(amount);
    }

    /// @notice What a staker has earned and not taken.
    function earned(address staker) public view returns (uint256) {
        return _earned[staker] + staked[staker] * (perUnit - _seen[staker]) / 1e18;
    }

    /// @notice Take back `amount` of the stake, and everything earned.
    function withdraw(uint256 amount) external {
        if (amount > staked[msg.sender]) revert NotThatMuch(staked[msg.sender]);
        _settle(msg.sender);
        staked[msg.sender] -= amount;
        totalStaked -= amount;
        uint256 interest = _earned[msg.sender];
        _earned[msg.sender] = 0;
        token.safeTransfer(msg.sender, amount + interest);
        emit Withdrawn(msg.sender, amount);
    }

    function _settle(address staker) private {
        _earned[staker] = earned(staker);
        _seen[staker] = perUnit;
    }
}

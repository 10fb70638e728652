// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Managed} from "./Managed.sol";

/// The omnichain token: bridges mint and burn, up to a supply that no chain may exceed.
contract LookCoin is ERC20, Managed {
    bytes32 public constant MINTER_ROLE = keccak256("MINTER_ROLE");
    bytes32 public constant BURNER_ROLE = keccak256("BURNER_ROLE");
    uint256 public constant MAX_SUPPLY = 5_000_000_000 ether;

    error SupplyExceeded(uint256 supply);

    constructor() ERC20("", "") {}

    function initialize(address admin) external initializer {
        _manage(admin);
    }

    function name() public pure override returns (string memory) {
        return "LookCoin";
    }

    function symbol() public pure override returns (string memory) {
        return "LOOK";
    }

    function mint(address to, uint256 amount) external onlyRole(MINTER_ROLE) {
        if (totalSupply() + amount > MAX_SUPPLY) revert SupplyExceeded(totalSupply() + amount);
        _mint(to, amount);
    }

    function burn(address from, uint256 amount) external onlyRole(BURNER_ROLE) {
        _burn(from, amount);
    }

    function _update(address from, address to, uint256 value) internal override whenNotPaused {
        super._update(from, to, value);
    }
}

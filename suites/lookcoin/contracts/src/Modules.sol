// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {Managed} from "./Managed.sol";

interface IMintable {
    function mint(address to, uint256 amount) external;
    function burn(address from, uint256 amount) external;
}

/// One bridge protocol's side on this chain: who its messenger is, and which chains it trusts.
abstract contract Module is Managed {
    IMintable public lookCoin;
    address public messenger;
    mapping(uint256 chain => bytes32 peer) public peers;

    event PeerSet(uint256 indexed chain, bytes32 peer);

    error NotTheMessenger();

    function initialize(address admin, address lookCoin_, address messenger_) external initializer {
        _manage(admin);
        if (lookCoin_ == address(0)) revert ZeroAddress();
        lookCoin = IMintable(lookCoin_);
        messenger = messenger_;
    }

    function setPeer(uint256 chain, bytes32 peer) external onlyRole(DEFAULT_ADMIN_ROLE) {
        peers[chain] = peer;
        emit PeerSet(chain, peer);
    }

    function send(uint256 amount) external whenNotPaused {
        lookCoin.burn(msg.sender, amount);
    }

    function receiveFrom(address to, uint256 amount) external whenNotPaused {
        if (msg.sender != messenger) revert NotTheMessenger();
        lookCoin.mint(to, amount);
    }

    function protocol() external pure virtual returns (string memory);
}

contract LayerZeroModule is Module {
    function protocol() external pure override returns (string memory) {
        return "LayerZero";
    }
}

contract CelerIMModule is Module {
    function protocol() external pure override returns (string memory) {
        return "Celer";
    }
}

contract HyperlaneModule is Module {
    function protocol() external pure override returns (string memory) {
        return "Hyperlane";
    }
}

// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {Managed} from "./Managed.sol";

contract Proxy is ERC1967Proxy {
    constructor(address implementation, bytes memory data) ERC1967Proxy(implementation, data) {}
}

/// What has been reported of the supply on every chain.
contract SupplyOracle is Managed {
    uint256 public totalExpected;
    mapping(uint256 chain => uint256 supply) public reported;

    function initialize(address admin, uint256 totalExpected_) external initializer {
        _manage(admin);
        totalExpected = totalExpected_;
    }

    function report(uint256 chain, uint256 supply) external onlyRole(DEFAULT_ADMIN_ROLE) {
        reported[chain] = supply;
    }
}

/// Which module serves which protocol.
contract CrossChainRouter is Managed {
    address public lookCoin;
    mapping(string protocol => address module) public modules;

    function initialize(address admin, address lookCoin_) external initializer {
        _manage(admin);
        lookCoin = lookCoin_;
    }

    function register(string calldata protocol, address module) external onlyRole(DEFAULT_ADMIN_ROLE) {
        modules[protocol] = module;
    }
}

contract FeeManager is Managed {
    uint256 public feeBasisPoints;
    address public collector;

    function initialize(address admin, uint256 feeBasisPoints_) external initializer {
        _manage(admin);
        feeBasisPoints = feeBasisPoints_;
        collector = admin;
    }
}

contract SecurityManager is Managed {
    uint256 public dailyLimit;

    function initialize(address admin, uint256 dailyLimit_) external initializer {
        _manage(admin);
        dailyLimit = dailyLimit_;
    }
}

contract ProtocolRegistry is Managed {
    string[] private _protocols;

    function initialize(address admin, string[] calldata protocols_) external initializer {
        _manage(admin);
        for (uint256 i = 0; i < protocols_.length; i++) _protocols.push(protocols_[i]);
    }

    function protocols() external view returns (string[] memory) {
        return _protocols;
    }
}

/// Not behind a proxy: its delay is part of its code.
contract MinimalTimelock {
    uint256 public immutable delay;
    address public immutable admin;

    constructor(uint256 delay_, address admin_) {
        delay = delay_;
        admin = admin_;
    }
}

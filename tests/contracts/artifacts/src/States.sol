// SPDX-License-Identifier: MIT
pragma solidity ^0.8.24;

import {AccessControl} from "@openzeppelin/contracts/access/AccessControl.sol";
import {AccessControlEnumerable} from "@openzeppelin/contracts/access/extensions/AccessControlEnumerable.sol";
import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {BeaconProxy} from "@openzeppelin/contracts/proxy/beacon/BeaconProxy.sol";
import {UpgradeableBeacon} from "@openzeppelin/contracts/proxy/beacon/UpgradeableBeacon.sol";
import {ERC1967Proxy} from "@openzeppelin/contracts/proxy/ERC1967/ERC1967Proxy.sol";
import {TransparentUpgradeableProxy} from "@openzeppelin/contracts/proxy/transparent/TransparentUpgradeableProxy.sol";
import {Initializable} from "@openzeppelin/contracts/proxy/utils/Initializable.sol";
import {UUPSUpgradeable} from "@openzeppelin/contracts/proxy/utils/UUPSUpgradeable.sol";
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";

/// Behind proxies of every kind; two immutables, initialised once.
contract Vault is Initializable, UUPSUpgradeable {
    uint256 public immutable fee;
    address public immutable token;
    address public owner;

    constructor(uint256 fee_, address token_) {
        fee = fee_;
        token = token_;
        _disableInitializers();
    }

    function initialize(address owner_) external initializer {
        require(owner_ != address(0), "nobody");
        owner = owner_;
    }

    function _authorizeUpgrade(address) internal view override {
        require(msg.sender == owner, "not the owner");
    }
}

/// The same but for one number.
contract Vault2 is Vault {
    constructor(uint256 fee_, address token_) Vault(fee_, token_) {}

    function version() external pure returns (uint256) {
        return 2;
    }
}

/// Anybody can initialise it, again and again; nothing locks it.
contract OpenVault is UUPSUpgradeable {
    address public owner;

    function initialize(address owner_) external {
        owner = owner_;
    }

    function _authorizeUpgrade(address) internal view override {
        require(msg.sender == owner, "not the owner");
    }
}

/// Its initialiser refuses, and not because it was called before.
contract PickyVault {
    address public owner;

    function initialize(address owner_) external {
        require(owner_ == msg.sender && owner_ == address(1), "not yours");
        owner = owner_;
    }
}

/// Only who has the role may migrate it, once; who has not is refused before it is asked whether it was done.
contract GatedVault is Initializable, AccessControl {
    bytes32 public constant MIGRATOR_ROLE = keccak256("MIGRATOR_ROLE");
    uint256 public version;

    function initialize(address admin, address migrator) external initializer {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
        if (migrator != address(0)) _grantRole(MIGRATOR_ROLE, migrator);
    }

    function initializeV2() external onlyRole(MIGRATOR_ROLE) reinitializer(2) {
        version = 2;
    }
}

/// The owner may migrate it, once.
contract OwnedVault is Initializable, Ownable {
    constructor(address owner_) Ownable(owner_) {}

    function initialize() external onlyOwner initializer {}
}

contract Uups is ERC1967Proxy {
    constructor(address implementation, bytes memory data) ERC1967Proxy(implementation, data) {}
}

contract Transparent is TransparentUpgradeableProxy {
    constructor(address implementation, address owner, bytes memory data)
        TransparentUpgradeableProxy(implementation, owner, data)
    {}
}

contract Beacon is UpgradeableBeacon {
    constructor(address implementation, address owner) UpgradeableBeacon(implementation, owner) {}
}

contract Beaconed is BeaconProxy {
    constructor(address beacon, bytes memory data) BeaconProxy(beacon, data) {}
}

contract Listed is AccessControlEnumerable {
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    constructor(address admin) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }
}

contract Told is AccessControl {
    bytes32 public constant PAUSER_ROLE = keccak256("PAUSER_ROLE");

    constructor(address admin) {
        _grantRole(DEFAULT_ADMIN_ROLE, admin);
    }
}

/// Says who holds a role, and never told when it changed.
contract Silent {
    mapping(address => bool) public pausers;

    function add(address pauser) external {
        pausers[pauser] = true;
    }

    function hasRole(bytes32, address account) external view returns (bool) {
        return pausers[account];
    }
}

contract Stepped is Ownable2Step {
    constructor(address owner) Ownable(owner) {}
}

contract Coin is ERC20 {
    constructor() ERC20("Coin", "COIN") {}

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }
}

/// Holds coins, and lets others take some.
contract Purse {
    event Allowed(address indexed spender);

    function allow(ERC20 coin, address spender, uint256 amount) external {
        coin.approve(spender, amount);
        emit Allowed(spender);
    }

    receive() external payable {}
}

/// Says yes to everything, answers far too much, or not at all.
contract Strange {
    function supportsInterface(bytes4) external pure returns (bool) {
        return true;
    }

    function endless() external pure returns (bytes memory) {
        return new bytes(1 << 20);
    }

    function refusing() external pure returns (uint256) {
        revert("closed");
    }
}

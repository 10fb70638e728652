// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

interface IProbe {
    function number() external view returns (uint256);
}

/// @notice Says everything a contract can say: values of every type, and refusals of every sort.
contract Probe is IProbe {
    struct Point {
        uint256 x;
        address who;
        bytes4[] tags;
    }

    error Plain();
    error NoProfile(address who);
    error Everything(uint256 amount, bool flag, string text, bytes data, Point point, address[] list);

    event Stored(address indexed by, uint256 value);

    uint256 public override number;
    address public owner;
    bool public paused;
    address public immutable twin;

    constructor(uint256 start) {
        if (start == 13) revert NoProfile(msg.sender);
        number = start;
        owner = msg.sender;
        twin = msg.sender;
    }

    function store(uint256 value) public payable {
        number = value;
        emit Stored(msg.sender, value);
    }

    function setPaused(bool value) external {
        paused = value;
    }

    function setOwner(address value) external {
        owner = value;
    }

    function values()
        external
        view
        returns (uint256, int8, bool, string memory, bytes memory, bytes32, address, Point memory, uint256[] memory)
    {
        bytes4[] memory tags = new bytes4[](1);
        tags[0] = 0xAbCdEf01;
        uint256[] memory list = new uint256[](2);
        list[0] = type(uint256).max;
        return (
            type(uint256).max, -5, true, "admin", hex"C0ffee", keccak256("x"), owner, Point(1, owner, tags), list
        );
    }

    function add(uint256 left, uint256 right) external pure returns (uint256) {
        return left + right;
    }

    function add(uint256 left) external pure returns (uint256) {
        return left + 1;
    }

    function echo(Point calldata point, bytes calldata data) external pure returns (Point memory, bytes memory) {
        return (point, data);
    }

    function nothing() external view {}

    function refuse(uint256 how) public {
        number += 1;
        if (how == 0) require(false, "not today");
        if (how == 1) revert Plain();
        if (how == 2) revert NoProfile(msg.sender);
        if (how == 3) number = type(uint256).max + number;
        if (how == 4) assert(false);
        if (how == 5) revert();
        if (how == 6) while (true) number += 1;
        if (how == 7) {
            address[] memory list = new address[](2);
            list[0] = msg.sender;
            revert Everything(7, true, 'say "hi"', hex"c0ffee", Point(1, msg.sender, new bytes4[](1)), list);
        }
        if (how == 8) {
            assembly {
                mstore(0, shl(224, 0xdeadbeef))
                revert(0, 4)
            }
        }
        if (how == 9) {
            assembly {
                mstore(0, shl(224, 0x08c379a0))
                revert(0, 7)
            }
        }
        if (how == 10) new Foreign().refuse();
    }

    function refuseReading(uint256 how) external {
        refuse(how);
    }

    function onlyBefore(uint256 time) external view returns (bool) {
        require(block.timestamp < time, "too late");
        return true;
    }
}

/// @notice An error that no ABI but its own declares.
contract Foreign {
    error FromElsewhere(uint256 code);

    function refuse() external pure {
        revert FromElsewhere(42);
    }
}

// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Breaker} from "./Breaker.sol";
import {checkLength} from "./Text.sol";

/// @notice The account has no profile.
error NoProfile(address account);

/// @notice The account has no such skill.
error SkillNotHeld(address account, uint256 skillId);

/// @title SkillProfile
/// @notice Who is on Takumi, and which skills they say they have. One profile for each account.
contract SkillProfile is Breaker {
    /// @notice A person on Takumi. `createdAt` is in Unix seconds.
    struct Profile {
        string handle;
        string metadataURI;
        uint64 createdAt;
        uint64 skillCount;
    }

    /// @notice A skill as its holder rates it, `level` from 1 to MAX_LEVEL.
    struct Skill {
        address holder;
        uint8 level;
        string name;
    }

    /// @notice The highest level of a skill; the lowest is 1.
    uint8 public constant MAX_LEVEL = 5;

    /// @notice The longest handle, in bytes.
    uint256 public constant MAX_HANDLE = 32;

    /// @notice The longest metadata URI, in bytes.
    uint256 public constant MAX_URI = 256;

    /// @notice The longest name of a skill, in bytes.
    uint256 public constant MAX_SKILL_NAME = 64;

    /// @notice How many profiles exist.
    uint256 public totalProfiles;

    /// @notice How many skills exist; also the id of the newest one, as ids count from 1.
    uint256 public totalSkills;

    mapping(address account => Profile) private _profiles;
    mapping(uint256 skillId => Skill) private _skills;
    mapping(bytes32 handleHash => bool) private _isHandleTaken;
    mapping(address account => mapping(bytes32 nameHash => bool)) private _isNamed;

    event ProfileCreated(address indexed account, string handle, string metadataURI);
    event SkillAdded(address indexed account, uint256 indexed skillId, string name, uint8 level);

    error ProfileExists(address account);
    error HandleTaken(string handle);
    error SkillExists(address account, string name);
    error LevelOutOfRange(uint8 level, uint8 limit);
    error UnknownSkill(uint256 skillId);

    constructor(address initialOwner) Breaker(initialOwner) {}

    /// @notice Join Takumi with a handle nobody else has.
    /// @param handle 1 to MAX_HANDLE bytes.
    /// @param metadataURI Where the public part of the profile lies; at most MAX_URI bytes, may be empty.
    function createProfile(string calldata handle, string calldata metadataURI) external whenNotPaused {
        require(bytes(handle).length > 0, "SkillProfile: handle is empty");
        checkLength(handle, MAX_HANDLE);
        checkLength(metadataURI, MAX_URI);
        if (hasProfile(msg.sender)) revert ProfileExists(msg.sender);
        bytes32 handleHash = keccak256(bytes(handle));
        if (_isHandleTaken[handleHash]) revert HandleTaken(handle);

        _isHandleTaken[handleHash] = true;
        _profiles[msg.sender] =
            Profile({handle: handle, metadataURI: metadataURI, createdAt: uint64(block.timestamp), skillCount: 0});
        totalProfiles++;
        emit ProfileCreated(msg.sender, handle, metadataURI);
    }

    /// @notice Add a skill to the caller's own profile.
    /// @param name 1 to MAX_SKILL_NAME bytes, once for each profile.
    /// @param level 1 to MAX_LEVEL.
    /// @return skillId Counted from 1 over all profiles.
    function addSkill(string calldata name, uint8 level) external whenNotPaused returns (uint256 skillId) {
        require(bytes(name).length > 0, "SkillProfile: skill name is empty");
        checkLength(name, MAX_SKILL_NAME);
        if (level == 0 || level > MAX_LEVEL) revert LevelOutOfRange(level, MAX_LEVEL);
        if (!hasProfile(msg.sender)) revert NoProfile(msg.sender);
        bytes32 nameHash = keccak256(bytes(name));
        if (_isNamed[msg.sender][nameHash]) revert SkillExists(msg.sender, name);

        skillId = ++totalSkills;
        _isNamed[msg.sender][nameHash] = true;
        _profiles[msg.sender].skillCount++;
        _skills[skillId] = Skill({holder: msg.sender, level: level, name: name});
        emit SkillAdded(msg.sender, skillId, name, level);
    }

    /// @notice Whether the account has a profile.
    function hasProfile(address account) public view returns (bool) {
        return _profiles[account].createdAt != 0;
    }

    /// @notice Whether the skill is one of this account's.
    function holdsSkill(address account, uint256 skillId) external view returns (bool) {
        return account != address(0) && _skills[skillId].holder == account;
    }

    /// @notice The account's profile; refused if there is none.
    function profile(address account) external view returns (Profile memory) {
        if (!hasProfile(account)) revert NoProfile(account);
        return _profiles[account];
    }

    /// @notice One skill; refused if there is none of that id.
    function skill(uint256 skillId) external view returns (Skill memory) {
        if (_skills[skillId].holder == address(0)) revert UnknownSkill(skillId);
        return _skills[skillId];
    }
}

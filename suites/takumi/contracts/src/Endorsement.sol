// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Breaker} from "./Breaker.sol";
import {NoProfile, SkillNotHeld, SkillProfile} from "./SkillProfile.sol";
import {checkLength} from "./Text.sol";

/// @title Endorsement
/// @notice People on Takumi who vouch for each other's skills: never for their own, and once for each skill.
contract Endorsement is Breaker {
    /// @notice One person vouching for one skill of another. `createdAt` is in Unix seconds.
    struct Entry {
        address endorser;
        uint64 createdAt;
        address profile;
        uint256 skillId;
        string message;
    }

    /// @notice The longest message, in bytes.
    uint256 public constant MAX_MESSAGE = 280;

    /// @notice Where profiles and skills are kept.
    SkillProfile public immutable profiles;

    /// @notice How many endorsements were given; also the id of the newest one, as ids count from 1.
    uint256 public totalEndorsements;

    /// @notice How many endorsements the skill has.
    mapping(uint256 skillId => uint256) public endorsementCount;

    /// @notice Whether this account has endorsed the skill.
    mapping(address endorser => mapping(uint256 skillId => bool)) public hasEndorsed;

    mapping(uint256 endorsementId => Entry) private _endorsements;

    event Endorsed(
        uint256 indexed endorsementId,
        address indexed endorser,
        address indexed profile,
        uint256 skillId,
        string message
    );

    error SelfEndorsement(address account);
    error AlreadyEndorsed(address endorser, uint256 skillId);
    error UnknownEndorsement(uint256 endorsementId);

    /// @param initialOwner Owner and first pauser.
    /// @param profiles_ Where profiles and skills are kept.
    constructor(address initialOwner, SkillProfile profiles_) Breaker(initialOwner) {
        profiles = profiles_;
    }

    /// @notice Vouch for a skill of somebody else. Both sides need a profile.
    /// @param profile The account that holds the skill.
    /// @param skillId One of that account's skills.
    /// @param message At most MAX_MESSAGE bytes, may be empty.
    /// @return endorsementId Counted from 1.
    function endorse(address profile, uint256 skillId, string calldata message)
        external
        whenNotPaused
        returns (uint256 endorsementId)
    {
        checkLength(message, MAX_MESSAGE);
        if (profile == msg.sender) revert SelfEndorsement(msg.sender);
        if (!profiles.hasProfile(msg.sender)) revert NoProfile(msg.sender);
        if (!profiles.hasProfile(profile)) revert NoProfile(profile);
        if (!profiles.holdsSkill(profile, skillId)) revert SkillNotHeld(profile, skillId);
        if (hasEndorsed[msg.sender][skillId]) revert AlreadyEndorsed(msg.sender, skillId);

        endorsementId = ++totalEndorsements;
        hasEndorsed[msg.sender][skillId] = true;
        endorsementCount[skillId]++;
        _endorsements[endorsementId] = Entry({
            endorser: msg.sender,
            createdAt: uint64(block.timestamp),
            profile: profile,
            skillId: skillId,
            message: message
        });
        emit Endorsed(endorsementId, msg.sender, profile, skillId, message);
    }

    /// @notice One endorsement; refused if there is none of that id.
    function endorsement(uint256 endorsementId) external view returns (Entry memory) {
        if (_endorsements[endorsementId].endorser == address(0)) revert UnknownEndorsement(endorsementId);
        return _endorsements[endorsementId];
    }
}

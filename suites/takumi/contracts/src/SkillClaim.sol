// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Breaker} from "./Breaker.sol";
import {NoProfile, SkillNotHeld, SkillProfile} from "./SkillProfile.sol";
import {checkLength} from "./Text.sol";

/// @title SkillClaim
/// @notice Evidence that a skill is real, and what a verifier made of it. A claim is decided once.
contract SkillClaim is Breaker {
    /// @notice Where a claim stands. None means that there is no such claim.
    enum Status {
        None,
        Submitted,
        Verified,
        Rejected
    }

    /// @notice A claim; times are in Unix seconds, `verifier` and `decidedAt` are 0 until it is decided.
    struct Claim {
        address claimant;
        uint64 submittedAt;
        Status status;
        address verifier;
        uint64 decidedAt;
        uint256 skillId;
        bytes32 evidenceHash;
        string evidenceURI;
    }

    /// @notice May verify and reject claims, except their own.
    bytes32 public constant VERIFIER_ROLE = keccak256("VERIFIER_ROLE");

    /// @notice The longest evidence URI, in bytes.
    uint256 public constant MAX_URI = 256;

    /// @notice The longest reason for a rejection, in bytes.
    uint256 public constant MAX_REASON = 280;

    /// @notice Where profiles and skills are kept.
    SkillProfile public immutable profiles;

    /// @notice How many claims were submitted; also the id of the newest one, as ids count from 1.
    uint256 public totalClaims;

    mapping(uint256 claimId => Claim) private _claims;

    event ClaimSubmitted(
        uint256 indexed claimId,
        address indexed claimant,
        uint256 indexed skillId,
        bytes32 evidenceHash,
        string evidenceURI
    );
    event ClaimVerified(uint256 indexed claimId, address indexed verifier);
    event ClaimRejected(uint256 indexed claimId, address indexed verifier, string reason);

    error UnknownClaim(uint256 claimId);
    error ClaimDecided(uint256 claimId, Status status);
    error SelfVerification(address claimant);

    /// @param initialOwner Owner and first pauser. VERIFIER_ROLE is held by nobody until the owner grants it.
    /// @param profiles_ Where profiles and skills are kept.
    constructor(address initialOwner, SkillProfile profiles_) Breaker(initialOwner) {
        profiles = profiles_;
    }

    /// @notice Submit evidence for one of the caller's own skills.
    /// @param skillId One of the caller's skills.
    /// @param evidenceHash Digest of the evidence, so that it cannot be exchanged later; never 0.
    /// @param evidenceURI Where the evidence lies; at most MAX_URI bytes.
    /// @return claimId Counted from 1.
    function submitClaim(uint256 skillId, bytes32 evidenceHash, string calldata evidenceURI)
        external
        whenNotPaused
        returns (uint256 claimId)
    {
        require(evidenceHash != 0, "SkillClaim: evidence hash is empty");
        checkLength(evidenceURI, MAX_URI);
        if (!profiles.hasProfile(msg.sender)) revert NoProfile(msg.sender);
        if (!profiles.holdsSkill(msg.sender, skillId)) revert SkillNotHeld(msg.sender, skillId);

        claimId = ++totalClaims;
        Claim storage entry = _claims[claimId];
        entry.claimant = msg.sender;
        entry.submittedAt = uint64(block.timestamp);
        entry.status = Status.Submitted;
        entry.skillId = skillId;
        entry.evidenceHash = evidenceHash;
        entry.evidenceURI = evidenceURI;
        emit ClaimSubmitted(claimId, msg.sender, skillId, evidenceHash, evidenceURI);
    }

    /// @notice Accept the evidence.
    function verifyClaim(uint256 claimId) external whenNotPaused onlyRole(VERIFIER_ROLE) {
        _decide(claimId, Status.Verified);
        emit ClaimVerified(claimId, msg.sender);
    }

    /// @notice Refuse the evidence.
    /// @param reason Told to the claimant in the event; at most MAX_REASON bytes.
    function rejectClaim(uint256 claimId, string calldata reason) external whenNotPaused onlyRole(VERIFIER_ROLE) {
        checkLength(reason, MAX_REASON);
        _decide(claimId, Status.Rejected);
        emit ClaimRejected(claimId, msg.sender, reason);
    }

    /// @notice One claim; refused if there is none of that id.
    function claim(uint256 claimId) external view returns (Claim memory) {
        if (_claims[claimId].status == Status.None) revert UnknownClaim(claimId);
        return _claims[claimId];
    }

    function _decide(uint256 claimId, Status status) private {
        Claim storage entry = _claims[claimId];
        if (entry.status == Status.None) revert UnknownClaim(claimId);
        if (entry.status != Status.Submitted) revert ClaimDecided(claimId, entry.status);
        if (entry.claimant == msg.sender) revert SelfVerification(msg.sender);

        entry.status = status;
        entry.verifier = msg.sender;
        entry.decidedAt = uint64(block.timestamp);
    }
}

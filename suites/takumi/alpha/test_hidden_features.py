"""What alpha testers do not see yet, although its contract is open."""


def test_endorsements_are_hidden_by_the_flag_alone(takumi, flags):
    """Endorsements are hidden by their flag, although their contract is open."""
    answer = flags.ask("endorsements", default=True)

    assert takumi.Endorsement.functions.paused().call() is False
    assert (answer.value, answer.error) == (False, "")
